"""Ensembles: the mean of what the models say one by one."""

import numpy as np
import pytest
import torch

from tests.infer.support import damaged_scene, save_random_model
from toolbox.infer.ensemble import Ensemble
from toolbox.infer.members import load_members
from toolbox.infer.photo import PreparedPhoto
from toolbox.infer.symmetries import SYMMETRIES

LAYOUTS = ('TwoStage', 'OneStage', 'Chroma', 'MaskAware', 'TwoStageSequential')


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints')
    return [
        save_random_model(folder / f'{seed}.pth', f'model.layout.type={layout}', seed=seed, score=0.1 + seed / 10)
        for seed, layout in enumerate(LAYOUTS)
    ]


def working(ensemble, height=37, width=45, num=2):
    """A batch of photographs at the size of each scale of an ensemble."""
    photos = [PreparedPhoto(*damaged_scene(seed, height, width)) for seed in range(num)]
    for photo in photos:
        for scale in ensemble.scales:
            photo.prepare(scale)
    return {
        scale: tuple(
            torch.from_numpy(np.stack([photo.working[scale][part] for photo in photos]))[:, None] for part in (0, 1)
        )
        for scale in ensemble.scales
    }


def mean(ensemble, **size):
    batch = working(ensemble, **size)
    height, width = size.get('height', 37), size.get('width', 45)
    return ensemble.means([batch], [ensemble.reference_scale(height, width)])[0]


def test_five_models_and_eight_symmetries_are_the_mean_of_the_separate_outputs(checkpoints):
    members = load_members(checkpoints, weights=[1, 2, 3, 4, 5])
    together = mean(Ensemble(members, 'd4'))
    separate = torch.zeros_like(together, dtype=torch.float64)
    for member, weight in zip(load_members(checkpoints), [1, 2, 3, 4, 5], strict=True):
        ((damaged, mask),) = working(Ensemble([member])).values()
        with member.loaded() as model, torch.no_grad():
            for symmetry in SYMMETRIES['d4']:
                seen = symmetry.apply(damaged).float() / 255, symmetry.apply(mask).float()
                separate += symmetry.undo(model.restore(*seen).rgb).double() * weight / 15 / 8
    assert (together - separate).abs().max() < 1e-6


def test_one_model_alone_is_not_touched(checkpoints):
    (member,) = load_members(checkpoints[:1])
    ensemble = Ensemble([member])
    ((damaged, mask),) = working(ensemble).values()
    with member.loaded() as model, torch.no_grad():
        expected = model.restore(damaged.float().div_(255), mask.float()).rgb
    assert torch.equal(mean(ensemble), expected)


def test_flip_makes_the_mean_symmetric(checkpoints):
    ensemble = Ensemble(load_members(checkpoints[:2]), 'flip')
    batch = working(ensemble, 32, 40)
    flipped = {scale: tuple(image.flip(-1) for image in images) for scale, images in batch.items()}
    ((scale, _),) = batch.items()
    straight, turned = ensemble.means([batch, flipped], [scale, scale])
    assert torch.allclose(straight, turned.flip(-1), atol=1e-5)


def test_models_loaded_one_at_a_time_say_the_same(checkpoints):
    kept, reloaded = load_members(checkpoints), load_members(checkpoints, max_bytes=0)
    assert Ensemble(kept).stays_loaded
    assert not any(member.is_kept for member in reloaded)
    assert torch.equal(mean(Ensemble(kept)), mean(Ensemble(reloaded)))


def test_models_that_work_at_different_sizes(tmp_path):
    small = save_random_model(tmp_path / 'small.pth', 'data.size=24', seed=1)
    large = save_random_model(tmp_path / 'large.pth', 'data.size=40', seed=2)
    size = dict(height=80, width=100)
    both = mean(Ensemble(load_members([small, large])), **size)
    alone = [mean(Ensemble(load_members([checkpoint])), **size) for checkpoint in (small, large)]
    assert [tuple(each.shape[-2:]) for each in alone] == [(24, 30), (40, 50)]
    enlarged = torch.nn.functional.interpolate(alone[0], (40, 50), mode='bilinear', align_corners=False)
    assert torch.allclose(both, (enlarged + alone[1]) / 2, atol=1e-6)


def test_unknown_symmetries(checkpoints):
    with pytest.raises(ValueError, match='expected one of none, flip, d4'):
        Ensemble(load_members(checkpoints[:1]), 'D4')
