"""Network parts for tests of training: one that is random and has running statistics, and one that has neither."""

from collections.abc import Sequence

from torch import Tensor, nn

from toolbox.plugin.registry import DECODERS, ENCODERS


@ENCODERS.register_module()
class NoisyEncoder(nn.Module):
    """One stage with batch normalization and dropout: draws from torch's random state in training."""

    channels = (8,)
    strides = (2,)
    size_multiple = 2

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.stage = nn.Sequential(
            nn.Conv2d(in_channels, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.stage(x)]


@DECODERS.register_module()
class PlainDecoder(nn.Module):
    """A convolution of the shallowest feature: no image of a batch depends on another."""

    out_channels = 8

    def __init__(self, channels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        self.out_stride = strides[0]
        self.convolution = nn.Conv2d(channels[0], 8, 3, padding=1)

    def forward(self, features: Sequence[Tensor], x: Tensor) -> Tensor:
        return self.convolution(features[0]).relu()
