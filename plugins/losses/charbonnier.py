"""Charbonnier loss."""

import torch
from torch import Tensor

from toolbox.nn.loss import ImageLoss, check_positive, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class Charbonnier(ImageLoss):
    """Mean of sqrt(error^2 + eps^2): the absolute error, smooth at 0, where its value is eps.

    Source: Lai et al., Deep Laplacian Pyramid Networks, CVPR 2017, section 3.3.

    Args:
        eps: below this error the loss is nearly quadratic.
        region: 'all', 'hole' or 'known'.
    """

    def __init__(self, eps: float = 1e-3, region: str = 'all') -> None:
        super().__init__(region)
        self.eps = check_positive('eps', eps)

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return weighted_mean(torch.sqrt((pred - target).square() + self.eps**2), weight)
