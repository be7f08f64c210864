"""What a loss promises: a finite scalar with finite gradients, for every image and hole that training can meet."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from toolbox.nn.loss import REGIONS
from toolbox.plugin.checks import Make, repeatable
from toolbox.plugin.contracts import AdversarialLoss

_SIZES = ((5, 7), (32, 40))


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Loss`.

    A loss that needs three channels says so by a class attribute `needs_color = True`.
    """
    loss = make()
    needs_color = getattr(loss, 'needs_color', False)
    for channels in (3,) if needs_color else (3, 1):
        problems = list(_case_problems(loss, channels))
        yield from problems[:3]  # a broken loss breaks in most cases: the first ones tell
        if problems:
            return
    if needs_color:
        yield from _gray_input_problems(loss)
    yield from _call_problems(loss)
    if 'region' in inspect.signature(type(loss)).parameters:
        yield from _region_problems(make)
    if isinstance(loss, AdversarialLoss) or hasattr(loss, 'critic'):
        yield from _critic_problems(loss)


def _case_problems(loss: Any, channels: int) -> Iterator[str]:
    for height, width in _SIZES:
        target = _image(1, channels, height, width)
        gray = _image(2, 1, height, width).expand(-1, channels, -1, -1).clone()
        predictions = {
            'a random prediction': _image(3, channels, height, width),
            'a gray prediction': gray,
            'a constant prediction': torch.full_like(target, 0.5),
            'a black prediction': torch.zeros_like(target),
            'a prediction beyond [0, 1]': 3 * _image(3, channels, height, width) - 1,
            'a prediction equal to the target': target,
        }
        for what, pred in predictions.items():
            for hole, mask in _masks(height, width).items():
                problem = _value_problem(*_value_and_gradient(loss, pred, target, mask))
                if problem:
                    yield f'{problem}, for {what}, {hole}, {channels} channels of {height}x{width}'


def _value_and_gradient(loss: Any, pred: Tensor, target: Tensor, mask: Tensor) -> tuple[Any, Tensor | None]:
    pred = pred.clone().requires_grad_()
    value = loss(pred, target, mask)
    if isinstance(value, Tensor) and value.ndim == 0 and value.requires_grad:
        value.backward()
    return value, pred.grad


def _value_problem(value: Any, gradient: Tensor | None) -> str | None:
    if not isinstance(value, Tensor) or value.ndim != 0:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        return f'returns {shape}; expected a tensor of one number: the mean over the batch'
    if not value.isfinite():
        return f'returns {value.item()}'
    if gradient is None:
        return 'gives the prediction no gradient; what costs nothing has a gradient of zeros'
    if not gradient.isfinite().all():
        return 'has a gradient that is not finite'
    return None


def _gray_input_problems(loss: Any) -> Iterator[str]:
    gray = _image(1, 1, 32, 40)
    try:
        loss(gray, gray, _masks(32, 40)['a hole'])
    except ValueError:
        return
    yield 'needs_color is set, but one channel is no ValueError'


def _call_problems(loss: Any) -> Iterator[str]:
    arguments = _image(1, 3, 32, 40), _image(2, 3, 32, 40), _masks(32, 40)['a hole']
    copies = [argument.clone() for argument in arguments]
    value = loss(*arguments)
    if not all(map(torch.equal, arguments, copies)):
        yield 'changes its arguments in place'
    if not repeatable(lambda: loss(*arguments).detach()):
        yield 'gives two values for the same images'
    with torch.autocast('cpu', dtype=torch.bfloat16):
        lowered = arguments[0].bfloat16()
        low_value, gradient = _value_and_gradient(loss, lowered, *arguments[1:])
        problem = _value_problem(low_value, gradient)
        if problem:
            yield f'{problem}, for a bfloat16 prediction under autocast'
        elif low_value.dtype != torch.float32:
            yield f'returns {low_value.dtype} under bfloat16 autocast; compute in float32'
        elif not torch.isclose(low_value, value, rtol=0.05, atol=0.01):
            yield f'gives {low_value.item():.4g} under bfloat16 autocast and {value.item():.4g} without'


def _region_problems(make: Make) -> Iterator[str]:
    masks = _masks(32, 40)
    pred, target = _image(1, 3, 32, 40), _image(2, 3, 32, 40)
    empty = {'hole': masks['no hole'], 'known': masks['nothing known']}
    for region in REGIONS:
        loss = make(region=region)
        problem = _value_problem(*_value_and_gradient(loss, pred, target, masks['a hole']))
        if problem:
            yield f'{problem}, for region={region!r}'
        elif region in empty:
            value, gradient = _value_and_gradient(loss, pred, target, empty[region])
            if value != 0 or gradient.any():
                yield f'costs {value.item():.4g} with region={region!r} where there is none; expected 0 and no gradient'
    try:
        make(region='elsewhere')
    except ValueError:
        return
    yield "takes region='elsewhere' without a ValueError"


def _critic_problems(loss: Any) -> Iterator[str]:
    if not isinstance(loss.critic, nn.Module):
        yield f'critic is a {type(loss.critic).__name__}, expected a torch.nn.Module'
        return
    optimizer = getattr(loss, 'critic_optimizer', None)
    if not isinstance(optimizer, Mapping) or 'type' not in optimizer:
        yield f"critic_optimizer is {optimizer!r}, expected dict(type='Adam', lr=...)"
    pred, target, mask = _image(1, 3, 32, 40).requires_grad_(), _image(2, 3, 32, 40), _masks(32, 40)['a hole']
    parameters = list(loss.critic.parameters())
    loss(pred, target, mask).backward()
    if any(parameter.grad is not None for parameter in parameters):
        yield 'leaves gradients in the critic: those belong to critic_loss'
    if not all(parameter.requires_grad for parameter in parameters):
        yield 'leaves the critic frozen'
    pred.grad = None
    value = loss.critic_loss(pred, target, mask)
    if not value.requires_grad:
        yield 'critic_loss has no gradient'
        return
    problem = _value_problem(value, torch.zeros(()))
    if problem:
        yield f'critic_loss {problem}'
        return
    value.backward()
    if pred.grad is not None:
        yield 'critic_loss sends gradients into the prediction; detach it'
    if any(parameter.grad is None or not parameter.grad.isfinite().all() for parameter in parameters):
        yield 'critic_loss gives a parameter of the critic no gradient, or one that is not finite'


def _masks(height: int, width: int) -> dict[str, Tensor]:
    """Batches of two holes; sizes differ where there are any."""
    hole = torch.zeros(2, 1, height, width)
    hole[0, :, 1 : height // 2, 2 : width // 2 + 1] = 1
    speck = torch.zeros_like(hole)
    speck[1, :, 2, 3:5] = 1
    hole[1, :, height // 3 :] = 1
    return {
        'no hole': torch.zeros_like(hole),
        'nothing known': torch.ones_like(hole),
        'a hole': hole,
        'a hole of two pixels beside none': speck,
    }


def _image(seed: int, channels: int, height: int, width: int) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed))
