"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check layouts MyPart
3. Use it: --cfg-options model.layout.type=MyPart
"""

from collections.abc import Callable

from torch import Tensor, nn

from toolbox.contracts import Batch, Restored
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class MyPart(nn.Module):
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        make_network: (in_channels, out_channels) -> a network as configured; the program sets it.
        residual: the network predicts what to add to the damaged image, in each channel.
    """

    def __init__(self, make_network: Callable[[int, int], nn.Module], residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.network = make_network(1, 3)

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        """(N, 1, H, W) in [0, 1] and (N, 1, H, W) in {0, 1}, 1 = hole -> colors, unclipped."""
        predicted = self.network(damaged)
        return Restored(rgb=damaged + predicted if self.residual else predicted)

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        """What a loss may be put `on`."""
        return dict(rgb=batch.rgb, gray=batch.gray)
