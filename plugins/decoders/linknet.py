"""LinkNet on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder
from toolbox.registry import DECODERS


@DECODERS.register_module()
class Linknet(SmpDecoder):
    """LinkNet: skips are added, not concatenated; light, decoding to full resolution.

    Chaurasia and Culurciello, LinkNet: Exploiting Encoder Representations for Efficient Semantic Segmentation, 2017,
    section III; smp's module.

    Args:
        channels, strides: of the encoder's features.
        final_channels: of the last block, at the input's resolution.

    Example:
        >>> decoder = Linknet(channels=(8, 16), strides=(2, 4))
        >>> image, features = torch.zeros(2, 1, 16, 16), [torch.zeros(2, 8, 8, 8), torch.zeros(2, 16, 4, 4)]
        >>> decoder(features, image).shape
        torch.Size([2, 32, 16, 16])
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], final_channels: int = 32) -> None:
        from segmentation_models_pytorch.decoders.linknet.decoder import LinknetDecoder

        if final_channels < 1 or min(channels) < 4:
            raise ValueError(
                f'Linknet: final_channels={final_channels}, channels of the features {tuple(channels)}: it narrows '
                'features to a fourth, so they need 4 channels or more, and the last block needs 1'
            )
        pyramid = Pyramid(channels, strides, 'Linknet')
        decoder = LinknetDecoder(pyramid.channels, prefinal_channels=final_channels, n_blocks=pyramid.depth)
        super().__init__(decoder, pyramid, out_channels=final_channels)
