"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check encoders MyPart
3. Use it: --cfg-options model.encoder.type=MyPart
"""

from torch import Tensor, nn

from toolbox.registry import ENCODERS


@ENCODERS.register_module()
class MyPart(nn.Module):
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        in_channels: of the image; the program sets it.
        width: channels of the shallowest feature; they double at each level.
        depth: number of features.
    """

    def __init__(self, in_channels: int, width: int = 8, depth: int = 3) -> None:
        super().__init__()
        if width < 1 or depth < 1:
            raise ValueError(f'MyPart(width={width}, depth={depth}): expected at least 1')
        # What decoders are told, shallow to deep.
        self.channels = tuple(width * 2**level for level in range(depth))
        self.strides = tuple(2 ** (level + 1) for level in range(depth))
        self.size_multiple = self.strides[-1]  # sides arrive as multiples of this
        self.levels = nn.ModuleList()
        for channels in self.channels:
            convolution = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1)
            self.levels.append(nn.Sequential(convolution, nn.ReLU()))
            in_channels = channels

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> features, the i-th (N, channels[i], H / strides[i], W / strides[i])."""
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features
