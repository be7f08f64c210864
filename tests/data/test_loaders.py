"""Samplers and collating: every sample once, the same for any number of processes, sizes respected."""

from dataclasses import replace

import numpy as np
import pytest

from toolbox.data.dataset import Sample
from toolbox.data.loaders import EpochSampler, ShardSampler, collate_by_shape, collate_training
from toolbox.plugin.types import Failure


def sample(height, width, name='a'):
    rng = np.random.default_rng(height * 1000 + width)
    gray = rng.integers(0, 256, (height, width), np.uint8)
    hole = (rng.random((height, width)) < 0.3).astype(np.uint8)
    return Sample(name, np.where(hole, 7, gray).astype(np.uint8), hole, gray, np.stack([gray] * 3, -1), hole)


def test_each_epoch_visits_every_sample_in_an_order_of_its_own():
    sampler = EpochSampler(10, 4, seed=1)
    orders = []
    for epoch in range(3):
        sampler.start_at(epoch)
        drawn = list(sampler)
        assert len(drawn) == len(sampler) == 12
        assert {drawn_epoch for drawn_epoch, _ in drawn} == {epoch}
        assert {index for _, index in drawn} == set(range(10))
        orders.append(tuple(drawn))
    assert len(set(orders)) == 3
    assert orders[2] == tuple(sampler)


@pytest.mark.parametrize('world_size', [1, 2, 4])
def test_processes_share_the_same_global_batches(world_size):
    alone = np.array([index for _, index in EpochSampler(10, 4, seed=3)]).reshape(-1, 4)
    shares = [
        np.array([index for _, index in EpochSampler(10, 4, 3, rank, world_size)]).reshape(3, -1)
        for rank in range(world_size)
    ]
    np.testing.assert_array_equal(np.concatenate(shares, axis=1), alone)


def test_a_global_batch_that_cannot_be_shared_is_an_error():
    with pytest.raises(ValueError, match='multiple of the 3 processes'):
        EpochSampler(10, 4, seed=0, world_size=3)


@pytest.mark.parametrize('world_size', [1, 2, 3, 7])
def test_validation_images_are_seen_exactly_once(world_size):
    shares = [list(ShardSampler(5, rank, world_size)) for rank in range(world_size)]
    assert sorted(index for share in shares for index in share) == list(range(5))


def test_smaller_samples_are_continued_by_reflection():
    small, large = sample(5, 7), sample(12, 20)
    batch = collate_training([small, large])
    assert batch.rgb.shape == (2, 3, 12, 20)
    assert batch.damaged.shape == (2, 1, 12, 20)
    expected = np.pad(small.gray, [(0, 7), (0, 13)], mode='symmetric')
    np.testing.assert_array_equal(batch.gray[0, 0].numpy(), expected)
    # What is continued is a sample like any other: outside the hole the damaged image is the gray.
    known = batch.hole == 0
    assert (batch.damaged[known] == batch.gray[known]).all()
    np.testing.assert_array_equal(batch.rgb[1].permute(1, 2, 0).numpy(), large.rgb)


def test_validation_batches_hold_one_size_each():
    batches = collate_by_shape([sample(5, 7, 'a'), sample(9, 9, 'b'), sample(5, 7, 'c')])
    assert [(batch.names, tuple(batch.gray.shape)) for batch in batches] == [
        (['a', 'c'], (2, 1, 5, 7)),
        (['b'], (1, 1, 9, 9)),
    ]


def test_bytes_become_floats_on_the_device():
    batch = collate_training([sample(8, 8)])
    floats = batch.to('cpu')
    assert float(floats.rgb.max()) <= 1.0
    assert set(floats.hole.unique().tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(floats.gray.numpy() * 255, batch.gray.numpy(), atol=1e-4)
    assert floats.to('cpu').rgb.equal(floats.rgb)


def test_a_sampler_takes_up_an_epoch_after_any_batch():
    sampler = EpochSampler(10, 4, seed=2, rank=1, world_size=2)
    sampler.start_at(3)
    whole = list(sampler)
    for batch in range(4):
        sampler.start_at(3, batch)
        assert list(sampler) == whole[2 * batch :]
    sampler.start_at(3)
    assert list(sampler) == whole


def test_what_cannot_be_read_travels_with_the_batches():
    failure = Failure('a.png', 'truncated')
    batches = collate_by_shape([sample(5, 7), failure])
    assert [len(batch) for batch in batches] == [1]
    assert batches.failures == [failure]
    assert collate_by_shape([failure]) == []
    stood_in = collate_training([replace(sample(5, 7), failures=[failure]), sample(8, 8)])
    assert stood_in.failures == [failure]
    assert stood_in.to('cpu').failures == [failure]
