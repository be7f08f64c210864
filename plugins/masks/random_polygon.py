"""Random simple, star-shaped and convex polygons: the damage that the published solution trained on."""

from collections.abc import Sequence

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS


@MASKS.register_module()
class RandomPolygon:
    """A simple, star-shaped or convex polygon of 3 to 20 corners, stretched to a random box of at least 50 px.

    The distribution of a published solution of DACON 236420: polygons as the package `polygenerator` 0.2 makes them,
    their corners rounded to pixels, drawn as `skimage.draw.polygon2mask` draws (every pixel whose center lies in the
    polygon or on its border), and redrawn unless they cover more than a quarter of the smallest box.

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
        require_room_for_a_hole(height, width)
        min_height, min_width = min(self.min_box, (height + 1) // 2), min(self.min_box, (width + 1) // 2)
        min_area = (min_height // 2) * (min_width // 2) + 1
        while True:
            left, box_width, top, box_height = *_span(width, min_width, rng), *_span(height, min_height, rng)
            num_corners = rng.integers(self.min_corners, self.max_corners, endpoint=True)
            kind = self.kinds[rng.integers(len(self.kinds))]
            corners = _to_unit_box(_POLYGONS[kind](int(num_corners), rng))
            corners = np.rint(corners * (box_width, box_height)).astype(np.int64)
            inside = draw_polygon(corners, box_height, box_width)
            if min_area <= np.count_nonzero(inside) < height * width:
                mask = np.zeros((height, width), np.uint8)
                mask[top : top + box_height, left : left + box_width] = inside
                return mask


def draw_polygon(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels whose centers lie in a polygon (even-odd) or on its border.

    For whole-numbered corners it equals `skimage.draw.polygon2mask`, which may leave out pixels that lie on two edges
    at once. It is many times as fast: it works on the crossings of edges with pixel rows, not on pixels.

    Args:
        corners: (K, 2) integers, x and y in pixels; they may lie outside the image.

    Returns:
        bool (height, width).
    """
    x, y = corners.T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    low, high = np.minimum(y, next_y)[:, None], np.maximum(y, next_y)[:, None]
    rows = np.arange(height)
    slope = (next_x - x) / np.where(y == next_y, 1, next_y - y)
    crossing = x[:, None] + (rows - y[:, None]) * slope[:, None]

    # A row through a corner belongs to the edge above or to the edge below. Counting it once each way, and adding
    # the horizontal edges, gives the closed polygon.
    steps = np.zeros((height, width + 1), np.int16)
    for crosses in ((low <= rows) & (rows < high), (low < rows) & (rows <= high)):
        _add_spans(steps, crossing, crosses)
    for i in np.flatnonzero(y == next_y):
        if 0 <= y[i] < height:
            start, stop = sorted((x[i], next_x[i]))
            steps[y[i], min(max(start, 0), width)] += 1
            steps[y[i], min(max(stop + 1, 0), width)] -= 1
    return np.cumsum(steps, axis=1, dtype=np.int16)[:, :width] > 0


def _add_spans(steps: np.ndarray, crossing: np.ndarray, crosses: np.ndarray) -> None:
    """Mark where the spans between each row's 1st and 2nd, 3rd and 4th ... crossing begin and end."""
    width = steps.shape[1] - 1
    ordered = np.sort(np.where(crosses, crossing, np.inf), axis=0)
    # An even number of edges crosses each row; the rest is infinite. Crossings are fractions with small
    # denominators, so a millionth decides between a whole number and its neighbors without harm.
    for start, stop in zip(ordered[0::2], ordered[1::2], strict=False):
        row = np.flatnonzero(np.isfinite(start))
        if not row.size:
            break
        first = np.clip(np.ceil(start[row] - 1e-6), 0, width).astype(np.int64)
        after = np.clip(np.floor(stop[row] + 1e-6) + 1, 0, width).astype(np.int64)
        steps[row, first] += 1
        steps[row, np.maximum(first, after)] -= 1


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
    """Uniform points joined at random, crossings removed by 2-opt moves (Auer & Held 1996, 'RPG', section 3)."""
    points = rng.random((num_corners, 2))
    order = list(range(num_corners))
    offset = points[:, None] - points
    # left[a, b, c]: whether point c lies to the left of the line from a to b.
    left = (offset[:, :, None, 0] * offset[:, None, :, 1] > offset[:, :, None, 1] * offset[:, None, :, 0]).tolist()
    clean = i = 0
    while clean < num_corners:
        a, b = order[i], order[(i + 1) % num_corners]
        for j in range(num_corners):
            c, d = order[j], order[(j + 1) % num_corners]
            if {a, b} & {c, d}:
                continue
            if left[a][b][c] != left[a][b][d] and left[c][d][a] != left[c][d][b]:
                first, last = sorted((i, j))
                order[first + 1 : last + 1] = order[first + 1 : last + 1][::-1]
                clean = 0
                break
        else:
            clean += 1
            i = (i + 1) % num_corners
    return points[order]


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
    """Steps that lead from the least of some uniform numbers to the greatest and back, over the others."""
    numbers = np.sort(rng.random(num_steps))
    middle = rng.permutation(num_steps - 2) + 1
    half = (num_steps - 2) // 2
    there, back = np.sort(middle[:half]), np.sort(middle[half:])
    up = np.diff(numbers[np.concatenate([[0], there, [-1]])])
    down = -np.diff(numbers[np.concatenate([[0], back, [-1]])])
    return np.concatenate([up, down])


_POLYGONS = {'simple': _simple_polygon, 'star': _star_polygon, 'convex': _convex_polygon}
