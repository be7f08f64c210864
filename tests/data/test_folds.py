"""Folds: stable, balanced, groups together."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from toolbox.data.folds import split_folds
from toolbox.data.sources import open_source
from toolbox.system.paths import REPOSITORY

NAMES = st.lists(st.text(min_size=1), min_size=2, max_size=60, unique=True)


@given(NAMES, st.integers(2, 10), st.integers(0, 3), st.randoms())
def test_balanced_and_the_same_in_any_order(names: list[str], k: int, seed: int, random) -> None:
    k = min(k, len(names))
    folds = dict(zip(names, split_folds(names, k, seed).tolist(), strict=True))
    sizes = np.bincount(list(folds.values()), minlength=k)
    assert len(sizes) == k
    assert np.ptp(sizes) <= 1
    shuffled = random.sample(names, len(names))
    assert dict(zip(shuffled, split_folds(shuffled, k, seed).tolist(), strict=True)) == folds


@given(NAMES, st.data())
def test_groups_stay_together_whatever_their_labels(names: list[str], data: st.DataObject) -> None:
    groups = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(names), max_size=len(names))))
    num_groups = len(np.unique(groups))
    assume(num_groups > 1)
    k = data.draw(st.integers(2, num_groups))
    folds = split_folds(names, k, 0, groups)
    assert set(folds.tolist()) == set(range(k))
    for group in np.unique(groups):
        assert len(np.unique(folds[groups == group])) == 1
    assert np.array_equal(folds, split_folds(names, k, 0, (groups * 7 + 3) % 101))
    assert np.ptp(np.bincount(folds)) <= np.bincount(groups).max()  # largest first into the smallest fold


def test_seed_shuffles() -> None:
    names = [f'{index}.png' for index in range(40)]
    assert not np.array_equal(split_folds(names, 5, 0), split_folds(names, 5, 1))
    neighbors = split_folds(names, 5, 0).reshape(8, 5)
    assert not all(len(set(row)) == 5 for row in neighbors.tolist())


def test_known_folds_in_another_process() -> None:
    """Frozen numbers: a change would move photographs between training and validation of runs that exist."""
    script = (
        'from toolbox.data.folds import split_folds; '
        'print(split_folds([f"{i}.png" for i in range(10)], 3, 42, [0, 0, 0, 1, 2, 3, 4, 5, 6, 6]).tolist())'
    )
    output = subprocess.check_output([sys.executable, '-c', script], cwd=REPOSITORY, text=True)
    assert output.strip() == '[0, 0, 0, 2, 2, 0, 1, 2, 1, 1]'


def test_sample_photos_have_five_folds() -> None:
    photos = open_source(None)
    folds = split_folds(photos.names, 5, 42, photos.groups)
    assert sorted(np.bincount(folds)) == [2, 2, 2, 2, 3]


@pytest.mark.parametrize(
    ('num_names', 'k', 'groups', 'message'),
    [
        (5, 1, None, '1 folds: one validates and the others train'),
        (5, 6, None, '6 folds of 5 photographs: a fold would be empty; set data.folds=5 or fewer'),
        (5, 4, [0, 0, 1, 1, 2], '4 folds of 5 photographs in 3 groups that stay together'),
        (1, 2, None, '2 folds of 1 photographs: a fold would be empty; add photographs'),
    ],
)
def test_impossible_folds(num_names: int, k: int, groups: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_folds([str(index) for index in range(num_names)], k, 0, groups)


def test_strata_are_spread_evenly_and_groups_still_stay_together() -> None:
    rng = np.random.default_rng(0)
    names = [f'{number}.jpg' for number in range(300)]
    strata = rng.choice([-1, 4, 9], 300, p=[0.6, 0.3, 0.1])
    groups = np.where(np.arange(300) < 60, np.arange(300) // 3, np.arange(300))
    folds = split_folds(names, 5, seed=1, groups=groups, strata=strata)
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
    assert np.ptp(np.bincount(folds)) <= 3
    alone = split_folds(names, 5, seed=1, strata=strata)
    for label in (-1, 4, 9):
        assert np.ptp(np.bincount(alone[strata == label], minlength=5)) <= 1
    shuffled = rng.permutation(300)
    again = split_folds([names[index] for index in shuffled], 5, 1, groups[shuffled], strata[shuffled])
    assert again.tolist() == folds[shuffled].tolist()
