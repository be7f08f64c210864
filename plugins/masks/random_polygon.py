"""Random simple, star-shaped and convex polygons: the damage that the published solution trained on."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS


@MASKS.register_module()
class RandomPolygon:
    """A simple, star-shaped or convex polygon of 3 to 20 corners, stretched to a random box of at least 50 px.

    The distribution of a published solution of DACON 236420: polygons as the package `polygenerator` 0.2 makes them,
    their corners rounded to pixels, drawn, and redrawn unless they cover more than a quarter of the smallest box.

    The published code draws with `skimage.draw.polygon2mask`: the pixels whose centers lie in the polygon or on its
    border. Here `cv2.fillPoly` draws, which also draws the border as a line of whole pixels, 2 % of the area in the
    mean, and is hundreds of times as fast (10 us instead of 4 ms; `PIL.ImageDraw` adds 1.3 % and takes 50 us).
    Crossings of simple polygons are removed in another order, which makes those of 20 corners about 0.5 % longer.

    On images with a side below twice `min_box`, the box is at least half that side.

    Args:
        kinds: which kinds of polygon to draw, all equally often: 'simple', 'star', 'convex'.
        min_box: smallest side of a polygon's box, in pixels.
        min_corners: fewest corners of a polygon, before they are rounded to pixels.
        max_corners: most corners.
    """

    def __init__(
        self,
        kinds: Sequence[str] = ('simple', 'star', 'convex'),
        min_box: int = 50,
        min_corners: int = 3,
        max_corners: int = 20,
    ) -> None:
        if not kinds or set(kinds) - set(_POLYGONS):
            raise ValueError(f'RandomPolygon(kinds={tuple(kinds)}): expected a choice of {tuple(_POLYGONS)}')
        if min_box < 1:
            raise ValueError(f'RandomPolygon(min_box={min_box}): expected at least 1 pixel')
        if not 3 <= min_corners <= max_corners:
            raise ValueError(
                f'RandomPolygon(min_corners={min_corners}, max_corners={max_corners}): '
                'expected 3 <= min_corners <= max_corners'
            )
        self.kinds = tuple(kinds)
        self.min_box = min_box
        self.min_corners = min_corners
        self.max_corners = max_corners

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray:
        return self.draw(height, width, rng)[0]

    def draw(self, height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A mask, and the corners of its polygon: int (K, 2), x and y in pixels."""
        import cv2

        require_room_for_a_hole(height, width)
        min_height, min_width = min(self.min_box, (height + 1) // 2), min(self.min_box, (width + 1) // 2)
        min_area = (min_height // 2) * (min_width // 2) + 1
        while True:
            (left, box_width), (top, box_height) = _span(width, min_width, rng), _span(height, min_height, rng)
            num_corners = int(rng.integers(self.min_corners, self.max_corners, endpoint=True))
            kind = self.kinds[rng.integers(len(self.kinds))]
            corners = _to_unit_box(_POLYGONS[kind](num_corners, rng))
            corners = np.rint(corners * (box_width, box_height)).astype(np.int32)
            mask = np.zeros((height, width), np.uint8)
            box = mask[top : top + box_height, left : left + box_width]
            cv2.fillPoly(box, [corners], 1)
            if min_area <= np.count_nonzero(box) < height * width:
                return mask, corners + np.array([left, top])


def _span(side: int, min_length: int, rng: np.random.Generator) -> tuple[int, int]:
    """Start and length of a span within 0..side: start uniform, then the end uniform, redrawn while it is too short."""
    while True:
        start = int(rng.integers(side - min_length, endpoint=True))
        end = int(rng.integers(start, side, endpoint=True))
        if end - start >= min_length:
            return start, end - start


def _to_unit_box(polygon: np.ndarray) -> np.ndarray:
    polygon = polygon - polygon.min(axis=0)
    return polygon / polygon.max(axis=0)


def _simple_polygon(num_corners: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform points joined at random, crossings removed by 2-opt moves (Auer & Held 1996, RPG, 2-opt moves)."""
    points = rng.random((num_corners, 2))
    x, y = (points[:, None] - points).transpose(2, 0, 1)
    # Byte (a n + b) n + c: whether point c lies to the left of the line from a to b.
    left = (x[:, :, None] * y[:, None, :] > y[:, :, None] * x[:, None, :]).tobytes()
    order = list(range(num_corners))
    i = num_clean = 0
    while num_clean < num_corners:
        j = _crossing_edge(i, order, left)
        if j is None:
            num_clean += 1
        else:  # join the near ends of the two edges and the far ones: shorter, so that this comes to an end
            first, last = sorted((i, j))
            order[first + 1 : last + 1] = order[last:first:-1]
            num_clean = 0
        i = (i + 1) % num_corners
    return points[order]


def _crossing_edge(i: int, order: list[int], left: bytes) -> int | None:
    """The next edge of the closed line through `order` that crosses edge i. Edge i runs from corner i to the next."""
    num_corners = len(order)
    a, b, *others = order[i:] + order[:i]
    start = (a * num_corners + b) * num_corners
    left_of_ab = left[start : start + num_corners]
    for j, (c, d) in enumerate(pairwise(others), start=i + 2):
        if left_of_ab[c] != left_of_ab[d]:
            start = (c * num_corners + d) * num_corners
            if left[start + a] != left[start + b]:
                return j % num_corners
    return None


def _star_polygon(num_corners: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform angles, in order, at uniform distances of 0.2 to 1 from the center."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, num_corners))
    radius = rng.uniform(0.2, 1, num_corners)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _convex_polygon(num_corners: int, rng: np.random.Generator) -> np.ndarray:
    """Edge vectors that add up to zero, sorted by angle (after P. Valtr, 1995)."""
    edges = np.stack([_closed_steps(num_corners, rng), rng.permutation(_closed_steps(num_corners, rng))], axis=1)
    edges = edges[np.argsort(np.arctan2(edges[:, 1], edges[:, 0]))]
    return np.cumsum(edges, axis=0)


def _closed_steps(num_steps: int, rng: np.random.Generator) -> np.ndarray:
    """Steps from the least of some uniform numbers up to the greatest and back, half of the others on each way."""
    numbers = np.sort(rng.random(num_steps))
    on_way_up = np.concatenate([[True], rng.permutation(num_steps - 2) < (num_steps - 2) // 2, [True]])
    on_way_down = ~on_way_up
    on_way_down[[0, -1]] = True
    up, down = numbers[on_way_up], numbers[on_way_down]
    return np.concatenate([up[1:] - up[:-1], down[:-1] - down[1:]])


_POLYGONS = {'simple': _simple_polygon, 'star': _star_polygon, 'convex': _convex_polygon}
