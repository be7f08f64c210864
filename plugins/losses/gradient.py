"""Difference of image gradients."""

import torch
import torch.nn.functional as F
from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES

_SOBEL = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))


@LOSSES.register_module()
class Gradient(ImageLoss):
    """Absolute difference of the Sobel gradients, summed over both axes: edges where they belong, whatever their level.

    Gradients are per pixel (a ramp that rises by 0.1 from pixel to pixel has gradient 0.1); the border is replicated.

    Args:
        region: 'all', 'hole' or 'known'.
    """

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        horizontal = pred.new_tensor(_SOBEL) / 8
        kernels = torch.stack([horizontal, horizontal.T]).unsqueeze(1)
        # The gradient is linear: that of the error is the error of the gradient.
        error = F.pad(pred - target, (1, 1, 1, 1), mode='replicate')
        gradients = F.conv2d(error.flatten(0, 1).unsqueeze(1), kernels)
        return 2 * weighted_mean(gradients.abs().unflatten(0, pred.shape[:2]).flatten(1, 2), weight)
