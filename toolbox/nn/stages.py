"""What the layouts with a gray and a color stage have in common."""

from collections.abc import Callable

from torch import Tensor, nn

from toolbox.plugin.types import Batch

# (in_channels, outputs, name) -> a network; see `toolbox.plugin.contracts.Layout`.
MakeNetwork = Callable[..., nn.Module]


class GrayThenColor(nn.Module):
    """Two networks: `gray_net` (1 -> 1) restores the gray image, `color_net` (1 -> 3) colors it.

    Args:
        make_network: builds a network.
        residual: `gray_net` predicts what to add to the damaged image, else the image.
        color_residual: `color_net` predicts what to add to the restored gray in each channel, else the colors.
    """

    def __init__(self, make_network: MakeNetwork, residual: bool, color_residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.color_residual = color_residual
        self.gray_net = make_network(1, 1, 'gray')
        self.color_net = make_network(1, 3, 'color')

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        """Losses may be put on `gray` and `rgb`."""
        return {'gray': batch.gray, 'rgb': batch.rgb}

    def restore_gray(self, damaged: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, 1, H, W)."""
        predicted = self.gray_net(damaged)
        return damaged + predicted if self.residual else predicted

    def colorize(self, gray: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, 3, H, W)."""
        predicted = self.color_net(gray)
        return gray + predicted if self.color_residual else predicted
