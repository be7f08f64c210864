"""The learning rate at each step, against torch's own schedulers."""

import pytest
import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

from toolbox.training.learning_rate import LearningRate

FINAL_FACTOR = 0.1


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def ours(kind, warmup, steps):
    inner = optimizer()
    schedule = LearningRate(inner, dict(type=kind, warmup_steps=warmup, final_factor=FINAL_FACTOR), steps)
    rates = []
    for step in range(steps):
        schedule.apply(step)
        rates.append(inner.param_groups[0]['lr'])
    return rates


def torchs(kind, warmup, steps):
    inner = optimizer()
    warmup = min(warmup, steps - 1)
    rest = {
        'constant': lambda: ConstantLR(inner, 1.0),
        'cosine': lambda: CosineAnnealingLR(inner, steps - warmup, FINAL_FACTOR),
        'linear': lambda: LinearLR(inner, 1.0, FINAL_FACTOR, max(1, steps - warmup - 1)),
    }[kind]
    if warmup:
        scheduler = SequentialLR(inner, [LinearLR(inner, 1 / (warmup + 1), 1.0, warmup), rest()], [warmup])
    else:
        scheduler = rest()
    rates = []
    for _ in range(steps):
        rates.append(inner.param_groups[0]['lr'])
        inner.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize('kind', ['constant', 'cosine', 'linear'])
@pytest.mark.parametrize('warmup', range(6))
def test_it_is_torchs(kind, warmup):
    for steps in range(1, 11):
        assert ours(kind, warmup, steps) == pytest.approx(torchs(kind, warmup, steps), abs=1e-9), steps


def test_warming_up_ends_at_the_whole_rate():
    assert ours('constant', 3, 5) == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert ours('constant', 1, 3) == pytest.approx([0.5, 1, 1])
