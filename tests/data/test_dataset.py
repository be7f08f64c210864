"""Samples: the same wherever they are drawn, damaged where the mask says, and told no more than a person knows."""

import numpy as np
import pytest
from PIL import Image

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.options import parse_options
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import training_loader, validation_loader
from toolbox.data.sources import open_source
from toolbox.plugin.types import Found


def settings(*options):
    return load_config(RECIPE, parse_options([*TINY, *options]), say=lambda _: None).data


def arrays(sample):
    return sample.damaged, sample.mask, sample.gray, sample.rgb, sample.hole


def batches(photos, workers, epochs=2):
    loader = training_loader(TrainingDataset(photos, settings(), seed=5, max_epochs=3), 4, workers)
    for epoch in range(epochs):
        loader.sampler.start_at(epoch)
        yield from loader


def test_outside_the_hole_the_input_is_the_gray_of_the_photograph(photo_folder):
    dataset = TrainingDataset(open_source(photo_folder), settings(), seed=0, max_epochs=3)
    for index in range(len(dataset)):
        sample = dataset[0, index]
        np.testing.assert_array_equal(sample.gray, np.asarray(Image.fromarray(sample.rgb).convert('L')))
        known = sample.hole == 0
        np.testing.assert_array_equal(sample.damaged[known], sample.gray[known])
        assert len(np.unique(sample.damaged[~known])) == 1
        assert 0 < sample.hole.sum() < sample.hole.size


def test_in_training_the_restorer_is_told_the_hole_that_was_drawn(photo_folder):
    sample = TrainingDataset(open_source(photo_folder), settings(), seed=0, max_epochs=3)[0, 2]
    np.testing.assert_array_equal(sample.mask, sample.hole)


def test_at_validation_it_is_told_what_the_finder_finds(photo_folder):
    dataset = ValidationDataset(open_source(photo_folder), settings(), seed=0)
    seen = []

    def finder(damaged):
        seen.append(damaged)
        return Found(np.eye(*damaged.shape, dtype=np.uint8), 1.0)

    dataset.finder = finder
    sample = dataset[3]
    np.testing.assert_array_equal(sample.mask, np.eye(*sample.gray.shape))
    np.testing.assert_array_equal(seen[0], sample.damaged)
    assert (sample.hole != sample.mask).any()


@pytest.mark.parametrize('workers', [1, 2])
def test_samples_are_the_same_for_any_number_of_workers(photo_folder, workers):
    photos = open_source(photo_folder)
    for alone, shared in zip(batches(photos, 0), batches(photos, workers), strict=True):
        assert alone.names == shared.names
        assert all(a.equal(b) for a, b in zip(arrays(alone), arrays(shared), strict=True))


def test_epochs_draw_anew_and_an_epoch_repeats_itself(photo_folder):
    dataset = TrainingDataset(open_source(photo_folder), settings(), seed=0, max_epochs=3)
    first, again, later = dataset[0, 4], dataset[0, 4], dataset[1, 4]
    assert all((a == b).all() for a, b in zip(arrays(first), arrays(again), strict=True))
    assert (first.hole != later.hole).any()


def test_repeats_of_a_photograph_are_different_crops(photo_folder):
    photos = open_source(photo_folder)
    dataset = TrainingDataset(photos, settings('data.repeat=3', 'data.reduce=False'), seed=0, max_epochs=3)
    assert len(dataset) == 3 * len(photos)
    copies = [dataset[0, 4 + turn * len(photos)] for turn in range(3)]
    assert {copy.name for copy in copies} == {photos[4].name}
    assert len({copy.rgb.tobytes() for copy in copies}) > 1


def test_validation_damage_depends_on_the_seed_and_the_file_alone(photo_folder):
    photos = open_source(photo_folder)
    everything = ValidationDataset(photos, settings(), seed=3)
    part = ValidationDataset(photos.subset([5, 2]), settings('data.mask.type=RandomPolygon'), seed=3)
    assert all((a == b).all() for a, b in zip(arrays(everything[2]), arrays(part[1]), strict=True))
    other_seed = ValidationDataset(photos, settings(), seed=4)
    assert any(
        (everything[i].hole.shape == other_seed[i].hole.shape) and (everything[i].hole != other_seed[i].hole).any()
        for i in range(5)
    )


def test_validation_may_look_at_more_of_a_photograph_than_training(photo_folder):
    photos = open_source(photo_folder)
    data = settings('data.val_size=40', 'data.reduce=False')
    assert TrainingDataset(photos, data, seed=0, max_epochs=3)[0, 0].gray.shape == (32, 32)
    assert ValidationDataset(photos, data, seed=0)[0].gray.shape == (40, 40)


def test_the_score_of_a_photograph_does_not_depend_on_the_batch_it_came_in(photo_folder):
    photos = open_source(photo_folder)
    found = []
    for batch_size in (1, 4, 9):
        loader = validation_loader(ValidationDataset(photos, settings(), seed=0), batch_size, workers=0)
        rows = [(name, batch.damaged[i]) for group in loader for batch in group for i, name in enumerate(batch.names)]
        found.append(dict(rows))
    assert all(one.keys() == found[0].keys() and all(one[name].equal(found[0][name]) for name in one) for one in found)


def test_real_pairs_are_used_as_they_are(competition_folder):
    photos = open_source(competition_folder)
    dataset = TrainingDataset(photos, settings('data.real_pairs=1.0', 'data.size=48', 'data.transforms=[]'), 0, 3)
    for index in range(len(photos)):
        sample = dataset[0, index]
        np.testing.assert_array_equal(sample.damaged, np.asarray(Image.open(photos[index].damaged)))
        assert sample.hole[8:24, 10 + index : 30 + index].mean() > 0.9


def test_reduced_pairs_keep_a_constant_hole_and_exact_known_pixels(competition_folder):
    photos = open_source(competition_folder)
    dataset = ValidationDataset(photos, settings('data.size=31'), seed=0)
    for index in range(len(photos)):
        sample = dataset[index]
        assert sample.damaged.shape == (31, 31)
        np.testing.assert_array_equal(np.unique(sample.damaged[sample.hole == 1]), [40 + index])
        np.testing.assert_array_equal(sample.damaged[sample.hole == 0], sample.gray[sample.hole == 0])


def test_real_and_drawn_damage_are_mixed_by_ratio(competition_folder):
    photos = open_source(competition_folder)
    dataset = TrainingDataset(photos, settings('data.real_pairs=0.3', 'data.size=48', 'data.transforms=[]'), 0, 100)
    real = [
        (dataset[epoch, index].damaged == np.asarray(Image.open(photos[index].damaged))).all()
        for epoch in range(40)
        for index in range(len(photos))
    ]
    assert 0.2 < np.mean(real) < 0.4


def test_a_damaged_file_of_another_size_is_named(competition_folder, tmp_path):
    import shutil

    root = shutil.copytree(competition_folder, tmp_path / 'copy')
    Image.new('L', (20, 20)).save(root / 'train_input' / 'TRAIN_00000.png')
    failure = ValidationDataset(open_source(root), settings(), seed=0)[0]
    assert failure.path.endswith('train_input/TRAIN_00000.png')
    assert 'its size (20, 20) is not that of' in failure.reason
