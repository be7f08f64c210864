"""How colorful an image is.

Source: Hasler and Suesstrunk, Measuring colorfulness in natural images, SPIE 2003, section 7 (M^(3)). On bytes,
as in the paper, 0 is gray and 109 "extremely colorful"; on values in [0, 1] that is 0.43.
"""

from torch import Tensor

from toolbox.nn.loss import weighted_mean

# Keeps the root's gradient finite on gray images.
_EPS = 1e-12


def colorfulness(rgb: Tensor, weight: Tensor) -> Tensor:
    """M^(3) of each image: (N, 3, H, W) by weight (N, 1, H, W) -> (N,), in the units of rgb."""
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
