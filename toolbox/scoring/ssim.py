"""SSIM as ``skimage.metrics.structural_similarity`` computes it by default, made total.

Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004), equation 13, with a
uniform window of 7 and the sample covariance (n / (n - 1)), averaged over the windows that lie inside, then over the
channels. The rules for what the formula leaves undefined live here and nowhere else; the kernels know none.
"""

import torch
from torch import Tensor

from toolbox.scoring.constants import SSIM_K1, SSIM_K2, SSIM_WINDOW
from toolbox.scoring.kernels import kernels_for


def ssim_of_image(prediction: Tensor, truth: Tensor, data_range: int) -> float:
    """Mean SSIM of uint8 (3, H, W) images; a side under 7 px shrinks the window."""
    side = _largest_window(*prediction.shape[1:])
    return _mean_ssim(prediction, truth, (side, side), data_range)


def ssim_of_pixels(prediction: Tensor, truth: Tensor, data_range: int) -> float:
    """Mean SSIM of uint8 (3, T) pixels as one-dimensional signals; 1 for no pixels: there is nothing to get wrong."""
    area = prediction.shape[1]
    if area == 0:
        return 1.0
    return _mean_ssim(prediction[:, None], truth[:, None], (1, _largest_window(area)), data_range)


def _mean_ssim(prediction: Tensor, truth: Tensor, window: tuple[int, int], data_range: int) -> float:
    if data_range == 0:  # the constants that keep SSIM defined vanish with it: right or wrong is all that can be said
        return float(torch.equal(prediction, truth))
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    return kernels_for(prediction.device).mean_ssim(prediction, truth, window, c1, c2)


def _largest_window(*sides: int) -> int:
    """The largest odd window, up to 7, that fits all sides."""
    side = min(*sides, SSIM_WINDOW)
    return side if side % 2 else side - 1
