"""Bottleneck attention module."""

import torch
from torch import Tensor, nn

from toolbox.nn.attention import ChannelNorm, bottleneck, reduced
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class BAM(nn.Module):
    """Channel attention and dilated spatial attention side by side, added before the gate: x (1 + gate).

    Source: Park et al., BAM: Bottleneck Attention Module, BMVC 2018, section 3, with layer norm over channels in the
    place of batch norm: the channel branch holds one value per channel and image, of which a batch of one image has no
    statistics. Behind the last convolution, which leaves one channel, there is none.

    Args:
        channels: C.
        reduction: both branches narrow the channels by this factor.
        dilation: of the two 3x3 convolutions of the spatial branch.
    """

    def __init__(self, channels: int, reduction: int = 16, dilation: int = 4) -> None:
        super().__init__()
        if dilation < 1:
            raise ValueError(f'dilation: expected at least 1, got {dilation}')
        hidden = reduced(channels, reduction)
        self.channel_branch = nn.Sequential(bottleneck(channels, hidden, bias=True), ChannelNorm(channels))
        self.spatial_branch = nn.Sequential(
            *_conv_norm_relu(channels, hidden, 1, 1),
            *_conv_norm_relu(hidden, hidden, 3, dilation),
            *_conv_norm_relu(hidden, hidden, 3, dilation),
            nn.Conv2d(hidden, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        channel = self.channel_branch(x.mean((2, 3), keepdim=True))
        return x + x * torch.sigmoid(channel + self.spatial_branch(x))


def _conv_norm_relu(channels: int, out_channels: int, kernel_size: int, dilation: int) -> list[nn.Module]:
    padding = dilation * (kernel_size // 2)
    conv = nn.Conv2d(channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False)
    return [conv, ChannelNorm(out_channels), nn.ReLU()]
