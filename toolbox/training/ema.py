"""An exponential moving average of the weights, which is what gets validated and saved as the best."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Moving average of a module's parameters and buffers.

    The decay grows with the number of updates, min(decay, (1 + n) / (10 + n)), so that the initial weights are soon
    forgotten (the rule of TensorFlow's `ExponentialMovingAverage`). Whole numbers, like batch counts, are copied.

    Args:
        module: whose weights are averaged.
        decay: in (0, 1).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.updates = 0
        self.average: dict[str, Tensor] = {}
        self.restart()

    def restart(self) -> None:
        """Begin anew from the module's present weights, on its present device."""
        self.average = {name: value.detach().clone() for name, value in self.module.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the module's weights after a step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        present = self.module.state_dict()
        floats = {name: None for name, value in present.items() if value.is_floating_point()}
        torch._foreach_lerp_([self.average[name] for name in floats], [present[name] for name in floats], 1 - decay)
        # Together: one by one, the counts of all BatchNorms would be as many calls to a GPU.
        whole = [name for name in present if name not in floats]
        if whole:
            torch._foreach_copy_([self.average[name] for name in whole], [present[name] for name in whole])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the module has the averaged weights."""
        trained = {name: value.detach().clone() for name, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.average)
        try:
            yield
        finally:
            self.module.load_state_dict(trained)

    def state_dict(self) -> dict[str, dict[str, Tensor] | int]:
        """The average and its number of updates, for a checkpoint."""
        return dict(average=self.average, updates=self.updates)

    def load_state_dict(self, state: Mapping) -> None:
        """Take up where `state_dict` was."""
        for name, value in state['average'].items():
            self.average[name].copy_(value)
        self.updates = state['updates']
