"""Differentiable structural similarity, equal to ``skimage.metrics.structural_similarity``.

Source: Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE TIP 2004, section
III. As in skimage, only windows that lie inside the image count.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from toolbox.scoring.constants import SSIM_K1, SSIM_K2
from toolbox.scoring.windows import window_sums

GAUSSIAN_SIZE, GAUSSIAN_SIGMA = 11, 1.5
_GRAY_LEVEL = 1 / 255


class Window(NamedTuple):
    """A sliding window: its size, the mean over each position that fits, and what turns (co)variances unbiased."""

    size: int
    mean: Callable[[Tensor], Tensor]
    covariance_factor: float


def line_window(size: int) -> Window:
    """`size` neighbors on a line, for (N, C, 1, L), with sample covariance: skimage's default for one dimension."""
    return Window(size, lambda x: _WindowMean.apply(x, 1, size), _sample_factor(size))


def square_window(size: int) -> Window:
    """size x size pixels that weigh the same, for (N, C, H, W), with sample covariance: skimage's default."""
    return Window(size, lambda x: _WindowMean.apply(x, size, size), _sample_factor(size**2))


def gaussian_window(size: int, device: torch.device) -> Window:
    """size x size pixels under a Gaussian of sigma 1.5, for (N, C, H, W), without correction: as in Wang et al."""
    offsets = torch.arange(size, device=device) - size // 2
    offsets = widened(offsets)
    taps = torch.exp(-0.5 * (offsets / GAUSSIAN_SIGMA) ** 2)
    taps /= taps.sum()

    def mean(x: Tensor) -> Tensor:
        row = taps.to(x).expand(x.shape[1], 1, 1, size)
        x = F.conv2d(x, row, groups=x.shape[1])
        return F.conv2d(x, row.transpose(2, 3), groups=x.shape[1])

    return Window(size, mean, 1.0)


def fitting_size(size: int, available: int) -> int:
    """The largest odd window size that is at most `size` and fits into `available` pixels."""
    return min(size, available - 1 + available % 2)


def ssim_terms(x: Tensor, y: Tensor, data_range: Tensor | float, window: Window) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure of each window; their product is its SSIM, symmetric in x and y.

    Args:
        x, y: (N, C, H, W), see `widened`.
        data_range: the L of the constants (K1 L)^2 and (K2 L)^2, above 0; broadcasts with x.
    """
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = map(window.mean, (x, y, x * x, y * y, x * y))
    # Rounding can leave a variance just below zero.
    variances = (mean_xx - mean_x**2).clamp(min=0) + (mean_yy - mean_y**2).clamp(min=0)
    covariance = mean_xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    contrast = (2 * window.covariance_factor * covariance + c2) / (window.covariance_factor * variances + c2)
    return luminance, contrast


def check_data_range(data_range: str | float) -> str | float:
    """`data_range` if it is 'prediction' or a positive number, otherwise a ValueError."""
    if data_range != 'prediction' and not (isinstance(data_range, int | float) and data_range > 0):
        raise ValueError(f"data_range: expected 'prediction' or a number above 0, got {data_range!r}")
    return data_range


def resolved_range(data_range: str | float, pred: Tensor) -> Tensor:
    """The data range per image, (N, 1, 1, 1): the given number, or the leaderboard's for 'prediction'."""
    if data_range == 'prediction':
        return prediction_range(pred)
    return pred.new_full((len(pred), 1, 1, 1), data_range)


def prediction_range(pred: Tensor) -> Tensor:
    """The leaderboard's data_range per image, (N, 1, 1, 1): largest minus smallest value of the whole prediction.

    Values are clipped to [0, 1] first, as they are when the image is written, and the range is at least one gray level,
    so that a constant prediction has a finite loss. It is a constant to the gradient: otherwise two extreme pixels
    would pay, which widen the constants of the formula and restore nothing.
    """
    written = pred.detach().clamp(0, 1)
    return (written.amax((1, 2, 3), keepdim=True) - written.amin((1, 2, 3), keepdim=True)).clamp(min=_GRAY_LEVEL)


def widened(x: Tensor) -> Tensor:
    """x as float64, where the device has it (Apple's GPUs do not).

    A variance is the small difference of two large means. In float32 its rounding error is near 1e-7, which is not
    small beside (0.03 data_range)^2: windows in flat, bright areas come out wrong by 1e-3, and more on a narrow range.
    """
    return x.float() if x.device.type == 'mps' else x.double()


class _WindowMean(torch.autograd.Function):
    """Means over each rows x columns window of (N, C, H, W) that lies inside.

    torch's pooling adds up all pixels of each window, and its gradient divides for each: in float64 that takes longer
    than the networks on GPUs that have few units for it.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: int, columns: int) -> Tensor:
        ctx.window = rows, columns
        return window_sums(window_sums(x, rows, -2), columns, -1) / (rows * columns)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, columns = ctx.window
        spread = F.pad(grad / (rows * columns), (columns - 1, columns - 1, rows - 1, rows - 1))
        return window_sums(window_sums(spread, rows, -2), columns, -1), None, None


def _sample_factor(count: int) -> float:
    # A one-pixel window has no (co)variance at all.
    return count / (count - 1) if count > 1 else 0.0
