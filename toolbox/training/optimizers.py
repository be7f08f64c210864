"""Optimizers and learning rate schedules from a config."""

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from toolbox.nn.network import Network
from toolbox.training.objective import Objective


def build_optimizer(
    config: Mapping[str, Any], module: nn.Module, encoder_lr_factor: float = 1.0
) -> torch.optim.Optimizer:
    """The optimizer that ``dict(type='AdamW', lr=1e-4, options)`` asks for, over a module's parameters.

    Its fused kernels are used where torch has them, unless the options choose another implementation.

    Args:
        config: of the optimizer.
        module: a layout, or another module without networks of ours.
        encoder_lr_factor: learning rate of the networks' encoders, as a share of the others'. Unless it is 1, they are
            a group of their own, the second.
    """
    optimizer = getattr(torch.optim, config['type'])
    options = {key: value for key, value in config.items() if key != 'type'}
    chosen = {'fused', 'foreach', 'capturable', 'differentiable'} & options.keys()
    if not chosen and 'fused' in inspect.signature(optimizer).parameters:
        options['fused'] = True
    if encoder_lr_factor == 1:
        return optimizer(module.parameters(), **options)
    networks = (network for network in module.modules() if isinstance(network, Network))
    encoders = dict.fromkeys(weight for network in networks for weight in network.encoder.parameters())
    others = [weight for weight in module.parameters() if weight not in encoders]
    groups = [{'params': others}, {'params': list(encoders), 'lr': encoder_lr_factor * options['lr']}]
    return optimizer([group for group in groups if group['params']], **options)


def build_critic_optimizers(objective: Objective) -> list[torch.optim.Optimizer]:
    """The optimizers that the losses' critics ask for."""
    return [build_optimizer(options, critic) for critic, options in objective.critics()]


def run_length(train_cfg: Mapping[str, Any], steps_per_epoch: int) -> tuple[int, int]:
    """Epochs and steps of a run; where `max_steps` ends it, the last epoch is cut short."""
    steps = train_cfg['max_epochs'] * steps_per_epoch
    if train_cfg['max_steps'] is not None:
        steps = min(steps, train_cfg['max_steps'])
    return -(-steps // steps_per_epoch), steps


def learning_rate_schedule(config: Config, steps_per_epoch: int) -> list[dict[str, Any]]:
    """mmengine schedulers, by step, for the config's `lr_schedule`.

    Step i of w steps of warm-up has (i + 1) / (w + 1) of the learning rate, and step w all of it. A cosine would reach
    `final_factor` one step after the run, as torch's does; a line reaches it at the last step.
    """
    schedule = config.lr_schedule
    _, total = run_length(config.train_cfg, steps_per_epoch)
    warmup = min(schedule.warmup_steps, total - 1)
    schedulers = []
    if warmup:
        # mmengine's `end` is one step after the one that has `end_factor`.
        first = dict(type='LinearLR', start_factor=1 / (warmup + 1), by_epoch=False, begin=0, end=warmup + 1)
        schedulers.append(first)
    rest = dict(by_epoch=False, begin=warmup, end=total)
    if schedule.type == 'cosine':
        factor = schedule.final_factor
        schedulers.append(dict(type='CosineAnnealingLR', T_max=total - warmup, eta_min_ratio=factor, **rest))
    elif schedule.type == 'linear':
        schedulers.append(dict(type='LinearLR', start_factor=1.0, end_factor=schedule.final_factor, **rest))
    return schedulers


def move_schedule(
    schedulers: Sequence[Any], optimizer: torch.optim.Optimizer, first: Sequence[Mapping[str, Any]], step: int
) -> None:
    """Bring schedulers from their start to a step: the rates there are those of a run that had them throughout.

    Args:
        schedulers: mmengine's, newly built.
        optimizer: theirs.
        first: its groups as they were with the schedule at its start.
        step: of the run.
    """
    for group, fresh in zip(optimizer.param_groups, first, strict=True):
        group.update({key: fresh[key] for key in fresh if key in ('lr', 'initial_lr')})
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # mmengine misses the optimizer's steps, which were taken long ago
        for _ in range(step):
            for scheduler in schedulers:
                scheduler.step()
