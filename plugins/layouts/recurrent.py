"""One network that corrects its own colors, several times."""

import torch
from torch import Tensor, nn

from toolbox.contracts import Batch, Restored
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS


@LAYOUTS.register_module()
class Recurrent(nn.Module):
    """Recurrent refinement: from the damaged image and the colors so far to a correction of the colors, N times.

    The steps share one network, and start from the damaged image itself in each channel; one step is a residual
    OneStage. After Li et al., Recurrent Feature Reasoning for Image Inpainting, 2020 (there on features, within one
    network). Memory and time in training grow with the steps.

    Losses may be put on `rgb`, the last step, on `gray`, its luma, and on `step_1`, `step_2`, ..., the colors of the
    steps before.

    Args:
        make_network: builds a network.
        steps: how often the network is applied.
    """

    def __init__(self, make_network: MakeNetwork, steps: int = 3) -> None:
        if type(steps) is not int or steps < 1:
            raise ValueError(f'Recurrent: steps={steps!r}: expected a whole number from 1 on, like 3')
        super().__init__()
        self.steps = steps
        self.color_net = make_network(4, 3, 'color')

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        rgb = damaged.expand(-1, 3, -1, -1)
        earlier = {}
        for step in range(1, self.steps + 1):
            rgb = rgb + self.color_net(torch.cat([damaged, rgb], dim=1))
            earlier[f'step_{step}'] = rgb
        del earlier[f'step_{self.steps}']  # that one is `rgb`
        return Restored(rgb=rgb, extra=earlier)

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        steps = {f'step_{step}': batch.rgb for step in range(1, self.steps)}
        return {'rgb': batch.rgb, 'gray': batch.gray, **steps}
