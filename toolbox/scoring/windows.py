"""Sums over the positions of a sliding window, along one dimension."""

from torch import Tensor


def window_sums(x: Tensor, size: int, dim: int) -> Tensor:
    """Sums over each `size` neighbors along a dimension, which becomes shorter by size - 1; exact for whole numbers.

    Sums of 1, 2, 4, ... neighbors are made by doubling, and those that `size` consists of added up: a window of 7 takes
    four passes.
    """
    windows = x.shape[dim] - size + 1
    total: Tensor | None = None
    done, width = 0, 1
    while True:
        if size & width:
            part = x.narrow(dim, done, windows)
            total = part if total is None else total + part
            done += width
        if 2 * width > size:
            assert total is not None  # size is at least 1
            return total
        doubled = x.shape[dim] - width
        x = x.narrow(dim, 0, doubled) + x.narrow(dim, width, doubled)
        width *= 2
