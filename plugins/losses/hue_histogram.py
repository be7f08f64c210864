"""Hue histogram similarity, differentiable."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from toolbox.nn.hue import correlation, hue_and_chroma
from toolbox.nn.loss import ImageLoss, check_positive
from toolbox.registry import LOSSES
from toolbox.scoring.constants import HUE_BINS


@LOSSES.register_module()
class HueHistogram(ImageLoss):
    """1 - the leaderboard's hue similarity, with soft bins: the correlation of two 180-bin hue histograms.

    The metric is ``cv2.compareHist(..., HISTCMP_CORREL)`` of histograms of OpenCV's 8-bit hue. Here each pixel's vote
    is spread over the neighboring bins by a triangle of half-width `bandwidth`, around the circle, so that a hue has a
    gradient. On images of bytes the value tends to the metric's as the bandwidth shrinks, and reaches it at 1e-4 bins.
    For training choose 1 or more: under half a bin, hues near the center of a bin have no gradient.

    A gray pixel has no hue; OpenCV counts it as hue 0, and so does the loss. Between gray and one gray level of chroma
    the vote moves linearly from hue 0 to the pixel's hue, which keeps gradients finite where the hue's own is not. An
    exactly gray pixel has no direction towards any hue and gets no gradient here: pair this loss with another that
    brings first color, such as L1.

    Args:
        bandwidth: half-width of a vote in bins, of 2 degrees each.
        region: 'all', 'hole' or 'known'.
    """

    needs_color = True

    def __init__(self, bandwidth: float = 2.0, region: str = 'all') -> None:
        super().__init__(region)
        self.bandwidth = check_positive('bandwidth', bandwidth)

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return 1 - correlation(self.histogram(pred, weight), self.histogram(target, weight))

    def histogram(self, rgb: Tensor, weight: Tensor) -> Tensor:
        """The soft hue histogram (N, 180) of rgb (N, 3, H, W); its sum is that of weight (N, 1, H, W)."""
        hue, chroma = hue_and_chroma(rgb.clamp(0, 1) * 255)
        votes = weight.flatten(1)
        colored = votes * chroma.clamp(max=1)
        histogram = _SoftHistogram.apply(hue, colored, self.bandwidth)
        gray = (votes - colored).sum(1, keepdim=True)
        return torch.cat([histogram[:, :1] + gray, histogram[:, 1:]], dim=1)

    def extra_repr(self) -> str:
        return f'bandwidth={self.bandwidth}, {super().extra_repr()}'


class _SoftHistogram(torch.autograd.Function):
    """Votes (N, P) at hues (N, P), in bins, spread over a circle of bins (N, 180).

    With a gradient written by hand, memory is that of the hues however many bins a vote reaches.
    """

    @staticmethod
    def forward(ctx, hue: Tensor, votes: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(hue, votes)
        ctx.bandwidth = bandwidth
        histogram = votes.new_zeros(len(votes), HUE_BINS)
        for bins, lower, upper in _reached_bins(hue, bandwidth):
            histogram.scatter_add_(1, bins, votes * (_triangle_integral(upper) - _triangle_integral(lower)))
        return histogram

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        hue, votes = ctx.saved_tensors
        by_hue, by_votes = torch.zeros_like(hue), torch.zeros_like(votes)
        for bins, lower, upper in _reached_bins(hue, ctx.bandwidth):
            along = gradient.gather(1, bins)
            by_votes += along * (_triangle_integral(upper) - _triangle_integral(lower))
            by_hue += along * (_triangle(lower) - _triangle(upper))
        return by_hue * votes / ctx.bandwidth, by_votes, None


def _reached_bins(hue: Tensor, bandwidth: float) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The bins that votes reach, and where these end, seen from the hue in units of the bandwidth."""
    nearest = hue.round()
    reach = int(bandwidth + 1)
    for step in range(-reach, reach + 1):
        center = nearest + step
        lower, upper = (center - 0.5 - hue) / bandwidth, (center + 0.5 - hue) / bandwidth
        yield center.long().remainder(HUE_BINS), lower, upper


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _triangle_integral(x: Tensor) -> Tensor:
    x = x.clamp(-1, 1)
    return 0.5 + x - 0.5 * x * x.abs()
