"""UPerNet on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, strides_from_four, without_norm_of_one_pixel
from toolbox.registry import DECODERS


@DECODERS.register_module()
class UPerNet(SmpDecoder):
    """UPerNet: pyramid pooling on the deepest feature, then a feature pyramid; ends at a fourth of the resolution.

    Xiao et al., Unified Perceptual Parsing for Scene Understanding, 2018, section 3.1; smp's module, without the batch
    normalization of the feature that is pooled to one pixel, which fails on a batch of one image.

    Args:
        channels, strides: of the encoder's features; at strides 4, 8 and each power of two to the deepest.
        decoder_channels: of all levels; one number.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], decoder_channels: int = 256) -> None:
        from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder

        if type(decoder_channels) is not int or decoder_channels < 1:
            raise ValueError(f'UPerNet: decoder_channels={decoder_channels!r}: expected one positive number, like 256')
        pyramid = Pyramid(channels, strides, 'UPerNet', needs=strides_from_four([*strides, 8]))
        decoder = UPerNetDecoder(pyramid.channels, pyramid.depth, decoder_channels)
        without_norm_of_one_pixel(decoder.psp.blocks[0])
        super().__init__(decoder, pyramid, out_channels=decoder_channels, out_stride=4)
