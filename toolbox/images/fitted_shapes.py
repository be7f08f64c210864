"""Rectangles, ellipses and polygons fitted to evidence: where each pixel says how much it is for or against a shape.

`toolbox.images.drawn_shapes` fits to a mask that is known to the pixel. Here nothing is: an image was compressed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from toolbox.images.drawn_shapes import EIGHT_NEIGHBORS, draw_shape, polygon_guesses

# Pixels: first guesses are moved about in a reduced copy of at most this side, the best ones then in full size.
_SIDE = 64
_MARGIN = 8
# Of a border's length: how far a polygon of few corners may stray from it.
_STRAYS = (0.01, 0.02, 0.04, 0.07)
_MAX_CORNERS = 10
# Guesses of each kind that are moved about, and the share of the best one's evidence that is worth it: at first, and
# in full size.
_NUM_TRIED = {'rectangle': 1, 'ellipse': 1, 'polygon': 3}
_WORTH_A_TRY, _WORTH_FULL_SIZE = 0.4, 0.9
_MAX_ROUNDS = 12
_NEW_CORNER = 4  # pixels of the reduced copy
# Steps along its two edges by which a sharp corner is moved at a time: its evidence lies there alone.
_ALONG_EDGES = (-4, 4)
# By so much, a pixel counts for less where shapes are compared than where one is moved: of two shapes with like
# evidence, the larger one has spread over pixels that are hardly for it.
_STRICTNESS = 1.0


class FittedShape(NamedTuple):
    """Its kind, corners (K, 2), x and y, pixels, bool (H, W), and worth: evidence inside less the cost of corners."""

    kind: str
    corners: np.ndarray
    pixels: np.ndarray
    worth: float


def fit_shape(evidence: np.ndarray, regions: Sequence[np.ndarray], corner_cost: float) -> FittedShape | None:
    """The shape inside which most evidence lies.

    Args:
        evidence: float32 (H, W), > 0 where a pixel is for the shape.
        regions: bool (H, W) each, not empty: rough answers, from which the first guesses come.
        corner_cost: evidence that a corner more must bring.

    Returns:
        None if no shape is worth its corners.
    """
    box = _box_around(np.any(regions, axis=0))
    part = evidence[box]
    factor = max(1, -(-max(part.shape) // _SIDE))
    small = _summed(part, factor)
    guesses = []
    for region in regions:
        for kind, corners in _first_guesses(region[box]):
            corners = np.rint(corners / factor).astype(int)
            guesses.append((_worth(small, kind, corners, corner_cost, factor), kind, corners))
    guesses.sort(key=lambda guess: -guess[0])
    tried: Counter[str] = Counter()
    fits = []
    for worth, kind, corners in guesses:
        if tried[kind] == _NUM_TRIED[kind] or worth < _WORTH_A_TRY * guesses[0][0]:
            continue
        tried[kind] += 1
        corners = _moved(kind, corners, small, (2, 1), corner_cost, _NEW_CORNER)
        fits.append((_worth(small, kind, corners, corner_cost, factor), kind, corners))
    most = max((fit[0] for fit in fits), default=0)
    if most <= 0:
        return None
    best_of_kind = {kind: (worth, corners) for worth, kind, corners in sorted(fits, key=lambda fit: fit[0])}
    shapes = []
    for kind, (worth, corners) in best_of_kind.items():
        if worth >= _WORTH_FULL_SIZE * most:
            corners = corners * factor + factor // 2
            shapes.append(_settled(evidence, kind, corners, corner_cost, box, (factor // 2 + 1, 1)))
    return max(shapes, key=lambda shape: shape.worth)


def fit_crossing_polygon(evidence: np.ndarray, region: np.ndarray, corner_cost: float) -> FittedShape | None:
    """As `fit_shape`, one polygon for a region of several parts, whose edges may cross."""
    box = _box_around(region)
    shapes = [
        _settled(evidence, 'polygon', corners + (box[1].start, box[0].start), corner_cost, box, (2, 1), offset=True)
        for corners in polygon_guesses(region[box])
    ]
    return max(shapes, key=lambda shape: shape.worth) if shapes else None


def refit(evidence: np.ndarray, shape: FittedShape, corner_cost: float) -> FittedShape:
    """A shape moved about for other evidence."""
    box = _box_around(shape.pixels)
    return _settled(evidence, shape.kind, shape.corners, corner_cost, box, (2, 1), offset=True)


def _settled(
    evidence: np.ndarray,
    kind: str,
    corners: np.ndarray,
    corner_cost: float,
    box: tuple[slice, slice],
    steps: Sequence[int],
    offset: bool = False,
) -> FittedShape:
    """Corners moved about within a box of the full size; with `offset` they are given in the whole image."""
    origin = np.array([box[1].start, box[0].start])
    corners = _moved(kind, corners - origin if offset else corners, evidence[box], steps, corner_cost)
    pixels = np.zeros(evidence.shape, bool)
    pixels[box] = draw_shape(kind, corners, evidence[box].shape)
    return FittedShape(kind, corners + origin, pixels, worth_of(evidence, pixels, len(corners), corner_cost))


def _box_around(region: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return tuple(slice(max(0, side[0] - _MARGIN), side[-1] + 1 + _MARGIN) for side in (rows, columns))


def _summed(evidence: np.ndarray, factor: int) -> np.ndarray:
    """Sums over squares of `factor` pixels."""
    height, width = evidence.shape
    padded = np.pad(evidence, ((0, -height % factor), (0, -width % factor)))
    return padded.reshape(padded.shape[0] // factor, factor, -1, factor).sum(axis=(1, 3))


def _first_guesses(region: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds and corners (K, 2)."""
    import cv2

    closed = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    rows, columns = closed.sum(axis=1), closed.sum(axis=0)
    y, x = np.flatnonzero(2 * rows >= rows.max()), np.flatnonzero(2 * columns >= columns.max())
    yield 'rectangle', np.array([[x[0], y[0]], [x[-1], y[-1]]])
    y, x = np.flatnonzero(rows), np.flatnonzero(columns)
    yield 'ellipse', np.array([[x[0], y[0]], [x[-1], y[-1]]])
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    border = max(contours, key=cv2.contourArea)
    if cv2.contourArea(border) == 0:
        return
    _, triangle = cv2.minEnclosingTriangle(border.astype(np.float32))
    if triangle is not None and triangle.size == 6:
        yield 'polygon', triangle.reshape(3, 2)
    num_before = 0
    for stray in _STRAYS:
        corners = cv2.approxPolyDP(border, stray * cv2.arcLength(border, True), True).reshape(-1, 2)
        if 3 <= len(corners) <= _MAX_CORNERS and len(corners) != num_before:
            num_before = len(corners)
            yield 'polygon', corners


