"""Straight from the damaged gray image to colors."""

from torch import Tensor, nn

from toolbox.contracts import Batch, Restored
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class OneStage(nn.Module):
    """One network fills the hole and colors at once (1 -> 3).

    Losses may be put on `rgb`, and on `gray`, its luma.

    Args:
        make_network: builds a network.
        residual: the network predicts what to add to the damaged image in each channel.

    Example:
        >>> layout = OneStage(lambda in_channels, outputs, name: torch.nn.Conv2d(in_channels, outputs, 1))
        >>> layout(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)).rgb.shape
        torch.Size([1, 3, 8, 8])
    """

    def __init__(self, make_network: MakeNetwork, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.color_net = make_network(1, 3, 'color')

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        predicted = self.color_net(damaged)
        return Restored(rgb=damaged + predicted if self.residual else predicted)

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        return {'rgb': batch.rgb, 'gray': batch.gray}
