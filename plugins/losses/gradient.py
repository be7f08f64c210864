"""Difference of image gradients."""

import torch.nn.functional as F
from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class Gradient(ImageLoss):
    """Absolute difference of the Sobel gradients, summed over both axes: edges where they belong, whatever their level.

    Gradients are per pixel (a ramp that rises by 0.1 from pixel to pixel has gradient 0.1); the border is replicated.

    Args:
        region: 'all', 'hole' or 'known'.
    """

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        # The gradient is linear: that of the error is the error of the gradient.
        error = F.pad(pred - target, (1, 1, 1, 1), mode='replicate')
        return weighted_mean(_slope(error).abs() + _slope(error.transpose(2, 3)).transpose(2, 3).abs(), weight)


def _slope(x: Tensor) -> Tensor:
    """Sobel's gradient along the rows: (N, C, H + 2, W + 2) -> (N, C, H, W)."""
    # Sums instead of a convolution, which GPUs would round to ten bits (TF32).
    rise = x[..., 2:] - x[..., :-2]
    return (rise[..., :-2, :] + 2 * rise[..., 1:-1, :] + rise[..., 2:, :]) / 8
