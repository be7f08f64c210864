"""Shapes as `PIL.ImageDraw` draws them, fitted to a mask to the pixel: rectangles, ellipses and polygons."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

# A part of a border is an edge if it strays this little from a line and is so long, in pixels; the greater lengths are
# for borders that neighbors roughen. Polygons with more edges than this are not fitted: the border is ragged.
_MAX_STRAY, _MIN_EDGES, _MAX_NUM_EDGES = 1.5, (4, 8, 16), 12
# So far beyond the ends of its edges a corner may be guessed.
_MAX_REACH = 60
# Shapes whose first guess is further off than this share of the region are not worth a search.
_WORTH_A_TRY = 0.25
# (8, 2): x and y of what lies around a pixel.
EIGHT_NEIGHBORS = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y])


def drawn_shapes(mask: np.ndarray, allowed: np.ndarray) -> Iterator[np.ndarray]:
    """A rectangle, an ellipse and up to three polygons, each moved from a first guess to where it explains a mask best.

    Corners come in one order, and from its other end Pillow may draw an edge with a pixel more or less.

    Args:
        mask: bool (H, W), not empty: what to explain.
        allowed: bool (H, W): where a shape should stay, and may grow beyond the mask.

    Yields:
        bool (H, W), the pixels that Pillow draws; how well they fit is for the caller to judge.
    """
    for kind, corners in _first_guesses(mask):
        yield _descend(kind, corners, mask, allowed)


def _first_guesses(mask: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds and corners (K, 2), x and y, of shapes that are worth a try."""
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    y, x = np.flatnonzero(2 * rows >= rows.max()), np.flatnonzero(2 * columns >= columns.max())
    yield 'rectangle', np.array([[x[0], y[0]], [x[-1], y[-1]]])
    y, x = np.flatnonzero(rows), np.flatnonzero(columns)
    yield 'ellipse', np.array([[x[0], y[0]], [x[-1], y[-1]]])
    for corners in polygon_guesses(mask):
        yield 'polygon', corners


def polygon_guesses(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Corners (K, 2), x and y, of polygons whose edges are the long straight parts of a border; they may cross.

    Args:
        mask: bool (H, W), in one part or in several.
    """
    for min_edge in _MIN_EDGES:
        corners = _polygon_corners(_long_edges(mask, min_edge))
        if corners is not None:
            yield corners


def draw_shape(kind: str, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """bool (H, W), what Pillow draws: a 'rectangle', 'ellipse' or 'polygon' with corners (K, 2), int, x and y."""
    canvas = Image.new('L', shape[::-1])
    draw = getattr(ImageDraw.Draw(canvas), kind)
    draw([tuple(corner) for corner in corners.tolist()], fill=1)
    return np.frombuffer(canvas.tobytes(), bool).reshape(shape)


def _descend(kind: str, corners: np.ndarray, mask: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Move corner by corner by a pixel while that helps to cover the mask, stay inside `allowed`, and grow there."""
    best = draw_shape(kind, corners, mask.shape)
    least = _cost(best, mask, allowed)
    if least > _WORTH_A_TRY * np.count_nonzero(mask):
        return best
    improved = True
    while improved:
        improved = False
        for i in range(len(corners)):
            for move in EIGHT_NEIGHBORS:
                moved = corners.copy()
                moved[i] += move
                if kind != 'polygon' and (moved[0] > moved[1]).any():
                    continue
                drawn = draw_shape(kind, moved, mask.shape)
                cost = _cost(drawn, mask, allowed)
                if cost < least:
                    corners, best, least, improved = moved, drawn, cost, True
    return best


def _cost(drawn: np.ndarray, mask: np.ndarray, allowed: np.ndarray) -> float:
    """Pixels left out, twice those outside `allowed`, less 0.3 of those gained."""
    area = np.count_nonzero(drawn)
    covered, inside = np.count_nonzero(drawn & mask), np.count_nonzero(drawn & allowed)
    return np.count_nonzero(mask) - covered + 2 * (area - inside) - 0.3 * (inside - covered)


def _polygon_corners(edges: np.ndarray) -> np.ndarray | None:
    """The corners, in order, of the polygon with these edges, which may cross. None if they do not close."""
    if not 3 <= len(edges) <= _MAX_NUM_EDGES:
        return None
    ends = edges.reshape(-1, 2)  # end k belongs to edge k // 2; its edge's other end is k ^ 1
    distance = np.linalg.norm(ends[:, None] - ends, axis=2)
    partner = {}
    for flat in np.argsort(distance, axis=None, kind='stable'):
        i, j = divmod(int(flat), len(ends))
        if i // 2 != j // 2 and i not in partner and j not in partner:
            partner[i], partner[j] = j, i
    if len(partner) < len(ends):
        return None
    corners, end = [], 0
    while True:
        other = end ^ 1
        corners.append(_meeting_point(edges[other // 2], edges[partner[other] // 2], ends[[other, partner[other]]]))
        end = partner[other]
        if end == 0:
            break
    return np.array(corners) if len(corners) == len(edges) else None


def _meeting_point(edge: np.ndarray, following: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Where two edges meet, in whole pixels: where their lines cross, or between their ends if that is far off."""
    middle = ends.mean(axis=0)
    (p, r), (q, s) = (edge[0], edge[1] - edge[0]), (following[0], following[1] - following[0])
    turn = r[0] * s[1] - r[1] * s[0]
    if abs(turn) > 0.05 * np.linalg.norm(r) * np.linalg.norm(s):  # near parallels cross anywhere
        crossing = p + r * ((q - p)[0] * s[1] - (q - p)[1] * s[0]) / turn
        if np.linalg.norm(crossing - middle) < _MAX_REACH:
            middle = crossing
    return np.rint(middle).astype(int)


def _long_edges(mask: np.ndarray, min_edge: float) -> np.ndarray:
    """(E, 2, 2): straight parts of the border, those on one line taken together; start and stop, x and y."""
    edges: list[np.ndarray] = []
    for part in sorted(_straight_parts(mask, min_edge), key=_length, reverse=True):
        for k, edge in enumerate(edges):
            direction = (edge[1] - edge[0]) / _length(edge)
            offset = part - edge[0]
            across = offset[:, 0] * direction[1] - offset[:, 1] * direction[0]
            if np.abs(across).max() <= _MAX_STRAY + 0.5:
                along = [0, _length(edge), *(offset @ direction)]
                edges[k] = edge[0] + np.outer([min(along), max(along)], direction)
                break
        else:
            edges.append(part)
    return np.array(edges)


def _straight_parts(mask: np.ndarray, min_edge: float) -> Iterator[np.ndarray]:
    """(2, 2): start and stop of each straight part of the border that is long enough to have a direction."""
    import cv2

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        corners = cv2.approxPolyDP(contour, _MAX_STRAY, True)[:, 0].astype(float)
        for part in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if _length(part) >= min_edge:
                yield np.array(part)


def _length(edge: Sequence[np.ndarray]) -> float:
    return float(np.linalg.norm(edge[1] - edge[0]))
