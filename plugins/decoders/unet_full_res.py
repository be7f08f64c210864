"""U-Net with a skip from the image itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from toolbox.nn.smp_decoder import Pyramid, check_choice, upsampling_channels
from toolbox.nn.upsample import upsample_layer
from toolbox.registry import DECODERS


@DECODERS.register_module()
class UnetFullRes(nn.Module):
    """U-Net whose last block sees the input image at full resolution, through a convolution of its own.

    smp's decoders blow the features at stride 2 up, so that fine detail must pass through half the resolution; in
    restoration the input has most of the detail, and this skip carries it, as the original U-Net does (Ronneberger et
    al., 2015, section 2) and restoration networks such as Zamir et al., Restormer, 2022, section 3.

    Args:
        channels, strides: of the encoder's features.
        in_channels: of the network's input.
        decoder_channels: one entry per upsampling, from the deepest; the last belongs to the input's resolution, so a
            shallower encoder uses the last ones.
        image_channels: what the convolution makes of the input image.
        upsample: 'resize' for bilinear enlargement and a convolution (Odena et al., Deconvolution and Checkerboard
            Artifacts, 2016), 'pixel_shuffle' for sub-pixel convolution (Shi et al., 2016).
    """

    out_stride = 1

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        in_channels: int,
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        image_channels: int = 16,
        upsample: str = 'resize',
    ) -> None:
        super().__init__()
        check_choice('UnetFullRes', 'upsample', upsample, ('resize', 'pixel_shuffle'))
        if image_channels < 1:
            raise ValueError(f'UnetFullRes: image_channels={image_channels}: expected a positive number, like 16')
        self._pyramid = Pyramid(channels, strides, 'UnetFullRes')
        chosen = upsampling_channels(decoder_channels, self._pyramid.depth, 'UnetFullRes')
        *skips, deepest = self._pyramid.channels[1:]
        self.image_stem = _conv_norm_relu(in_channels, image_channels)
        self.blocks = nn.ModuleList(
            _Block(below, skip, out, upsample)
            for below, skip, out in zip([deepest, *chosen], [*reversed(skips), image_channels], chosen, strict=False)
        )
        self.out_channels = chosen[-1]

    def forward(self, features: Sequence[Tensor], x: Tensor) -> Tensor:
        _, *skips, deepest = self._pyramid(features, x)
        y = deepest
        for block, skip in zip(self.blocks, [*reversed(skips), self.image_stem(x)], strict=True):
            y = block(y, skip)
        return y


class _Block(nn.Module):
    """Twice the resolution, joined with a skip."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, upsample: str) -> None:
        super().__init__()
        self.up = upsample_layer(in_channels, out_channels, upsample)
        self.join = nn.Sequential(
            _conv_norm_relu(out_channels + skip_channels, out_channels), _conv_norm_relu(out_channels, out_channels)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.join(torch.cat([self.up(x), skip], dim=1))


def _conv_norm_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.kaiming_uniform_(conv.weight, nonlinearity='relu')
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
