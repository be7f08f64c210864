"""Mean absolute error."""

from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class L1(ImageLoss):
    """Mean absolute error.

    Args:
        region: 'all', 'hole' or 'known'.

    Example:
        >>> prediction, truth = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
        >>> L1()(prediction, truth, torch.ones(1, 1, 2, 2))
        tensor(1.)
    """

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return weighted_mean((pred - target).abs(), weight)
