"""DeepLabV3+ on segmentation-models-pytorch."""

from collections.abc import Sequence

from torch import nn

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, without_norm_of_one_pixel
from toolbox.registry import DECODERS


@DECODERS.register_module()
class DeepLabV3Plus(SmpDecoder):
    """DeepLabV3+: atrous pyramid pooling on the deepest feature, joined with the one at stride 4, where it ends.

    Chen et al., Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation, 2018, section 3;
    smp's module, without the batch normalization of the feature that is pooled to one pixel, which fails on a batch of
    one image. The paper dilates the encoder to end at stride 16 or 8: give it `output_stride=16`. An undilated encoder,
    ending at stride 32, is enlarged eightfold instead of fourfold; the rates then span twice as much of the image.

    Args:
        channels, strides: of the encoder's features; there must be one at stride 4.
        decoder_channels: of the result; one number.
        atrous_rates: of the three dilated convolutions, in pixels of the deepest feature.
        separable: depthwise separable dilated convolutions.
        dropout: after the pooling, while training.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        decoder_channels: int = 256,
        atrous_rates: Sequence[int] = (12, 24, 36),
        separable: bool = True,
        dropout: float = 0.5,
    ) -> None:
        from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder

        if type(decoder_channels) is not int or decoder_channels < 1:
            raise ValueError(
                f'DeepLabV3Plus: decoder_channels={decoder_channels!r}: expected one positive number, like 256'
            )
        if len(atrous_rates) != 3 or min(atrous_rates) < 1:
            raise ValueError(
                f'DeepLabV3Plus: atrous_rates={atrous_rates!r}: expected three positive numbers, like (12, 24, 36)'
            )
        if not 0 <= dropout < 1:
            raise ValueError(f'DeepLabV3Plus: dropout={dropout}: expected a number from 0 to below 1')
        pyramid = Pyramid(channels, strides, 'DeepLabV3Plus', needs=(4,))
        decoder = DeepLabV3PlusDecoder(
            encoder_channels=pyramid.channels,
            encoder_depth=max(pyramid.depth, 3),  # smp refuses less, and uses it for `up` alone
            out_channels=decoder_channels,
            atrous_rates=atrous_rates,
            output_stride=16,
            aspp_separable=separable,
            aspp_dropout=dropout,
        )
        # smp's `up` is made for encoders that end at stride 8 or 16.
        decoder.up = nn.Upsample(scale_factor=2**pyramid.depth // 4, mode='bilinear', align_corners=True)
        without_norm_of_one_pixel(decoder.aspp[0].convs[-1])
        super().__init__(decoder, pyramid, out_channels=decoder_channels, out_stride=4)
