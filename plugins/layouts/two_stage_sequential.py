"""Gray, then color, one after the other."""

from torch import Tensor

from toolbox.contracts import Phase, Restored
from toolbox.nn.stages import GrayThenColor, MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class TwoStageSequential(GrayThenColor):
    """Like TwoStage, trained in two turns: the gray network, then, with that one frozen, the color network.

    Losses may be put on `gray`, which count in the first turn, and `rgb`, which count in the second.

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image.
        color_residual: the second network predicts what to add to the restored gray in each channel.
        gray_share: the share of the run that the first turn takes, between 0 and 1.
    """

    def __init__(
        self,
        make_network: MakeNetwork,
        residual: bool = True,
        color_residual: bool = False,
        gray_share: float = 0.5,
    ) -> None:
        if not 0 < gray_share < 1:
            raise ValueError(
                f'TwoStageSequential: gray_share={gray_share!r}: expected a number between 0 and 1, like 0.5'
            )
        super().__init__(make_network, residual, color_residual)
        self.gray_share = gray_share

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        gray = self.restore_gray(damaged)
        return Restored(rgb=self.colorize(gray.detach()), gray=gray)

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase(share=self.gray_share, trainable=('gray_net',), losses=('gray',)),
            Phase(share=1 - self.gray_share, trainable=('color_net',), losses=('rgb',)),
        )
