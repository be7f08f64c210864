"""What attention blocks share."""

from collections.abc import Callable

from torch import Tensor, nn


def reduced(channels: int, reduction: int) -> int:
    """The width of a bottleneck: channels / reduction, at least 1.

    Raises:
        ValueError: reduction below 1.
    """
    if reduction < 1:
        raise ValueError(f'reduction: expected at least 1, got {reduction}')
    return max(1, channels // reduction)


def bottleneck(channels: int, hidden: int, bias: bool, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """A two-layer perceptron on the channels of each pixel, as 1x1 convolutions: channels -> hidden -> channels."""
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1, bias=bias), activation(), nn.Conv2d(hidden, channels, 1, bias=bias)
    )


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel of (N, C, H, W); unlike batch norm it takes a single value."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def same_padding(kernel_size: int) -> int:
    """The padding that keeps the size under an odd kernel.

    Raises:
        ValueError: an even kernel size, or one below 1.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f'kernel_size: expected an odd number, got {kernel_size}')
    return kernel_size // 2
