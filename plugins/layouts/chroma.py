"""Colors as luma and chroma: the gray is exact by construction."""

import torch
from torch import Tensor, nn

from toolbox.color import chroma_from_rgb, rgb_from_chroma, with_luma
from toolbox.contracts import Batch, Restored
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class Chroma(nn.Module):
    """One network restores the gray inside the hole, a second one predicts two chroma channels to go with it.

    The luma of the output is the given gray outside the hole and the restored one inside, so that a loss on `rgb` has
    colors alone to teach outside the hole. While training, colors may leave the gamut, where a color drawn back would
    get no gradient; otherwise they are drawn back to it, along constant luma. Predicting chroma beside a known luma is
    the usual way to colorize: Zhang et al., Colorful Image Colorization, 2016, section 2 (there in CIE Lab).

    Losses may be put on `gray`, `rgb` and `chroma` (Cb and Cr of ITU-R BT.601, in [-0.5, 0.5]).

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image.
    """

    def __init__(self, make_network: MakeNetwork, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.gray_net = make_network(1, 1, 'gray')
        self.color_net = make_network(1, 2, 'color')

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        predicted = self.gray_net(damaged)
        restored = damaged + predicted if self.residual else predicted
        gray = torch.where(mask > 0.5, restored, damaged)
        chroma = self.color_net(gray)
        rgb = rgb_from_chroma(gray, chroma)
        if not self.training:
            rgb = with_luma(rgb, gray.clamp(0, 1))
        return Restored(rgb=rgb, gray=gray, extra={'chroma': chroma})

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        return {'gray': batch.gray, 'rgb': batch.rgb, 'chroma': chroma_from_rgb(batch.rgb)}
