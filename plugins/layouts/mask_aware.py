"""Gray, then color, by networks that are told where the hole is."""

import torch
from torch import Tensor, nn

from toolbox.contracts import Batch, Restored
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class MaskAware(nn.Module):
    """Like TwoStage, the mask being an input channel of both networks, and the known gray pasted around the hole.

    The usual input and composition of inpainting networks, such as Yu et al., Free-Form Image Inpainting with Gated
    Convolution, 2019, section 3. Only the hole's gray is predicted, so a loss on `gray` teaches nothing elsewhere.
    Losses may be put on `gray` and `rgb`.

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image.
    """

    def __init__(self, make_network: MakeNetwork, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.gray_net = make_network(2, 1, 'gray')
        self.color_net = make_network(2, 3, 'color')

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        predicted = self.gray_net(torch.cat([damaged, mask], dim=1))
        restored = damaged + predicted if self.residual else predicted
        gray = torch.where(mask > 0.5, restored, damaged)
        return Restored(rgb=self.color_net(torch.cat([gray, mask], dim=1)), gray=gray)

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        return {'gray': batch.gray, 'rgb': batch.rgb}
