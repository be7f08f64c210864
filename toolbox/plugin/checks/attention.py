"""What an attention block promises: same shape and dtype out as in, for any channels and sizes, image by image."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from toolbox.plugin.checks import Make, repeatable

_CHANNELS = (1, 3, 8, 40)
_SIZES = ((1, 1), (5, 7), (16, 16))


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Attention`."""
    for channels in _CHANNELS:
        block = make(channels=channels)
        if not isinstance(block, nn.Module):
            yield f'is a {type(block).__name__}; an attention block is a torch.nn.Module, so that it trains and saves'
            return
        for height, width in _SIZES:
            problem = _training_problem(block.train(), _features(1, channels, height, width))
            if problem:
                yield f'{problem}, for {channels} channels at {height}x{width}'
                return
    block = make(channels=8)
    yield from _training_problems(block.train())
    yield from _evaluation_problems(block.eval())


def _training_problem(block: nn.Module, x: Tensor) -> str | None:
    """What is wrong with the answer to one batch of one image in training, the hardest case for a norm."""
    try:
        y = block(x)
    except (RuntimeError, ValueError) as error:
        return f'raises {type(error).__name__} in training on a batch of one: {error}'
    return _answer_problem(x, y)


def _answer_problem(x: Tensor, y: Any) -> str | None:
    if not isinstance(y, Tensor):
        return f'returns a {type(y).__name__}, expected a tensor'
    if y.shape != x.shape:
        return f'returns shape {tuple(y.shape)} for input {tuple(x.shape)}; expected the same'
    if y.dtype != x.dtype:
        return f'returns {y.dtype} for {x.dtype}; expected the same'
    if not y.isfinite().all():
        return 'returns values that are not finite'
    return None


def _training_problems(block: nn.Module) -> Iterator[str]:
    x = _features(2, 8, 6, 5).requires_grad_()
    y = block(x)
    if y.requires_grad:
        y.square().mean().backward()
    if x.grad is None or not x.grad.isfinite().all() or not x.grad.any():
        yield 'gives its input no gradient, or one that is not finite; the encoder before it would not learn'
    for name, parameter in block.named_parameters():
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.isfinite().all()):
            yield f'gives parameter {name} no gradient, or one that is not finite'


@torch.no_grad()
def _evaluation_problems(block: nn.Module) -> Iterator[str]:
    x = _features(3, 8, 6, 5)
    before = x.clone()
    y = block(x)
    if not torch.equal(x, before):
        yield 'changes its input in place'
        return
    if not repeatable(lambda: block(x)):
        yield 'gives two answers to one input in eval mode'
    alone = torch.cat([block(image) for image in x.split(1)])
    if not torch.allclose(alone, y, atol=1e-5):
        yield 'mixes the images of a batch in eval mode: an image restored alone comes out different'
    strided = block(x.contiguous(memory_format=torch.channels_last))
    if not torch.allclose(strided, y, atol=1e-5):
        yield 'gives another answer to the same values in channels_last memory format'
    with torch.autocast('cpu', dtype=torch.bfloat16):
        for dtype in (torch.float32, torch.bfloat16):
            problem = _answer_problem(x.to(dtype), block(x.to(dtype)))
            if problem:
                yield f'{problem}, under bfloat16 autocast'


def _features(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))
