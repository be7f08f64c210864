"""A few convolutions, for tests and quick experiments."""

from torch import Tensor, nn

from toolbox.registry import ENCODERS


@ENCODERS.register_module()
class TinyEncoder(nn.Module):
    """Features of 8, 16 and 24 channels at strides 2, 4 and 8; about 13 thousand parameters, nothing pretrained.

    Group normalization, so that it trains on any batch and at 1x1 too.

    Example:
        >>> features = TinyEncoder(in_channels=1)(torch.zeros(1, 1, 16, 16))
        >>> [tuple(feature.shape) for feature in features]
        [(1, 8, 8, 8), (1, 16, 4, 4), (1, 24, 2, 2)]
    """

    channels = (8, 16, 24)
    strides = (2, 4, 8)
    size_multiple = 8

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        widths = (in_channels, *self.channels)
        self.stages = nn.ModuleList(_stage(*pair) for pair in zip(widths, self.channels, strict=False))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def _stage(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.GroupNorm(4, out_channels),
        nn.ReLU(),
    )