def _worth(evidence: np.ndarray, kind: str, corners: np.ndarray, corner_cost: float, factor: int) -> float:
    pixels = draw_shape(kind, corners, evidence.shape)
    return worth_of(evidence, pixels, len(corners), corner_cost, factor**2)


def worth_of(evidence: np.ndarray, pixels: np.ndarray, num_corners: int, corner_cost: float, summed: int = 1) -> float:
    """What shapes are compared by: evidence less what is asked of each pixel, or sum of pixels, and of each corner."""
    strict = evidence[pixels].sum() - _STRICTNESS * summed * np.count_nonzero(pixels)
    return float(strict) - corner_cost * num_corners


def _moved(
    kind: str, corners: np.ndarray, evidence: np.ndarray, steps: Sequence[int], corner_cost: float, reach: int = 0
) -> np.ndarray:
    """Corners moved one by one, left out, or added `reach` pixels from an edge, while that brings evidence."""
    most = _inside(evidence, kind, corners)
    for step in steps:
        for _ in range(_MAX_ROUNDS):
            before = most
            for i in range(len(corners)):
                for move in _moves(kind, corners, i, step):
                    moved = corners.copy()
                    moved[i] += move
                    if kind != 'polygon' and (moved[0] > moved[1]).any():
                        continue
                    inside = _inside(evidence, kind, moved)
                    if inside > most:
                        corners, most = moved, inside
            if most == before and kind == 'polygon':
                corners, most = _with_other_corners(corners, most, evidence, corner_cost, reach)
            if most == before:
                break
    return corners


def _moves(kind: str, corners: np.ndarray, i: int, step: int) -> np.ndarray:
    """(M, 2): where a corner may go, a step to all sides and, of a polygon, far along its edges."""
    moves = step * EIGHT_NEIGHBORS
    if kind != 'polygon':
        return moves
    edges = corners[i] - corners[[i - 1, (i + 1) % len(corners)]]
    directions = edges / np.maximum(np.linalg.norm(edges, axis=1, keepdims=True), 1)
    along = np.rint(np.multiply.outer(np.multiply(_ALONG_EDGES, step), directions)).astype(int).reshape(-1, 2)
    return np.concatenate([moves, along])


def _with_other_corners(
    corners: np.ndarray, most: float, evidence: np.ndarray, corner_cost: float, reach: int
) -> tuple[np.ndarray, float]:
    """A polygon without a corner that brings too little, or with one that brings enough; the evidence inside.

    Both are as they were if there is no such corner.
    """
    for i in range(len(corners) if len(corners) > 3 else 0):
        fewer = np.delete(corners, i, axis=0)
        inside = _inside(evidence, 'polygon', fewer)
        if inside > most - corner_cost:
            return fewer, inside
    for i in range(len(corners) if reach and len(corners) < _MAX_CORNERS else 0):
        middle = (corners[i] + corners[(i + 1) % len(corners)]) // 2
        for move in reach * EIGHT_NEIGHBORS:
            more = np.insert(corners, i + 1, middle + move, axis=0)
            inside = _inside(evidence, 'polygon', more)
            if inside > most + corner_cost:
                return more, inside
    return corners, most


def _inside(evidence: np.ndarray, kind: str, corners: np.ndarray) -> float:
    return float(evidence[draw_shape(kind, corners, evidence.shape)].sum())
