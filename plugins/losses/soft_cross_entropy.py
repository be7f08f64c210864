"""Cross-entropy with a target that is a distribution."""

import torch
from torch import Tensor, nn

from toolbox.nn.loss import at_least_float32
from toolbox.registry import LOSSES


@LOSSES.register_module()
class SoftCrossEntropy(nn.Module):
    """Cross-entropy of logits with the distribution over channels that stands for the truth, the mean over cells.

    The loss of classes of chroma, Zhang et al., Colorful Image Colorization, 2016, equation 2. With `rebalance` a cell
    weighs more the rarer its likeliest class is (equations 3 and 4): the inverse of the classes' shares, mixed with a
    uniform distribution, and normalized to a mean of 1. The shares are those of the batch, in place of a whole data
    set's.

    The cells of a prediction need not be the pixels of the mask, so it looks at no mask.

    Args:
        rebalance: lambda of equation 4, how much of the uniform distribution is mixed in, in (0, 1]; Zhang et al.
            choose 0.5. None for cells that weigh the same.
    """

    def __init__(self, rebalance: float | None = None) -> None:
        super().__init__()
        if rebalance is not None and not 0 < rebalance <= 1:
            raise ValueError(f'rebalance: expected a number in (0, 1], or None, got {rebalance!r}')
        self.rebalance = rebalance

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The loss as a scalar.

        Args:
            pred: logits (N, C, H, W).
            target: (N, C, H, W), not negative; sums over C are 1.
            mask: not looked at.
        """
        if pred.ndim != 4 or pred.shape != target.shape:
            raise ValueError(
                f'SoftCrossEntropy: expected prediction and target of one shape (N, C, H, W), got {tuple(pred.shape)} '
                f'and {tuple(target.shape)}'
            )
        with torch.autocast(pred.device.type, enabled=False):
            cells = -(target * at_least_float32(pred).log_softmax(dim=1)).sum(1)
            if self.rebalance is not None:
                cells = cells * self._weight(target)
            return cells.mean()

    def _weight(self, target: Tensor) -> Tensor:
        """Of each cell, (N, H, W), with a mean of 1."""
        channels = target.shape[1]
        shares = target.mean((0, 2, 3))
        weight = 1 / ((1 - self.rebalance) * shares + self.rebalance / channels)
        weight = weight[target.argmax(1)]
        return weight / weight.mean()

    def extra_repr(self) -> str:
        return f'rebalance={self.rebalance}'
