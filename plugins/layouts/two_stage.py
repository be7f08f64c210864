"""Gray, then color, trained jointly."""

from torch import Tensor

from toolbox.contracts import Restored
from toolbox.nn.stages import GrayThenColor, MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class TwoStage(GrayThenColor):
    """One network restores the gray image, a second one colors it; losses of both train both.

    The layout of the published solution of DACON competition 236420 (7th place). Losses may be put on `gray` and `rgb`.

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image, as published.
        color_residual: the second network predicts what to add to the restored gray in each channel.
    """

    def __init__(self, make_network: MakeNetwork, residual: bool = True, color_residual: bool = False) -> None:
        super().__init__(make_network, residual, color_residual)

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        gray = self.restore_gray(damaged)
        return Restored(rgb=self.colorize(gray), gray=gray)
