"""Concurrent spatial and channel squeeze and excitation."""

import torch
from torch import Tensor, nn

from toolbox.nn.attention import bottleneck, reduced
from toolbox.registry import ATTENTION


@ATTENTION.register_module(name='scSE')
class SCSE(nn.Module):
    """Channel attention and pixel attention side by side, added.

    Source: Roy et al., Concurrent Spatial and Channel Squeeze & Excitation, MICCAI 2018, section 2. It has
    2 C R + R + C parameters with R = max(1, C // reduction) for the channels, and C + 1 for the pixels.

    Args:
        channels: C.
        reduction: the channel perceptron narrows by this factor; 2 in the paper.
    """

    def __init__(self, channels: int, reduction: int = 2) -> None:
        super().__init__()
        self.channel_perceptron = bottleneck(channels, reduced(channels, reduction), bias=True)
        self.pixel_conv = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        by_channel = x * torch.sigmoid(self.channel_perceptron(x.mean((2, 3), keepdim=True)))
        by_pixel = x * torch.sigmoid(self.pixel_conv(x))
        return by_channel + by_pixel
