"""Structural similarity at several scales."""

import torch
import torch.nn.functional as F
from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.nn.ssim import (
    GAUSSIAN_SIZE,
    check_data_range,
    fitting_size,
    gaussian_window,
    resolved_range,
    ssim_terms,
    widened,
)
from toolbox.registry import LOSSES

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# A fractional power has no finite gradient at 0, and no value below, where structure is inverted.
_SMALLEST = 1e-4


@LOSSES.register_module()
class MSSSIM(ImageLoss):
    """1 - MS-SSIM: contrast and structure at five scales, luminance at the coarsest.

    Source: Wang et al., Multiscale structural similarity for image quality assessment, Asilomar 2003, with its 11x11
    Gaussian window and weights. Sides under 176 px have room for fewer scales, whose weights are scaled to the sum 1;
    under 11 px the window shrinks to the largest odd size that fits. A scale where windows are dissimilar on average
    counts as 1e-4. A window belongs to the region by the share of it that its center, at its scale, covers.

    Args:
        data_range: 1.0 for images in [0, 1]; or 'prediction', largest minus smallest value of the prediction.
        region: 'all', 'hole' or 'known'.
    """

    def __init__(self, data_range: str | float = 1.0, region: str = 'all') -> None:
        super().__init__(region)
        self.data_range = check_data_range(data_range)

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        side = min(pred.shape[2:])
        window = gaussian_window(fitting_size(GAUSSIAN_SIZE, side), pred.device)
        scale_weights = [w for scale, w in enumerate(_SCALE_WEIGHTS) if side >> scale >= window.size]
        data_range = resolved_range(self.data_range, pred)
        # Channels are rated apart and averaged last: each becomes an image of its own.
        channels = pred.shape[1]
        x, y = (widened(image).flatten(0, 1).unsqueeze(1) for image in (pred, target))
        weight, data_range = (each.repeat_interleave(channels, 0) for each in (weight, data_range))

        log_similarity = x.new_zeros(len(x))
        for scale, scale_weight in enumerate(scale_weights):
            if scale:
                x, y, weight = (F.avg_pool2d(image, 2) for image in (x, y, weight))
            luminance, similarity = ssim_terms(x, y, data_range, window)
            if scale == len(scale_weights) - 1:
                similarity = luminance * similarity
            centers = F.pad(weight, (-(window.size // 2),) * 4).to(x.dtype)
            # Written as a loss, a region without any window is a perfect one.
            mean = 1 - weighted_mean(1 - similarity, centers)
            log_similarity = log_similarity + scale_weight / sum(scale_weights) * mean.clamp(min=_SMALLEST).log()
        return (1 - torch.exp(log_similarity)).unflatten(0, (-1, channels)).mean(1).to(pred.dtype)
