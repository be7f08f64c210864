import pytest
import torch
from torch import nn

from toolbox.plugin.types import Phase
from toolbox.training.phases import PhasePlan


class _InTurns(nn.Module):
    def __init__(self, *phases):
        super().__init__()
        self.gray_net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
        self.color_net = nn.Conv2d(1, 3, 1)
        self._phases = phases

    def phases(self):
        return self._phases


TURNS = (Phase(0.3, ('gray_net',), ('gray',)), Phase(0.7, ('color_net',), ('rgb',)))


def test_steps_are_shared_out():
    plan = PhasePlan(_InTurns(*TURNS))
    starts = [(step, plan.current) for step in range(10) if plan.begin_step(step, 10) or step == 0]
    assert starts == [(0, TURNS[0]), (3, TURNS[1])]
    assert plan.in_last


def test_what_is_frozen_gets_no_gradient_and_keeps_its_statistics():
    layout = _InTurns(*TURNS).train()
    plan = PhasePlan(layout)
    plan.begin_step(9, 10)
    assert not any(parameter.requires_grad for parameter in layout.gray_net.parameters())
    assert all(parameter.requires_grad for parameter in layout.color_net.parameters())
    before = layout.gray_net[1].running_mean.clone()
    layout.color_net(layout.gray_net(torch.rand(2, 1, 4, 4))).mean().backward()
    assert torch.equal(layout.gray_net[1].running_mean, before)
    layout.train()
    plan.apply()
    assert not layout.gray_net.training
    assert layout.color_net.training


def test_a_layout_without_phases_trains_whole():
    layout = nn.Sequential(nn.Conv2d(1, 1, 1))
    plan = PhasePlan(layout)
    assert not plan.begin_step(0, 10)
    assert plan.in_last
    assert all(parameter.requires_grad for parameter in layout.parameters())


@pytest.mark.parametrize(
    ('phases', 'message'),
    [
        ([Phase(0.3, ('gray_net',)), Phase(0.3, ('color_net',))], 'not 1 in sum'),
        ([Phase(1.0, ('gray',))], r"trains \['gray'\], and the networks are \['color_net', 'gray_net'\]"),
    ],
)
def test_phases_that_cannot_be_are_errors(phases, message):
    with pytest.raises(ValueError, match=message):
        PhasePlan(_InTurns(*phases))
