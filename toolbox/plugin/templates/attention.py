"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check attention MyPart
3. Use it: --cfg-options model.attention.type=MyPart
"""

import torch
from torch import Tensor, nn

from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class MyPart(nn.Module):
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        channels: of the feature; the program sets it.
        kernel_size: side of the neighborhood that weighs a pixel, odd.
    """

    def __init__(self, channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f'MyPart(kernel_size={kernel_size}): expected an odd number')
        self.weigh = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), the same dtype; also for H = W = 1."""
        return x * torch.sigmoid(self.weigh(x))
