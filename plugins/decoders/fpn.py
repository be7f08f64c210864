"""Feature pyramid network on segmentation-models-pytorch."""

from collections.abc import Sequence

from toolbox.nn.smp_decoder import Pyramid, SmpDecoder, check_choice
from toolbox.registry import DECODERS


@DECODERS.register_module()
class FPN(SmpDecoder):
    """FPN: the four deepest levels, brought to one width and summed up at the shallowest one's resolution.

    Lin et al., Feature Pyramid Networks for Object Detection, 2017, section 3, with the segmentation branch of Kirillov
    et al., Panoptic Feature Pyramid Networks, 2019, section 3.1; smp's module. It ends at a fourth of the resolution
    where the encoder ends at a 32nd. With an encoder of three levels the input image is the fourth.

    Args:
        channels, strides: of the encoder's features, three or four of them in steps of two.
        in_channels: of the network's input.
        pyramid_channels: of the pyramid's levels.
        segmentation_channels: of the segmentation branch, a multiple of 32, 64 or more.
        dropout: of whole channels of the result, while training.
        merge: 'add' or 'cat' for the levels of the segmentation branch.
        interpolation: how a level is enlarged before it joins the next, 'nearest' or 'bilinear'.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        in_channels: int,
        pyramid_channels: int = 256,
        segmentation_channels: int = 128,
        dropout: float = 0.2,
        merge: str = 'add',
        interpolation: str = 'nearest',
    ) -> None:
        from segmentation_models_pytorch.decoders.fpn.decoder import FPNDecoder

        check_choice('FPN', 'merge', merge, ('add', 'cat'))
        check_choice('FPN', 'interpolation', interpolation, ('nearest', 'bilinear'))
        # Normalized in 32 groups; a group of one channel has nothing to normalize where the feature is one pixel.
        if segmentation_channels < 64 or segmentation_channels % 32:
            raise ValueError(f'FPN: segmentation_channels={segmentation_channels}: expected 64, 96, 128 or so on')
        if not 0 <= dropout < 1:
            raise ValueError(f'FPN: dropout={dropout}: expected a number from 0 to below 1')
        deepest = max(*strides, 8)
        needs = [stride for stride in (deepest // 8, deepest // 4, deepest // 2, deepest) if stride > 1]
        pyramid = Pyramid(channels, strides, 'FPN', needs, in_channels=in_channels)
        decoder = FPNDecoder(
            encoder_channels=pyramid.channels,
            encoder_depth=pyramid.depth,
            pyramid_channels=pyramid_channels,
            segmentation_channels=segmentation_channels,
            dropout=dropout,
            merge_policy=merge,
            interpolation_mode=interpolation,
        )
        super().__init__(decoder, pyramid, out_channels=decoder.out_channels, out_stride=deepest // 8)
