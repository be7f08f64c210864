"""Difference of colorfulness."""

from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES

# Keeps the root's gradient finite on gray images.
_EPS = 1e-12


@LOSSES.register_module()
class Colorfulness(ImageLoss):
    """Absolute difference of prediction and target in colorfulness: neither drab nor gaudier than the truth.

    Source: Hasler and Suesstrunk, Measuring colorfulness in natural images, SPIE 2003, section 7 (M^(3)), on values in
    [0, 1] where the paper has bytes: 0 is gray, and the paper's 109, 'extremely colorful', is 0.43.

    Args:
        region: 'all', 'hole' or 'known'.
    """

    needs_color = True

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return (colorfulness(pred, weight) - colorfulness(target, weight)).abs()


def colorfulness(rgb: Tensor, weight: Tensor) -> Tensor:
    """M^(3) of each image: (N, 3, H, W) by weight (N, 1, H, W) -> (N,)."""
    red, green, blue = rgb.split(1, dim=1)
    opponents = (red - green, 0.5 * (red + green) - blue)
    means = [weighted_mean(opponent, weight) for opponent in opponents]
    variances = [
        weighted_mean((opponent - mean.view(-1, 1, 1, 1)).square(), weight)
        for opponent, mean in zip(opponents, means, strict=True)
    ]
    spread = (sum(variances) + _EPS).sqrt()
    shift = (sum(mean.square() for mean in means) + _EPS).sqrt()
    return spread + 0.3 * shift
