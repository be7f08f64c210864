"""Adversarial loss with a critic of patches."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolbox.color import luma
from toolbox.nn.loss import ImageLoss, at_least_float32, check_choice, weighted_mean
from toolbox.nn.pad import pad_to_multiple
from toolbox.registry import LOSSES


@LOSSES.register_module()
class PatchGAN(ImageLoss):
    """How real a critic, which trains beside the restorer, finds each patch of the prediction.

    Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017, sections 3.1,
    3.2.2 and 6.1. The critic sees what the restorer was given, too (the known gray and the mask). Its norm is instance
    norm, which is what batch norm is for the paper's batches of 1. With 3 layers a patch has 70x70 pixels.

    The loss is the restorer's part and leaves no gradients in the critic. The engine trains `critic` on `critic_loss`
    with an optimizer of its own, built from `critic_optimizer`.

    Args:
        objective: 'lsgan' (least squares, Mao et al. 2017, as in the authors' code), 'bce' (the paper's, with the
            restorer's part in its non-saturating form) or 'hinge' (Lim and Ye 2017).
        channels: of the critic's first layer; they double from layer to layer, up to 8 times.
        layers: how often the critic halves the image.
        critic_optimizer: config of the critic's optimizer; None for the paper's Adam.
        region: 'all', 'hole' or 'known': which patches count, by the share of them inside.
    """

    def __init__(
        self,
        objective: str = 'lsgan',
        channels: int = 64,
        layers: int = 3,
        critic_optimizer: Mapping[str, object] | None = None,
        region: str = 'all',
    ) -> None:
        super().__init__(region)
        for option, value in (('channels', channels), ('layers', layers)):
            if value < 1:
                raise ValueError(f'{option}: expected at least 1, got {value}')
        self.objective = check_choice('objective', objective, ('lsgan', 'bce', 'hinge'))
        self.critic = _critic(channels, layers)
        self.critic_optimizer = dict(critic_optimizer or dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
        # Two more 4x4 convolutions come behind the halvings and need three pixels.
        self._smallest_side = 3 * 2**layers

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The restorer's loss: the critic should take the prediction for real. Arguments as of every loss."""
        pred, target, mask = self.prepared(pred, target, mask)
        constants = {name: parameter.detach() for name, parameter in self.critic.named_parameters()}
        scores = torch.func.functional_call(self.critic, constants, self._critic_input(pred, target, mask))
        return self._mean(_restorer_terms(self.objective, at_least_float32(scores)), mask)

    def critic_loss(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The critic's loss: to take the target for real and the prediction for not. No gradient for the prediction."""
        pred, target, mask = self.prepared(pred.detach(), target, mask)
        real, fake = (at_least_float32(self.critic(self._critic_input(x, target, mask))) for x in (target, pred))
        return self._mean(_critic_terms(self.objective, real, fake), mask)

    def _critic_input(self, image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        gray = luma(target) if target.shape[1] == 3 else target
        return self._large_enough(torch.cat([image.expand(-1, 3, -1, -1), gray * (1 - mask), mask], dim=1))

    def _mean(self, terms: Tensor, mask: Tensor) -> Tensor:
        weight = F.adaptive_avg_pool2d(self._large_enough(self.weight(mask)), terms.shape[2:])
        return weighted_mean(terms, weight).mean()

    def _large_enough(self, image: Tensor) -> Tensor:
        return pad_to_multiple(image, self._smallest_side) if min(image.shape[2:]) < self._smallest_side else image


def _restorer_terms(objective: str, fake: Tensor) -> Tensor:
    if objective == 'lsgan':
        return (fake - 1).square()
    return F.softplus(-fake) if objective == 'bce' else -fake


def _critic_terms(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    # Halved as in section 3.3 of the paper, which slows the critic down.
    if objective == 'lsgan':
        return ((real - 1).square() + fake.square()) / 2
    if objective == 'bce':
        return (F.softplus(-real) + F.softplus(fake)) / 2
    return (F.relu(1 - real) + F.relu(1 + fake)) / 2


def _critic(channels: int, layers: int) -> nn.Sequential:
    """Image, known gray and mask (N, 5, H, W) -> one score per patch (N, 1, about H / 2^layers, W / 2^layers)."""
    widths = [channels * min(2**i, 8) for i in range(layers + 1)]
    modules: list[nn.Module] = [nn.Conv2d(5, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    for i in range(1, layers + 1):
        stride = 2 if i < layers else 1
        modules += [
            nn.Conv2d(widths[i - 1], widths[i], 4, stride=stride, padding=1, bias=False),
            nn.InstanceNorm2d(widths[i], affine=True),
            nn.LeakyReLU(0.2),
        ]
    modules.append(nn.Conv2d(widths[-1], 1, 4, padding=1))
    for module in modules:
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.02)
    return nn.Sequential(*modules)
