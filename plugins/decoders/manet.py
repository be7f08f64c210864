"""MA-Net on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, check_choice, upsampling_channels
from toolbox.nn.upsampled_conv import UpsampledBlock
from toolbox.registry import DECODERS


@DECODERS.register_module()
class MAnet(SmpDecoder):
    """MA-Net: a U-Net with self-attention on the deepest feature and channel attention where skips join.

    Fan et al., MA-Net: A Multi-Scale Attention Network for Liver and Tumor Segmentation, 2020, section III; smp's
    module. The self-attention compares all pairs of places of the deepest feature: its memory grows with the fourth
    power of the image's side, and is large with encoders that end at stride 8.

    Args:
        channels, strides: of the encoder's features.
        decoder_channels: one entry per upsampling, from the deepest; the last belongs to the input's resolution, so a
            shallower encoder uses the last ones.
        interpolation: how a feature is enlarged before its convolutions, 'nearest' or 'bilinear'.
        reduction: narrows the channel attention.
        attention_channels: of the self-attention's queries and keys.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        interpolation: str = 'nearest',
        reduction: int = 16,
        attention_channels: int = 64,
    ) -> None:
        from segmentation_models_pytorch.decoders.manet.decoder import DecoderBlock, MAnetDecoder

        check_choice('MAnet', 'interpolation', interpolation, ('nearest', 'bilinear'))
        pyramid = Pyramid(channels, strides, 'MAnet')
        chosen = upsampling_channels(decoder_channels, pyramid.depth, 'MAnet')
        decoder = MAnetDecoder(
            encoder_channels=pyramid.channels,
            decoder_channels=chosen,
            n_blocks=pyramid.depth,
            reduction=reduction,
            pab_channels=attention_channels,
            interpolation_mode=interpolation,
        )
        if interpolation == 'nearest':
            for index, block in enumerate(decoder.blocks):
                if isinstance(block, DecoderBlock):  # the others need the enlarged feature for their attention
                    decoder.blocks[index] = UpsampledBlock(block)
        super().__init__(decoder, pyramid, out_channels=chosen[-1])
