"""The loss of a run: a weighted sum of loss plugins, each put `on` something that the layout predicts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from torch import Tensor, nn

from toolbox.plugin.contracts import AdversarialLoss, Layout, Loss
from toolbox.plugin.registry import LOSSES
from toolbox.plugin.types import Batch, Restored
from toolbox.system.words import did_you_mean


class Term(nn.Module):
    """One entry of `model.losses`.

    Args:
        config: a loss plugin's options beside `on` (what the layout predicts), `weight`, `start` and `ramp`: the weight
            is 0 before step `start` and grows linearly to its full value over `ramp` steps.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.loss: Loss = LOSSES.build(config)
        self.on: str = config.get('on', 'rgb')
        self.weight = float(config.get('weight', 1.0))
        self.start = int(config.get('start', 0))
        self.ramp = int(config.get('ramp', 0))
        if min(self.start, self.ramp) < 0:
            raise ValueError(
                f'model.losses: {config["type"]}: start={self.start}, ramp={self.ramp}: expected 0 or more'
            )
        self.name = f'loss_{config["type"]}_{self.on}'

    def weight_at(self, step: int) -> float:
        """The term's weight, a pure function of the global step."""
        if step < self.start:
            return 0.0
        return self.weight * min(1.0, (step - self.start + 1) / (self.ramp + 1))


class Objective(nn.Module):
    """The weighted losses of a run.

    A loss may bring a critic (an adversary that learns beside the restorer). Its loss is added to the sum: it sees the
    prediction detached, and the restorer's own term leaves the critic's weights alone, so that one backward pass gives
    each its gradients. The critics' optimizers are the trainer's.

    Args:
        losses: the config's `model.losses`.
        layout: what the losses are put on.

    Raises:
        ValueError: a loss `on` something that the layout does not predict.
    """

    def __init__(self, losses: Sequence[Mapping[str, Any]], layout: Layout) -> None:
        super().__init__()
        # The type of a ModuleList does not say what it holds.
        self.terms = cast(Sequence[Term], nn.ModuleList(Term(config) for config in losses))
        known = layout.targets(Batch.blank())
        for index, term in enumerate(self.terms):
            if term.on not in known:
                hint = did_you_mean(term.on, known)
                raise ValueError(f'model.losses.{index}.on: {type(layout).__name__} predicts no {term.on!r}{hint}')
            if any(other.name == term.name for other in self.terms[:index]):
                term.name += f'_{index}'

    def forward(
        self,
        restored: Restored,
        targets: Mapping[str, Tensor],
        hole: Tensor,
        step: int,
        counted: Collection[str] | None = None,
    ) -> dict[str, Tensor]:
        """Each term that has a weight at this step, weighted, by its name; the run's loss is their sum.

        Args:
            counted: the targets whose losses count in this phase; None for all.
        """
        values = {}
        for term in self.terms:
            weight = term.weight_at(step)
            if not weight or (counted is not None and term.on not in counted):
                continue
            prediction, target = restored[term.on], targets[term.on]
            values[term.name] = weight * term.loss(prediction, target, hole)
            if isinstance(term.loss, AdversarialLoss):
                values[f'{term.name}_critic'] = term.loss.critic_loss(prediction.detach(), target, hole)
        return values

    def critics(self) -> list[tuple[nn.Module, Mapping[str, Any]]]:
        """Each critic with the optimizer it asks for: ``dict(type='Adam', lr=...)``, a class of torch.optim."""
        losses = [term.loss for term in self.terms if isinstance(term.loss, AdversarialLoss)]
        return [(loss.critic, loss.critic_optimizer) for loss in losses]
