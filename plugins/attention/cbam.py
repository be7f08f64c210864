"""Convolutional block attention."""

import torch
from torch import Tensor, nn

from toolbox.nn.attention import bottleneck, reduced, same_padding
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class CBAM(nn.Module):
    """Channel attention, then spatial attention.

    Source: Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018, equations 2 and 3. As there, no layer has
    a bias or a norm, so it has 2 C max(1, C // reduction) + 2 kernel_size^2 parameters: 25,186 for C = 448 by default.

    Args:
        channels: C.
        reduction: the shared perceptron narrows the channels by this factor.
        kernel_size: of the spatial attention's convolution; odd.
    """

    def __init__(self, channels: int, reduction: int = 16, kernel_size: int = 7) -> None:
        super().__init__()
        self.channel_perceptron = bottleneck(channels, reduced(channels, reduction), bias=False)
        self.spatial_conv = nn.Conv2d(2, 1, kernel_size, padding=same_padding(kernel_size), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        average, largest = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.channel_perceptron(average) + self.channel_perceptron(largest))
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.spatial_conv(pooled))
