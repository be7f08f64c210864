"""The score's inner loops on a GPU, in torch: integers up to the last division, which is in float64.

They run on any device, which is how a machine without a GPU tests them.
"""

import numpy as np
import torch
from torch import Tensor

from toolbox.scoring.hue import BINS, FRACTION_BITS, HALF, HUE_UNIT


def mean_ssim(x: Tensor, y: Tensor, window: tuple[int, int], c1: float, c2: float) -> float:
    """Mean SSIM over the windows that lie inside; arguments as in `toolbox.scoring.kernels.cpu.mean_ssim`."""
    n = window[0] * window[1]
    x, y = x.int(), y.int()
    sums = torch.stack((x, y, x * x + y * y, x * y))
    for dim, size in zip((-2, -1), window, strict=True):
        sums = _sum_neighbors(sums, size, dim)
    sum_x, sum_y, sum_squares, sum_xy = sums.double()
    squares = sum_x.square() + sum_y.square()
    product = sum_x * sum_y
    c1 = c1 * n * n
    c2 = c2 * max(n * (n - 1), 1)  # a single pixel has no variance: only the constant remains
    numerator = (2 * product + c1) * (2 * (n * sum_xy - product) + c2)
    denominator = (squares + c1) * (n * sum_squares - squares + c2)
    return (numerator / denominator).mean().item()


def hue_counts(image: Tensor) -> np.ndarray:
    """Pixels per hue of a uint8 (3, H, W) image: int64 (180,)."""
    red, green, blue = image.int()
    brightest = image.amax(0).int()
    chroma = brightest - image.amin(0).int()
    sector = torch.where(
        brightest == red,
        green - blue,
        torch.where(brightest == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    )
    reciprocal = (HUE_UNIT / chroma.clamp(min=1)).round().int()
    hue = (sector * reciprocal + HALF) >> FRACTION_BITS
    return torch.bincount((hue % BINS).flatten(), minlength=BINS).cpu().numpy()


def _sum_neighbors(x: Tensor, size: int, dim: int) -> Tensor:
    """Sums over each `size` neighbors along a dimension, which becomes shorter by size - 1."""
    windows = x.shape[dim] - size + 1
    total = x.narrow(dim, 0, windows).clone()
    for offset in range(1, size):
        total += x.narrow(dim, offset, windows)
    return total
