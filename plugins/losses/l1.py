"""Mean absolute error."""

from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class L1(ImageLoss):
    """Mean absolute error.

    Args:
        region: 'all', 'hole' or 'known'.
    """

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return weighted_mean((pred - target).abs(), weight)
