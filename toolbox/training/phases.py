"""Training in turns: which networks of a layout train at a step, and which losses count."""

from torch import nn

from toolbox.plugin.contracts import PhasedLayout
from toolbox.plugin.types import Phase


class PhasePlan:
    """The phases of a layout over a run; a layout without any trains whole from the first step to the last.

    Args:
        layout: a stage layout; asked for its `phases()` where it has them.

    Raises:
        ValueError: shares that do not add up to 1, or a network that the layout does not have.
    """

    def __init__(self, layout: nn.Module) -> None:
        self.layout = layout
        self.phases: tuple[Phase, ...] = tuple(layout.phases()) if isinstance(layout, PhasedLayout) else ()
        self.current: Phase | None = None
        if not self.phases:
            return
        name = type(layout).__name__
        if abs(sum(phase.share for phase in self.phases) - 1) > 1e-6:
            raise ValueError(
                f'{name}: the shares of its phases are {[phase.share for phase in self.phases]}, not 1 in sum'
            )
        networks = dict(layout.named_children())
        for phase in self.phases:
            missing = set(phase.trainable) - set(networks)
            if missing:
                raise ValueError(f'{name}: a phase trains {sorted(missing)}, and the networks are {sorted(networks)}')

    def begin_step(self, step: int, total_steps: int) -> bool:
        """Switch to the phase that step `step` of `total_steps` belongs to; whether it is another one than before."""
        due = self._at(step, total_steps)
        if due is self.current:
            return False
        changed = self.current is not None
        self.current = due
        self.apply()
        return changed

    def apply(self) -> None:
        """Freeze what does not train in the current phase, and thaw what does; called again after `train()`."""
        if self.current is not None:
            for name, network in self.layout.named_children():
                trains = name in self.current.trainable
                network.requires_grad_(trains)
                network.train(trains and self.layout.training)

    @property
    def in_last(self) -> bool:
        """Whether no further phase follows."""
        return not self.phases or self.current is self.phases[-1]

    def _at(self, step: int, total_steps: int) -> Phase | None:
        end = 0.0
        for phase in self.phases:
            end += phase.share
            if step < round(end * total_steps):
                return phase
        return self.phases[-1] if self.phases else None
