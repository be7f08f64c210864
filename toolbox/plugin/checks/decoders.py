"""What a decoder promises: one feature of the channels and stride that it tells, from the features of any encoder."""

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

# Channels and strides of a usual encoder, which every decoder must take, and of others, which it may refuse.
_USUAL = ((8, 16, 24, 32, 40), (2, 4, 8, 16, 32))
_OTHERS = (
    ((16, 24, 32, 40), (4, 8, 16, 32)),  # no feature at stride 2, like ConvNeXt and Swin
    ((8, 16, 24), (2, 4, 8)),
    ((8, 16, 24, 32, 40), (2, 4, 8, 16, 16)),  # dilated
    ((8, 8, 16, 24, 32), (1, 2, 4, 8, 16)),
    ((8,), (2,)),
    ((16, 24), (8, 16)),
)
_HEIGHT, _WIDTH = 64, 96


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Decoder`."""
    decoder = make(channels=_USUAL[0], strides=_USUAL[1], in_channels=1)
    problem = _problem(decoder, *_USUAL)
    if problem:
        yield f'{problem}, for features at strides {_USUAL[1]}'
        return
    for channels, strides in _OTHERS:
        try:
            other = make(channels=channels, strides=strides, in_channels=1)
        except ValueError:  # refused, in words
            continue
        problem = _problem(other, channels, strides)
        if problem:
            yield f'{problem}, for features at strides {strides}; raise ValueError in __init__ if it cannot decode them'
    yield from _training_problems(decoder.train())
    decoder.eval()
    inputs = _inputs(3, *_USUAL)
    yield from consistency_problems(lambda x, *features: [decoder(list(features), x)], inputs)
    problem = autocast_problem(lambda x, *features: [decoder(list(features), x)], inputs)
    if problem:
        yield problem


@torch.no_grad()
def _problem(decoder: object, channels: tuple[int, ...], strides: tuple[int, ...]) -> str | None:
    if not isinstance(decoder, nn.Module):
        return f'is a {type(decoder).__name__}; a decoder is a torch.nn.Module, so that it trains and saves'
    for name in ('out_channels', 'out_stride'):
        value = getattr(decoder, name, None)
        if type(value) is not int or value < 1:
            return f'{name} is {value!r}, expected a positive whole number'
    x, *features = _inputs(1, channels, strides)
    given = list(features)
    out = decoder.eval()(features, x)
    if list(map(id, features)) != list(map(id, given)):
        return 'changes the list of features that it is given'
    stride = decoder.out_stride
    return tensor_problem(out, (1, decoder.out_channels, _HEIGHT // stride, _WIDTH // stride), 'the answer')


def _training_problems(decoder: nn.Module) -> Iterator[str]:
    for num_images in (2, 1):
        x, *features = _inputs(num_images, *_USUAL)
        deepest = features[-1].requires_grad_()
        try:
            with torch.random.fork_rng(devices=[]):  # dropout may draw
                out = decoder(features, x)
        except (RuntimeError, ValueError) as error:
            yield f'raises {type(error).__name__} in training on a batch of {num_images}: {error}'
            return
        yield from gradient_problems(decoder, [out], {'the deepest feature': deepest})


def _inputs(num_images: int, channels: tuple[int, ...], strides: tuple[int, ...]) -> list[Tensor]:
    """The image, then the features."""
    features = [random_tensor(num_images, c, _HEIGHT // s, _WIDTH // s) for c, s in zip(channels, strides, strict=True)]
    return [random_tensor(num_images, 1, _HEIGHT, _WIDTH), *features]
