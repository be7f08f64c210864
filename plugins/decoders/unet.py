"""U-Net on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, check_choice, upsampling_channels
from toolbox.nn.upsampled_conv import UpsampledUnet
from toolbox.registry import DECODERS


@DECODERS.register_module()
class Unet(SmpDecoder):
    """U-Net: one skip per resolution, decoding to full resolution or as far as is wanted.

    Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015, section 2; smp's module,
    computed as `toolbox/nn/upsampled_conv.py` says where it enlarges by nearest neighbor.

    Args:
        channels, strides: of the encoder's features.
        decoder_channels: one entry per upsampling, from the deepest; the last belongs to the input's resolution, so a
            shallower encoder uses the last ones. Where less than full resolution is wanted, the first entries may stand
            alone, one per upsampling that is made.
        stride: the resolution that is wanted, as a power of two; the decoder stops there.
        interpolation: how a feature is enlarged before its convolutions, 'nearest' or 'bilinear'.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        interpolation: str = 'nearest',
        stride: int = 1,
    ) -> None:
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

        check_choice('Unet', 'interpolation', interpolation, ('nearest', 'bilinear'))
        pyramid = Pyramid(channels, strides, 'Unet')
        chosen = upsampling_channels(decoder_channels, pyramid.depth, 'Unet', stride)
        decoder = UnetDecoder(
            encoder_channels=pyramid.channels,
            decoder_channels=chosen,
            n_blocks=len(chosen),
            interpolation_mode=interpolation,
        )
        if interpolation == 'nearest':
            decoder = UpsampledUnet(decoder)
        super().__init__(decoder, pyramid, out_channels=chosen[-1], out_stride=2 ** (pyramid.depth - len(chosen)))
