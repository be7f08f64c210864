"""Resampling against scipy and against the formulas that hold for it."""

import numpy as np
import pytest
from scipy import stats

from toolbox.scoring.intervals import bootstrap_interval


@pytest.fixture
def values():
    """A hundred skewed values, as scores are."""
    return np.random.default_rng(1).beta(5, 2, 100)


def test_the_interval_is_scipys(values):
    interval = bootstrap_interval(values)
    reference = stats.bootstrap((values,), np.mean, method='percentile', n_resamples=4000, random_state=1)
    low, high = reference.confidence_interval
    assert interval.mean == pytest.approx(values.mean())
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.1 * (high - low))


def test_the_interval_of_equal_values_is_a_point():
    interval = bootstrap_interval(np.full(20, 0.25))
    assert (interval.low, interval.mean, interval.high) == pytest.approx((0.25,) * 3)


def test_large_sets_are_drawn_in_portions():
    values = np.random.default_rng(2).normal(size=6000)
    interval = bootstrap_interval(values)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(6000), rel=0.1)


def test_an_interval_knows_whether_zero_is_in_it(values):
    assert bootstrap_interval(values).excludes_zero
    assert not bootstrap_interval(values - values.mean()).excludes_zero


def test_few_images_have_no_interval():
    values = np.random.default_rng(3).normal(5, 0.01, 20)
    assert bootstrap_interval(values).excludes_zero
    few = bootstrap_interval(values[:19])
    assert few.mean == pytest.approx(values[:19].mean())
    assert not few.known
    assert not few.excludes_zero


def test_results_repeat(values):
    assert bootstrap_interval(values) == bootstrap_interval(values.copy())
