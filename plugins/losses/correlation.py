"""Correlation of whole predictions."""

from torch import Tensor, nn

from toolbox.nn.hue import correlation
from toolbox.nn.loss import at_least_float32
from toolbox.registry import LOSSES


@LOSSES.register_module()
class Correlation(nn.Module):
    """1 - Pearson's correlation of all values of a prediction with those of its target, per image, then the mean.

    For predictions that are no images: on a hue histogram it is what the leaderboard's hue similarity measures
    (``cv2.compareHist`` with HISTCMP_CORREL), so that the best answer to an uncertain histogram is the mean of the
    likely ones, each centered and of unit length. It looks at no mask. Where one side is constant the loss is 0, as in
    OpenCV.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The loss as a scalar; pred and target: (N, C, H, W) of any size, mask: not looked at."""
        if pred.shape != target.shape:
            raise ValueError(
                f'Correlation: expected prediction and target of one shape, got {tuple(pred.shape)} and '
                f'{tuple(target.shape)}'
            )
        return 1 - correlation(at_least_float32(pred).flatten(1), at_least_float32(target).flatten(1)).mean()
