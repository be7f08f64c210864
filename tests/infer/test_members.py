"""Weights of models, and models of averaged weights."""

import pytest
import torch

from tests.infer.support import save_random_model
from toolbox.infer.averaging import average_checkpoints
from toolbox.infer.members import load_members
from toolbox.training.checkpoint import read_checkpoint, save_checkpoint


@pytest.fixture(scope='module')
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp('three')
    return [save_random_model(folder / f'{seed}.pth', seed=seed, score=(seed + 1) / 10) for seed in range(3)]


@pytest.mark.parametrize(
    ('weights', 'expected'),
    [(None, [1 / 3, 1 / 3, 1 / 3]), ([2, 1, 1], [0.5, 0.25, 0.25]), ('score', [1 / 6, 1 / 3, 1 / 2])],
)
def test_shares(three, weights, expected):
    assert [member.weight for member in load_members(three, weights)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        ([1, 2], '2 weights for 3 checkpoints'),
        ([1, 0, 1], 'expected positive numbers'),
        ([1, float('nan'), 1], 'expected positive numbers'),
        ('best', "or 'score'"),
    ],
)
def test_weights_that_do_not_fit(three, weights, message):
    with pytest.raises(ValueError, match=message):
        load_members(three, weights)


def test_a_score_that_nobody_measured(three, tmp_path):
    fresh = save_random_model(tmp_path / 'fresh.pth', score=None)
    with pytest.raises(ValueError, match=r'fresh\.pth holds no positive validation score'):
        load_members([*three, fresh], 'score')


def test_averaged_weights(three, tmp_path):
    content = average_checkpoints(three, [1, 1, 2])
    states = [read_checkpoint(checkpoint)['model'] for checkpoint in three]
    for name, value in content['model'].items():
        expected = (states[0][name].double() + states[1][name] + 2 * states[2][name]) / 4
        assert value.dtype == states[0][name].dtype
        assert torch.allclose(value.double(), expected, atol=1e-7)
    save_checkpoint(content, tmp_path / 'average.pth')
    assert read_checkpoint(tmp_path / 'average.pth')['metrics'] == {}
    (member,) = load_members([content])
    with member.loaded() as model:
        assert torch.equal(model.layout.state_dict()[name], content['model'][name])


def test_averaging_by_score_and_of_one(three):
    by_score, by_hand = average_checkpoints(three, 'score'), average_checkpoints(three, [1, 2, 3])
    assert all(torch.allclose(by_score['model'][name], value) for name, value in by_hand['model'].items())
    alone = average_checkpoints(three[:1])['model']
    assert all(torch.equal(alone[name], value) for name, value in read_checkpoint(three[0])['model'].items())


def test_counters_are_not_averaged(tmp_path):
    options = ('model.encoder.type=TimmEncoder', 'model.encoder.name=test_resnet', 'model.encoder.weights=None')
    paths = [save_random_model(tmp_path / f'{seed}.pth', *options, seed=seed) for seed in range(2)]
    model = average_checkpoints(paths)['model']
    counters = [value for value in model.values() if not value.is_floating_point()]
    assert counters
    assert all(value.dtype == torch.int64 for value in counters)


def test_different_architectures_have_no_average(three, tmp_path):
    other = save_random_model(tmp_path / 'other.pth', 'model.layout.type=OneStage')
    with pytest.raises(ValueError, match=r'other\.pth cannot be averaged.*without --average-checkpoints'):
        average_checkpoints([three[0], other])
    with pytest.raises(ValueError, match='no checkpoints'):
        average_checkpoints([])
