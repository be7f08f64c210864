"""Total variation."""

import torch
from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class TotalVariation(ImageLoss):
    """Mean absolute difference of vertical plus of horizontal neighbors in the prediction; the target plays no part.

    Two neighbors count where either is in the region, so that the seam of a hole is part of it.
    Source: Liu et al., Image Inpainting for Irregular Holes Using Partial Convolutions, ECCV 2018, equation 5.

    Args:
        region: 'all', 'hole' or 'known'.
    """

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return _variation(pred, weight) + _variation(pred.transpose(2, 3), weight.transpose(2, 3))


def _variation(x: Tensor, weight: Tensor) -> Tensor:
    either = torch.maximum(weight[:, :, 1:], weight[:, :, :-1])
    return weighted_mean((x[:, :, 1:] - x[:, :, :-1]).abs(), either)
