"""Mean absolute error."""

from torch import Tensor

from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric


@METRICS.register_module()
class MAE(MeanMetric):
    """Mean absolute error of the whole image in gray levels, 0 to 255, over all channels.

    Example:
        >>> black, white = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
        >>> MAE().reduce(MAE().rows(black, white, black[:, :1]))['mae']
        255.0
    """

    name = 'mae'
    higher_is_better = False

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        return (prediction.double() - truth.double()).abs().mean().item()
