"""Coordinate attention."""

import torch
from torch import Tensor, nn

from toolbox.nn.attention import reduced
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class CoordAttention(nn.Module):
    """Coordinate attention: channels weighted row by row and column by column.

    Source: Hou et al., Coordinate Attention for Efficient Mobile Network Design, CVPR 2021, section 3.2, without biases
    in front of the batch norm. It has 3 C R + 2 R + 2 C parameters with R = max(8, C // reduction).

    Args:
        channels: C.
        reduction: the shared layer narrows by this factor, but never below 8 channels, as in the authors' code.
    """

    def __init__(self, channels: int, reduction: int = 32) -> None:
        super().__init__()
        hidden = max(8, reduced(channels, reduction))
        self.shared = nn.Sequential(nn.Conv2d(channels, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish())
        self.row_conv = nn.Conv2d(hidden, channels, 1)
        self.column_conv = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        height, width = x.shape[2:]
        # One line of H + W places, so that both directions share a layer.
        line = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)], dim=2)
        rows, columns = self.shared(line).split([height, width], dim=2)
        row_gate = torch.sigmoid(self.row_conv(rows))
        column_gate = torch.sigmoid(self.column_conv(columns.transpose(2, 3)))
        return x * row_gate * column_gate
