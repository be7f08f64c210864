"""What a layout promises: an image restored, and, for each target that it names, a prediction that learns."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from toolbox.plugin.checks import Make
from toolbox.plugin.checks.modules import consistency_problems, gradient_problems, random_image, tensor_problem
from toolbox.plugin.contracts import PhasedLayout
from toolbox.plugin.types import Batch, Output, Restored

_HEIGHT, _WIDTH = 12, 20


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Layout`."""
    layout = make(make_network=_small_network)
    if not isinstance(layout, nn.Module):
        yield f'is a {type(layout).__name__}; a layout is a torch.nn.Module, so that it trains and saves'
        return
    if not any(isinstance(module, _SmallNetwork) for module in layout.modules()):
        yield 'has no network of make_network(in_channels, outputs); keep each as an attribute'
        return
    for hole in ('part', 'nothing', 'everything'):
        problem = _answer_problem(layout, _batch(2, hole))
        if problem:
            yield f'{problem}, where the hole is {hole} of the image'
            return
    yield from _learning_problems(layout.train())
    yield from _phase_problems(layout)
    batch = _batch(3, 'part')
    layout.eval()
    yield from consistency_problems(lambda damaged, mask: [layout(damaged, mask).rgb], [batch.damaged, batch.mask])


def _answer_problem(layout: nn.Module, batch: Batch) -> str | None:
    for training in (True, False):
        layout.train(training)
        restored, targets = layout(batch.damaged, batch.mask), layout.targets(batch)
        if not isinstance(restored, Restored):
            return f'returns a {type(restored).__name__}, expected toolbox.contracts.Restored'
        problem = tensor_problem(restored.rgb, (2, 3, _HEIGHT, _WIDTH), 'rgb')
        if problem is None and restored.gray is not None:
            problem = tensor_problem(restored.gray, (2, 1, _HEIGHT, _WIDTH), 'gray')
        if problem:
            return problem
        if 'rgb' not in targets:
            return f"targets() names {sorted(targets)}, and not 'rgb', which every layout predicts"
        for name, target in targets.items():
            problem = _target_problem(restored, name, target)
            if problem:
                return problem
    return None


def _target_problem(restored: Restored, name: str, target: object) -> str | None:
    if not isinstance(target, Tensor):
        return f'targets()[{name!r}] is a {type(target).__name__}, expected a tensor'
    try:
        prediction = restored[name]
    except KeyError:
        return f'targets() names {name!r}, and the answer has no such prediction; put it into Restored.extra'
    return tensor_problem(prediction, tuple(target.shape), f'the prediction of target {name!r}')


def _learning_problems(layout: nn.Module) -> Iterator[str]:
    """Every target teaches something, and all together teach every parameter."""
    batch = _batch(2, 'part')
    restored, targets = layout(batch.damaged, batch.mask), layout.targets(batch)
    for name in targets:
        if not restored[name].requires_grad:
            yield f'a loss on {name!r} would teach nothing: the prediction has no gradient'
            return
    yield from gradient_problems(layout, [restored[name] for name in targets], {})


def _phase_problems(layout: nn.Module) -> Iterator[str]:
    """Turns, where a layout has them: they fill the run, and each trains something by losses that there are."""
    phases = layout.phases() if isinstance(layout, PhasedLayout) else ()
    if not phases:
        return
    shares = [phase.share for phase in phases]
    if any(share <= 0 for share in shares) or not math.isclose(sum(shares), 1):
        yield f'the shares of its phases are {shares}, expected positive numbers that add up to 1'
    batch = _batch(2, 'part')
    targets = layout.targets(batch)
    for number, phase in enumerate(phases, start=1):
        for name in phase.trainable:
            if not isinstance(getattr(layout, name, None), nn.Module):
                yield f'phase {number} trains {name!r}, and the layout has no network of that name'
                return
        for name in phase.losses or ():
            if name not in targets:
                yield f'phase {number} counts losses on {name!r}, and targets() names {sorted(targets)}'
                return
        yield from _phase_gradient_problems(layout, number, phase.trainable, phase.losses or tuple(targets))
    trained = {name for phase in phases for name in phase.trainable}
    for name, child in layout.named_children():
        if name not in trained and any(True for _ in child.parameters()):
            yield f'no phase trains {name!r}'


def _phase_gradient_problems(
    layout: nn.Module, number: int, trainable: tuple[str, ...], losses: tuple[str, ...]
) -> Iterator[str]:
    batch = _batch(2, 'part')
    restored = layout(batch.damaged, batch.mask)
    layout.zero_grad(set_to_none=True)
    sum(restored[name].square().mean() for name in losses).backward()
    for name in trainable:
        if any(parameter.grad is None for parameter in getattr(layout, name).parameters()):
            yield f'in phase {number}, its losses {losses} give {name!r} no gradient'
    layout.zero_grad(set_to_none=True)


def _batch(num_images: int, hole: str) -> Batch:
    mask = torch.full((num_images, 1, _HEIGHT, _WIDTH), float(hole == 'everything'))
    if hole == 'part':
        mask[..., 2:9, 3:12] = 1
    rgb = random_image(num_images, 3, _HEIGHT, _WIDTH, seed=1)
    gray = random_image(num_images, 1, _HEIGHT, _WIDTH, seed=2)
    names = [f'image {number}' for number in range(num_images)]
    return Batch(names, damaged=torch.where(mask > 0, 0.3, gray), mask=mask, gray=gray, rgb=rgb, hole=mask)


class _SmallNetwork(nn.Module):
    """One convolution for all outputs, then one each."""

    def __init__(self, in_channels: int, outputs: int | Output | Mapping[str, Output]) -> None:
        super().__init__()
        self._is_single = not isinstance(outputs, Mapping)
        named = {'': Output(outputs) if isinstance(outputs, int) else outputs} if self._is_single else outputs
        self._strides = {name: output.stride for name, output in named.items()}
        self.body = nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.GELU())
        self.heads = nn.ModuleDict(
            {f'head {name}': nn.Conv2d(8, output.channels, 3, padding=1) for name, output in named.items()}
        )

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        y = self.body(x)
        sizes = {
            name: [1, 1] if stride is None else [-(-side // stride) for side in x.shape[-2:]]
            for name, stride in self._strides.items()
        }
        answers = {
            name: nn.functional.adaptive_avg_pool2d(self.heads[f'head {name}'](y), size) for name, size in sizes.items()
        }
        return answers[''] if self._is_single else answers


def _small_network(in_channels: int, outputs: int | Output | Mapping[str, Output], name: str = '') -> nn.Module:
    return _SmallNetwork(in_channels, outputs)
