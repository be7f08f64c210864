"""What an encoder promises: features of the channels and strides that it tells, for any number of input channels."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from toolbox.plugin.checks import Make
from toolbox.plugin.checks.modules import (
    autocast_problem,
    consistency_problems,
    gradient_problems,
    random_tensor,
    tensor_problem,
)


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Encoder`."""
    for in_channels in (1, 4):
        encoder = make(in_channels=in_channels)
        problem = _description_problem(encoder) or _shape_problem(encoder, in_channels)
        if problem:
            yield f'{problem}, for {in_channels} input channels'
            return
    side = encoder.size_multiple
    x = random_tensor(2, 4, side, 2 * side).requires_grad_()
    with torch.random.fork_rng(devices=[]):  # dropout may draw
        features = list(encoder.train()(x))
    yield from gradient_problems(encoder, features, {'the input': x})
    images = [random_tensor(3, 4, side, side)]
    encoder.eval()
    yield from consistency_problems(lambda x: list(encoder(x)), images)
    problem = autocast_problem(lambda x: list(encoder(x)), images)
    if problem:
        yield problem


def _description_problem(encoder: object) -> str | None:
    if not isinstance(encoder, nn.Module):
        return f'is a {type(encoder).__name__}; an encoder is a torch.nn.Module, so that it trains and saves'
    for name in ('channels', 'strides'):
        value = getattr(encoder, name, None)
        if not isinstance(value, tuple) or not value or any(type(number) is not int or number < 1 for number in value):
            return f'{name} is {value!r}, expected a tuple of positive whole numbers, one per feature'
    strides, multiple = encoder.strides, getattr(encoder, 'size_multiple', None)
    if len(encoder.channels) != len(strides):
        return f'tells {len(encoder.channels)} channels and {len(strides)} strides, expected as many'
    if list(strides) != sorted(strides):
        return f'strides are {strides}, expected them shallow to deep'
    if type(multiple) is not int or multiple < 1 or any(multiple % stride for stride in strides):
        return f'size_multiple is {multiple!r}, expected a whole number that all strides {strides} divide'
    return None


@torch.no_grad()
def _shape_problem(encoder: nn.Module, in_channels: int) -> str | None:
    """Sides of one and of two multiples, in both orders, beside each other."""
    encoder.eval()
    side = encoder.size_multiple
    for height, width in ((side, 2 * side), (2 * side, side)):
        features = encoder(random_tensor(1, in_channels, height, width))
        problem = _features_problem(encoder, features, height, width)
        if problem:
            return f'{problem}, for an image {height}x{width}'
    return None


def _features_problem(encoder: nn.Module, features: list[Tensor], height: int, width: int) -> str | None:
    if not isinstance(features, list | tuple) or len(features) != len(encoder.channels):
        return f'returns {type(features).__name__}, expected a list of {len(encoder.channels)} features'
    for index, (feature, channels, stride) in enumerate(zip(features, encoder.channels, encoder.strides, strict=True)):
        problem = tensor_problem(feature, (1, channels, height // stride, width // stride), f'feature {index}')
        if problem:
            return problem
    return None
