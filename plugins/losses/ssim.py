"""Structural similarity of the whole image."""

import torch.nn.functional as F
from torch import Tensor

from toolbox.nn.loss import ImageLoss, check_choice, weighted_mean
from toolbox.nn.ssim import (
    GAUSSIAN_SIZE,
    check_data_range,
    fitting_size,
    gaussian_window,
    resolved_range,
    square_window,
    ssim_terms,
    widened,
)
from toolbox.registry import LOSSES
from toolbox.scoring.constants import SSIM_WINDOW


@LOSSES.register_module()
class SSIM(ImageLoss):
    """1 - SSIM, by default as the leaderboard measures it on the whole image.

    Equal to 1 - ``skimage.metrics.structural_similarity``. On images that are smaller than the window it shrinks to
    the largest odd size that fits. A window belongs to the region that its center is in. Source: Wang et al., IEEE TIP
    2004.

    Args:
        window: 'uniform' is the leaderboard's 7x7 with sample covariance, 'gaussian' the paper's 11x11 of sigma 1.5.
        data_range: 'prediction' is the leaderboard's, largest minus smallest value of the prediction, which the
            gradient takes for a constant; or a number, 1.0 for images in [0, 1].
        region: 'all', 'hole' or 'known'.
    """

    def __init__(self, window: str = 'uniform', data_range: str | float = 'prediction', region: str = 'all') -> None:
        super().__init__(region)
        self.window = check_choice('window', window, ('uniform', 'gaussian'))
        self.data_range = check_data_range(data_range)

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        side = min(pred.shape[2:])
        if self.window == 'uniform':
            window = square_window(fitting_size(SSIM_WINDOW, side))
        else:
            window = gaussian_window(fitting_size(GAUSSIAN_SIZE, side), pred.device)
        data_range = resolved_range(self.data_range, pred)
        luminance, contrast = ssim_terms(widened(pred), widened(target), data_range, window)
        border = window.size // 2
        centers = F.pad(weight, (-border,) * 4)
        return weighted_mean(1 - luminance * contrast, centers).to(pred.dtype)
