"""U-Net++ on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, check_choice, strides_from_four, upsampling_channels
from toolbox.nn.upsampled_conv import UpsampledUnetPlusPlus
from toolbox.registry import DECODERS


@DECODERS.register_module()
class UnetPlusPlus(SmpDecoder):
    """U-Net++: nested dense skips between encoder and decoder, decoding to full resolution.

    Zhou et al., UNet++: A Nested U-Net Architecture for Medical Image Segmentation, 2018, section 3.1, without the deep
    supervision of section 3.2; smp's module, computed as `toolbox/nn/upsampled_conv.py` says where it enlarges by
    nearest neighbor.

    Args:
        channels, strides: of the encoder's features, at 4, 8 and each power of two to the deepest, and 2 or not.
        decoder_channels: one entry per upsampling, from the deepest; the last belongs to the input's resolution, so a
            shallower encoder uses the last ones.
        interpolation: how a feature is enlarged before its convolutions, 'nearest' or 'bilinear'.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        interpolation: str = 'nearest',
    ) -> None:
        from segmentation_models_pytorch.decoders.unetplusplus.decoder import UnetPlusPlusDecoder

        check_choice('UnetPlusPlus', 'interpolation', interpolation, ('nearest', 'bilinear'))
        pyramid = Pyramid(channels, strides, 'UnetPlusPlus', needs=strides_from_four(strides))
        chosen = upsampling_channels(decoder_channels, pyramid.depth, 'UnetPlusPlus')
        decoder = UnetPlusPlusDecoder(
            encoder_channels=pyramid.channels,
            decoder_channels=chosen,
            n_blocks=pyramid.depth,
            interpolation_mode=interpolation,
        )
        if interpolation == 'nearest':
            decoder = UpsampledUnetPlusPlus(decoder)
        super().__init__(decoder, pyramid, out_channels=chosen[-1])
