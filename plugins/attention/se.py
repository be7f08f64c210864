"""Squeeze and excitation."""

import torch
from torch import Tensor, nn

from toolbox.nn.attention import bottleneck, reduced
from toolbox.registry import ATTENTION


@ATTENTION.register_module()
class SE(nn.Module):
    """Squeeze and excitation: channels weighted by what they average to over the image.

    Source: Hu et al., Squeeze-and-Excitation Networks, CVPR 2018, section 3. Both layers have biases:
    2 C R + R + C parameters with R = max(1, C // reduction).

    Args:
        channels: C.
        reduction: the perceptron narrows the channels by this factor.

    Example:
        >>> SE(channels=32)(torch.zeros(1, 32, 4, 4)).shape
        torch.Size([1, 32, 4, 4])
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.perceptron = bottleneck(channels, reduced(channels, reduction), bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x * torch.sigmoid(self.perceptron(x.mean((2, 3), keepdim=True)))
