"""The score's inner loops on a GPU, in torch: integers up to the last division, which is in float64.

They run on any device, which is how a machine without a GPU tests them.
"""

import numpy as np
import torch
from torch import Tensor

from toolbox.scoring.constants import FRACTION_BITS, HALF, HUE_BINS, HUE_UNIT
from toolbox.scoring.windows import window_sums

# Images are gone through in strips of about so many pixels: what is computed on the way takes 300 bytes for each, which
# would be 7 GB for a photograph of 24 megapixels.
STRIP_PIXELS = 2**20


def mean_ssim(x: Tensor, y: Tensor, window: tuple[int, int], c1: float, c2: float) -> float:
    """Mean SSIM over the windows that lie inside; arguments as in `toolbox.scoring.kernels.cpu.mean_ssim`."""
    dim = -2 if x.shape[-2] >= x.shape[-1] else -1  # across the longer side
    overlap = window[dim] - 1
    windows = x.shape[dim] - overlap
    step = max(1, STRIP_PIXELS * x.shape[dim] // x[0].numel())
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for start in range(0, windows, step):
        length = min(step, windows - start) + overlap
        total += _sum_of_ssim(x.narrow(dim, start, length), y.narrow(dim, start, length), window, c1, c2)
    rows, columns = (side - size + 1 for side, size in zip(x.shape[-2:], window, strict=True))
    return total.item() / (len(x) * rows * columns)


def hue_counts(image: Tensor) -> np.ndarray:
    """Pixels per hue of a uint8 (3, H, W) image: int64 (180,)."""
    step = max(1, STRIP_PIXELS // image.shape[-1])
    total = torch.zeros(HUE_BINS, dtype=torch.int64, device=image.device)
    for start in range(0, image.shape[1], step):
        total += _hue_counts(image.narrow(1, start, min(step, image.shape[1] - start)))
    return total.cpu().numpy()


def _sum_of_ssim(x: Tensor, y: Tensor, window: tuple[int, int], c1: float, c2: float) -> Tensor:
    n = window[0] * window[1]
    x, y = x.int(), y.int()
    sums = torch.stack((x, y, x * x + y * y, x * y))
    for dim, size in zip((-2, -1), window, strict=True):
        sums = window_sums(sums, size, dim)
    sum_x, sum_y, sum_squares, sum_xy = sums.double()
    squares = sum_x.square() + sum_y.square()
    product = sum_x * sum_y
    c1 = c1 * n * n
    c2 = c2 * max(n * (n - 1), 1)  # a single pixel has no variance: only the constant remains
    numerator = (2 * product + c1) * (2 * (n * sum_xy - product) + c2)
    denominator = (squares + c1) * (n * sum_squares - squares + c2)
    return (numerator / denominator).sum()


def _hue_counts(image: Tensor) -> Tensor:
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
    return torch.bincount((hue % HUE_BINS).flatten(), minlength=HUE_BINS)
