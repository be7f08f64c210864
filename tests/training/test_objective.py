import pytest
import torch

from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.types import Batch, Restored
from toolbox.training.objective import Objective, Term

discover_plugins()


class _TwoTargets:
    def targets(self, batch):
        return dict(rgb=batch.rgb, gray=batch.gray)


def test_terms_are_weighted_and_named():
    batch = Batch.blank(8, 8)
    restored = Restored(batch.rgb + 0.1, batch.gray - 0.2)
    objective = Objective(
        [dict(type='L1', on='rgb', weight=2.0), dict(type='MSE', on='gray', weight=0.5)], _TwoTargets()
    )
    values = objective(restored, _TwoTargets().targets(batch), batch.hole, step=0)
    assert {name: round(value.item(), 6) for name, value in values.items()} == {
        'loss_L1_rgb': 0.2,
        'loss_MSE_gray': 0.02,
    }


def test_a_weight_starts_and_ramps_by_the_global_step():
    term = Term(dict(type='L1', on='rgb', weight=1.0, start=10, ramp=4))
    assert [term.weight_at(step) for step in (0, 9, 10, 11, 13, 14, 1000)] == [0, 0, 0.2, 0.4, 0.8, 1.0, 1.0]
    constant = Term(dict(type='L1', on='rgb', weight=0.3))
    assert {constant.weight_at(step) for step in (0, 1, 99)} == {0.3}


def test_equal_terms_get_names_of_their_own():
    objective = Objective([dict(type='L1', on='rgb')] * 2, _TwoTargets())
    assert [term.name for term in objective.terms] == ['loss_L1_rgb', 'loss_L1_rgb_1']


def test_a_loss_on_what_the_layout_does_not_predict_is_an_error():
    with pytest.raises(ValueError, match=r"model.losses.0.on: _TwoTargets predicts no 'grey'; did you mean 'gray'"):
        Objective([dict(type='L1', on='grey')], _TwoTargets())


def test_gradients_reach_the_prediction():
    batch = Batch.blank(8, 8)
    rgb = (batch.rgb + 0.1).requires_grad_()
    objective = Objective([dict(type='MSE', on='rgb')], _TwoTargets())
    sum(objective(Restored(rgb), _TwoTargets().targets(batch), batch.hole, 0).values()).backward()
    assert torch.isfinite(rgb.grad).all()
    assert rgb.grad.abs().sum() > 0
