"""What a metric promises: a row per image whatever the batch, finite for any image, reduced alike in any order."""

import math
import pickle
from collections.abc import Iterator
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from toolbox.plugin.checks import Make

Images = tuple[Tensor, Tensor, Tensor]


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Metric`."""
    metric = make()
    yield from _naming_problems(metric)
    for what, images in _cases().items():
        problem = _rows_problem(metric, images)
        if problem:
            yield f'{problem}, for {what}'
            return
    yield from _independence_problems(metric)
    yield from _reduction_problems(metric)


def _cases() -> dict[str, Images]:
    """Prediction, truth and hole: what a metric meets, and what formulas are undefined for."""
    prediction, truth, hole = _images(3, 24, 31)
    gray = truth[:, :1].expand(-1, 3, -1, -1).contiguous()
    pixel = tuple(tensor[..., :1, :1].clone() for tensor in (prediction, truth, hole))
    return {
        'noisy restorations': (prediction, truth, hole),
        'perfect restorations': (truth, truth, hole),
        'gray predictions': (gray, truth, hole),
        'constant predictions': (torch.full_like(truth, 128), truth, hole),
        'constant truths': (prediction, torch.full_like(truth, 128), hole),
        'no hole': (prediction, truth, torch.zeros_like(hole)),
        'nothing but hole': (prediction, truth, torch.ones_like(hole)),
        'images of one pixel': pixel,
    }


def _images(number: int, height: int, width: int) -> Images:
    generator = torch.Generator().manual_seed(236420)
    truth = torch.randint(0, 256, (number, 3, height, width), dtype=torch.uint8, generator=generator)
    noise = torch.randint(-30, 31, truth.shape, generator=generator)
    prediction = (truth + noise).clamp(0, 255).to(torch.uint8)
    hole = torch.zeros(number, 1, height, width, dtype=torch.uint8)
    for index in range(number):
        hole[index, :, 2 : 6 + 3 * index, 3:15] = 1
    return prediction, truth, hole


def _naming_problems(metric: Any) -> Iterator[str]:
    if not isinstance(getattr(metric, 'name', None), str) or not metric.name:
        yield 'has no `name`, the key of the reduced value that ranks'
    if not isinstance(getattr(metric, 'higher_is_better', None), bool):
        yield 'does not say whether `higher_is_better`, True or False'


def _rows_problem(metric: Any, images: Images) -> str | None:
    before = [tensor.clone() for tensor in images]
    rows = metric.rows(*images)
    if not all(map(torch.equal, before, images)):
        return 'changes its inputs'
    if len(rows) != len(images[0]):
        return f'returns {len(rows)} rows for {len(images[0])} images'
    for row in rows:
        broken = [key for key, value in row.items() if isinstance(value, Real) and not math.isfinite(value)]
        if broken:
            return f'gives {broken[0]} = {row[broken[0]]}; define the value and say so in the documentation'
    if metric.rows(*images) != rows:
        return 'gives other rows when asked again'
    return None


def _independence_problems(metric: Any) -> Iterator[str]:
    images = _images(4, 20, 27)
    rows = metric.rows(*images)
    singly = [metric.rows(*(tensor[i : i + 1] for tensor in images))[0] for i in range(4)]
    if rows != singly:
        yield 'gives an image another row in another batch'
    transposed = [tensor.transpose(2, 3).contiguous().transpose(2, 3) for tensor in images]
    if metric.rows(*transposed) != rows:
        yield 'gives other rows for tensors that are not contiguous'
    if pickle.loads(pickle.dumps(rows)) != rows:
        yield 'gives rows that do not survive pickling, by which they travel between processes'


def _reduction_problems(metric: Any) -> Iterator[str]:
    prediction, truth, hole = _images(5, 20, 27)
    rows = metric.rows(prediction, truth, hole)
    reduced = metric.reduce(rows)
    for key, value in reduced.items():
        if not isinstance(value, Real) or not math.isfinite(value):
            yield f'reduces {key} to {value!r}, expected a finite number'
    if metric.name not in reduced:
        yield f'does not reduce to its own name {metric.name!r}, by which it ranks; keys: {", ".join(reduced)}'
        return
    for order in (rows[::-1], rows[2:] + rows[:2]):
        if metric.reduce(order) != reduced:
            yield 'reduces the same rows in another order to another value; add up with math.fsum'
            break
    perfect = metric.reduce(metric.rows(truth, truth, hole))[metric.name]
    if perfect == reduced[metric.name] or (perfect > reduced[metric.name]) != metric.higher_is_better:
        yield (
            f'ranks the truth itself ({perfect:g}) no better than a noisy copy ({reduced[metric.name]:g}) '
            f'with higher_is_better={metric.higher_is_better}'
        )
