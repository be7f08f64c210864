"""Strip pooling, as a plugin that lives outside Huefill."""

import torch
from torch import Tensor, nn

from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class StripPooling(nn.Module):
    """Strip pooling: each pixel is weighed by what its whole row and its whole column hold.

    Source: Hou et al., Strip Pooling: Rethinking Spatial Pooling for Scene Parsing, CVPR 2020, section 3.1, without
    its batch normalization, so that it takes a batch of one.

    Args:
        channels: C, set by the program.
        kernel_size: how many neighboring rows and columns are blended, odd.
    """

    def __init__(self, channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f'StripPooling(kernel_size={kernel_size}): expected an odd number')
        padding = kernel_size // 2
        self.rows = nn.Conv2d(channels, channels, (kernel_size, 1), padding=(padding, 0))
        self.columns = nn.Conv2d(channels, channels, (1, kernel_size), padding=(0, padding))
        self.fuse = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        rows = self.rows(x.mean(3, keepdim=True))  # (N, C, H, 1)
        columns = self.columns(x.mean(2, keepdim=True))  # (N, C, 1, W)
        return x * torch.sigmoid(self.fuse(torch.relu(rows + columns)))
