"""Optimizers from a config: of the networks, and of the critics that losses bring."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
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
