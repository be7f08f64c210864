"""Difference of colorfulness."""

from torch import Tensor

from toolbox.nn.colorfulness import colorfulness
from toolbox.nn.loss import ImageLoss
from toolbox.registry import LOSSES


@LOSSES.register_module()
class Colorfulness(ImageLoss):
    """Absolute difference of prediction and target in colorfulness: neither drab nor gaudier than the truth.

    Source: Hasler and Suesstrunk, Measuring colorfulness in natural images, SPIE 2003, section 7, on values in [0, 1].

    Args:
        region: 'all', 'hole' or 'known'.
    """

    needs_color = True

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return (colorfulness(pred, weight) - colorfulness(target, weight)).abs()
