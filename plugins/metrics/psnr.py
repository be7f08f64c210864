"""Peak signal-to-noise ratio."""

import math

from torch import Tensor

from toolbox.registry import METRICS
from toolbox.scoring.means import MeanMetric

_HIGHEST = 100.0


@METRICS.register_module()
class PSNR(MeanMetric):
    """Peak signal-to-noise ratio of the whole image in dB: 10 log10(255^2 / MSE), over all channels.

    An image that equals the truth, whose ratio is infinite, counts as 100 dB; the smallest error of a byte in 50
    megapixels is worth less than that.
    """

    name = 'psnr'
    higher_is_better = True

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        mse = (prediction.double() - truth.double()).square().mean().item()
        return min(_HIGHEST, 10 * math.log10(255**2 / mse)) if mse else _HIGHEST
