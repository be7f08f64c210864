"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check decoders MyPart
3. Use it: --cfg-options model.decoder.type=MyPart
"""

from collections.abc import Sequence

from torch import Tensor, nn

from toolbox.registry import DECODERS


@DECODERS.register_module()
class MyPart(nn.Module):
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        channels, strides: of the encoder's features, shallow to deep; the program sets them.
        width: channels inside and at the end.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], width: int = 16) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f'MyPart(width={width}): expected at least 1')
        self.out_channels = width
        self.out_stride = strides[0]  # what this leaves out, the network upsamples
        self.project = nn.ModuleList(nn.Conv2d(number, width, 1) for number in channels)
        self.blend = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())

    def forward(self, features: Sequence[Tensor], x: Tensor) -> Tensor:
        """Features and the network's input x (N, C, H, W) -> (N, out_channels, H / out_stride, ...)."""
        size = features[0].shape[-2:]
        projected = [project(feature) for project, feature in zip(self.project, features, strict=True)]
        enlarged = [nn.functional.interpolate(feature, size=size, mode='bilinear') for feature in projected]
        return self.blend(sum(enlarged))
