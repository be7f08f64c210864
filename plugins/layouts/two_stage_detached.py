"""Gray, then color, side by side: color learns from gray's results, gray learns nothing from color's."""

from torch import Tensor

from toolbox.contracts import Restored
from toolbox.nn.stages import GrayThenColor, MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class TwoStageDetached(GrayThenColor):
    """Like TwoStage, but no gradient flows from the colors into the gray network: each has its own loss alone.

    Losses may be put on `gray`, which trains the first network, and `rgb`, which trains the second.

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image.
        color_residual: the second network predicts what to add to the restored gray in each channel.
    """

    def __init__(self, make_network: MakeNetwork, residual: bool = True, color_residual: bool = False) -> None:
        super().__init__(make_network, residual, color_residual)

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        gray = self.restore_gray(damaged)
        return Restored(rgb=self.colorize(gray.detach()), gray=gray)
