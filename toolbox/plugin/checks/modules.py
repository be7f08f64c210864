"""What the checks of several kinds of network parts ask alike."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


def random_tensor(*shape: int, seed: int = 0) -> Tensor:
    """Normally distributed, equal for equal arguments, and drawn from a generator of its own."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_image(*shape: int, seed: int = 0) -> Tensor:
    """Uniform in [0, 1], as above."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def tensor_problem(value: object, shape: tuple[int, ...], name: str) -> str | None:
    """What is wrong with a value that is to be a finite float32 tensor of a shape."""
    if not isinstance(value, Tensor):
        return f'{name} is a {type(value).__name__}, expected a tensor'
    if value.shape != shape:
        return f'{name} has shape {tuple(value.shape)}, expected {shape}'
    if value.dtype != torch.float32:
        return f'{name} is {value.dtype}, expected torch.float32 as the input'
    if not value.isfinite().all():
        return f'{name} holds values that are not finite'
    return None


def gradient_problems(module: nn.Module, outputs: list[Tensor], inputs: dict[str, Tensor]) -> Iterator[str]:
    """Whether the outputs, all together, give the inputs and each trainable parameter a finite gradient."""
    # Random weights, because the plain sum of what a norm returns is constant.
    score = sum((output * random_tensor(*output.shape, seed=1)).mean() for output in outputs)
    if not score.requires_grad:
        yield 'gives no gradient at all in training; nothing would learn'
        return
    module.zero_grad(set_to_none=True)
    score.backward()
    for name, x in inputs.items():
        if x.grad is None or not x.grad.isfinite().all() or not x.grad.any():
            yield f'gives {name} no gradient, or one that is not finite'
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.isfinite().all()):
            yield (
                f'gives parameter {name} no gradient, or one that is not finite; '
                'remove it, or set requires_grad=False: training on several GPUs waits for it forever'
            )


@torch.no_grad()
def consistency_problems(call: Callable[..., list[Tensor]], inputs: list[Tensor]) -> Iterator[str]:
    """Whether a call without training is repeatable, changes no input, and restores image by image.

    Args:
        call: takes tensors, the first dimension counting images, and returns some.
        inputs: tensors of three images.
    """
    before = [x.clone() for x in inputs]
    outputs = call(*inputs)
    if not all(map(torch.equal, inputs, before)):
        yield 'changes its input in place'
        return
    if not all(map(torch.equal, outputs, call(*inputs))):
        yield 'gives two answers to one input outside of training'
    images = [call(*(x[image : image + 1] for x in inputs)) for image in range(3)]
    if not _close(outputs, [torch.cat(parts) for parts in zip(*images, strict=True)]):
        yield 'mixes the images of a batch outside of training: an image restored alone comes out different'
    if not _close(outputs, call(*(x.contiguous(memory_format=torch.channels_last) for x in inputs))):
        yield 'gives another answer to the same values in channels_last memory format'


@torch.no_grad()
def autocast_problem(call: Callable[..., list[Tensor]], inputs: list[Tensor]) -> str | None:
    """Whether a call works under bfloat16 autocast, as networks run on GPUs."""
    try:
        with torch.autocast('cpu', dtype=torch.bfloat16):
            outputs = call(*inputs)
    except RuntimeError as error:
        return f'fails under bfloat16 autocast: {error}'
    return None if all(output.isfinite().all() for output in outputs) else 'is not finite under bfloat16 autocast'


def _close(outputs: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.allclose(one, other, atol=1e-4) for one, other in zip(outputs, others, strict=True))
