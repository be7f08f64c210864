"""Large images in overlapping tiles, blended so that no seam shows, in memory that depends on the tile alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tile:
    """A part of an image and how much its prediction counts there.

    Attributes:
        rows, columns: where it lies.
        weight: (h, w) float32; those of all tiles add up to 1 in each pixel. None: 1 everywhere.
    """

    rows: slice
    columns: slice
    weight: Tensor | None = None


def tiles(height: int, width: int, side: int | None, multiple: int = 1) -> Iterator[Tile]:
    """Cover an image, row by row, from the upper left.

    Neighbors overlap by a quarter of their side, more at the lower and right end of the image. Across the overlap the
    weight goes over from one to the other as a squared sine, with no step and no kink. Tiles start at multiples of
    the network's stride, so that they see the same grid as the whole image would.

    Args:
        side: of a square tile, px; rounded up to a multiple. None for one tile, the whole image.
        multiple: the network's stride, to which it extends images.
    """
    if side is None or (height <= side and width <= side):
        yield Tile(slice(0, height), slice(0, width))
        return
    across = list(_pieces(width, side, multiple))
    for rows, row_weight in _pieces(height, side, multiple):
        for columns, column_weight in across:
            yield Tile(rows, columns, row_weight[:, None] * column_weight)


def _pieces(length: int, side: int, multiple: int) -> Iterator[tuple[slice, Tensor]]:
    """Pieces of a line, with weights that add up to 1 in each point."""
    side = _round_up(side, multiple)
    overlap = _round_up(max(1, side // 4), multiple)
    last = max(0, _round_up(length - side, multiple))
    starts = [*range(0, last, max(side - overlap, multiple)), last]
    pieces = [slice(start, min(start + side, length)) for start in starts]
    ramp = torch.sin((torch.arange(overlap, dtype=torch.float64) + 0.5) / overlap * torch.pi / 2) ** 2
    weights = []
    for index, piece in enumerate(pieces):
        weight = torch.ones(piece.stop - piece.start, dtype=torch.float64)
        shared = min(overlap, len(weight))
        if index > 0:
            weight[:shared] *= ramp[:shared]
        if index < len(pieces) - 1:
            weight[-shared:] *= ramp.flip(0)[-shared:]
        weights.append(weight)
    total = torch.zeros(length, dtype=torch.float64)
    for piece, weight in zip(pieces, weights, strict=True):
        total[piece] += weight
    for piece, weight in zip(pieces, weights, strict=True):
        yield piece, (weight / total[piece]).float()


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
