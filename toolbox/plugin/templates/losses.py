"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check losses MyPart
3. Use it: --cfg-options model.losses.0.type=MyPart
"""

from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.registry import LOSSES


@LOSSES.register_module()
class MyPart(ImageLoss):
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        threshold: errors below it count squared, errors above it linearly.
        region: where it looks: 'all', 'hole' or 'known'.
    """

    def __init__(self, threshold: float = 0.1, region: str = 'all') -> None:
        super().__init__(region)
        if threshold <= 0:
            raise ValueError(f'MyPart(threshold={threshold}): expected a number above 0')
        self.threshold = threshold

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """(N, C, H, W) twice, and weight (N, 1, H, W), 1 in the region -> N losses; without a region, 0."""
        error = (pred - target).abs()
        squared = 0.5 * error.square() / self.threshold
        return weighted_mean(squared.where(error < self.threshold, error - 0.5 * self.threshold), weight)
