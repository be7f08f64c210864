"""Mean absolute error."""

from torch import Tensor

from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric


@METRICS.register_module()
class MAE(MeanMetric):
    """Mean absolute error of the whole image in gray levels, 0 to 255, over all channels."""

    name = 'mae'
    higher_is_better = False

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        return (prediction.double() - truth.double()).abs().mean().item()
