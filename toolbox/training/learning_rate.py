"""The learning rate at each step, a pure function of the step: a resumed run needs no memory of it."""

import math
from collections.abc import Mapping
from typing import Any

import torch


def run_length(train_cfg: Mapping[str, Any], steps_per_epoch: int) -> tuple[int, int]:
    """Epochs and steps of a run; where `max_steps` ends it, the last epoch is cut short."""
    steps = train_cfg['max_epochs'] * steps_per_epoch
    if train_cfg['max_steps'] is not None:
        steps = min(steps, train_cfg['max_steps'])
    return -(-steps // steps_per_epoch), steps


class LearningRate:
    """A schedule for the parameter groups of an optimizer, each from its own learning rate.

    Step i of w steps of warm-up has (i + 1) / (w + 1) of the learning rate, and step w all of it. A cosine would reach
    `final_factor` one step after the run, as torch's does; a line reaches it at the last step.

    Args:
        optimizer: with the learning rates that the schedule scales.
        schedule: the config's `lr_schedule`: `type` ('constant', 'cosine' or 'linear'), `warmup_steps` and
            `final_factor`.
        total_steps: of the run.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: Mapping[str, Any], total_steps: int) -> None:
        self.optimizer = optimizer
        self.type = schedule['type']
        self.final_factor = schedule['final_factor']
        self.warmup = min(schedule['warmup_steps'], total_steps - 1)
        self.total_steps = total_steps
        self._rates = [group['lr'] for group in optimizer.param_groups]

    def factor(self, step: int) -> float:
        """The share of its learning rate that a group has at a step, counted from 0."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        passed, length = step - self.warmup, self.total_steps - self.warmup
        if self.type == 'cosine':
            return self.final_factor + (1 - self.final_factor) * (1 + math.cos(math.pi * passed / length)) / 2
        if self.type == 'linear':
            return 1 + (self.final_factor - 1) * passed / max(1, length - 1)
        return 1.0

    def apply(self, step: int) -> None:
        """Give the optimizer the learning rates of a step."""
        factor = self.factor(step)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group['lr'] = factor * rate
