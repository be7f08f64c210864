"""smp's decoders that enlarge by nearest neighbor, without making what they enlarge and concatenate.

It saves time on CPU: more than half of a convolution's work on an enlarged feature repeats itself on equal pixels, and
oneDNN's gradient of weights is slow where channels_last features have many channels, as concatenations do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def upsampled_conv(x: Tensor, skips: Sequence[Tensor], weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``conv2d(cat([interpolate(x, scale_factor=2, mode='nearest'), *skips]), weight, bias, padding=1)``, to rounding.

    A convolution of a concatenation is the sum of its parts' convolutions. Over a feature enlarged by nearest neighbor
    it is a transposed convolution of the feature itself (compare Shi et al., Is the deconvolution layer the same as a
    convolutional layer?, 2016), with a kernel of 4x4 of which 2x2 meet each pixel, instead of 3x3.

    Args:
        x: (N, C, H, W).
        skips: each (N, C_i, 2 H, 2 W); those of no channels are left out.
        weight: (out, C + sum of C_i, 3, 3).
        bias: (out,).

    Returns:
        (N, out, 2 H, 2 W).
    """
    skips = [skip for skip in skips if skip.shape[1]]
    if not x.is_cpu:  # the other way has been found faster on CPU alone
        enlarged = functional.interpolate(x, scale_factor=2.0, mode='nearest')
        return functional.conv2d(torch.cat([enlarged, *skips], dim=1), weight, bias, padding=1)
    kernel, *skip_kernels = weight.split([part.shape[1] for part in (x, *skips)], dim=1)
    out = functional.conv_transpose2d(x, _transposed_kernel(kernel), bias, stride=2, padding=1)
    for skip, skip_kernel in zip(skips, skip_kernels, strict=True):
        out = out.add_(functional.conv2d(skip, skip_kernel, padding=1))
    return out


def _transposed_kernel(kernel: Tensor) -> Tensor:
    """(out, C, 3, 3), to convolve the enlarged feature -> (C, out, 4, 4), to convolve the feature with, transposed.

    An enlargement is a transposed convolution with 2x2 ones, so this is the kernel convolved with them, and flipped as
    transposed kernels are.
    """
    flipped = kernel.transpose(0, 1).flip(2, 3)
    padded = functional.pad(flipped, (0, 0, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    padded = functional.pad(rows, (1, 1))
    return padded[..., 1:] + padded[..., :-1]


class UpsampledBlock(nn.Module):
    """A decoder block of smp's, with nearest-neighbor enlargement and no attention: its layers, under their names."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.conv1 = block.conv1
        self.conv2 = block.conv2

    def forward(self, x: Tensor, *skips: Tensor | None) -> Tensor:
        """x: (N, C, H, W); skips: (N, C_i, 2 H, 2 W), or None where there is none -> (N, out, 2 H, 2 W)."""
        if self.conv1 is None:  # smp's block of no channels
            batch, _, height, width = x.shape
            return x.new_empty(batch, 0, 2 * height, 2 * width)
        conv, norm, activation = self.conv1
        joined = upsampled_conv(x, [skip for skip in skips if skip is not None], conv.weight, conv.bias)
        return self.conv2(activation(norm(joined)))


class UpsampledUnet(nn.Module):
    """smp's UnetDecoder of nearest-neighbor enlargement; each feature has half the sides of the one before it.

    With fewer blocks than features it stops at a coarser resolution.
    """

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(UpsampledBlock(block) for block in decoder.blocks)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        _, *skips, x = features
        for block, skip in zip(self.blocks, [*reversed(skips), None], strict=False):
            x = block(x, skip)
        return x


class UpsampledUnetPlusPlus(nn.Module):
    """smp's UnetPlusPlusDecoder of nearest-neighbor enlargement; features as for `UpsampledUnet`.

    Its block `x_i_j` enlarges what `x_i_{j-1}` made, and joins it with all that came before it at its resolution.
    """

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({name: UpsampledBlock(block) for name, block in decoder.blocks.items()})

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        _, *skips, deepest = features
        below = [deepest]
        for level, skip in enumerate(reversed(skips)):
            row = [skip]  # of one resolution, the latest first, as smp concatenates them
            for index in reversed(range(level + 1)):
                row.insert(0, self.blocks[f'x_{index}_{level}'](below[index], *row))
            below = row
        return self.blocks[f'x_0_{len(skips)}'](below[0])
