"""Random splits against the formulas that hold for them."""

import numpy as np
import pytest

from toolbox.report.statistics import split_disagreement, split_gap, split_means


@pytest.fixture
def values():
    """A hundred skewed values, as scores are."""
    return np.random.default_rng(1).beta(5, 2, 100)


def test_splits_leave_out_nothing(values):
    public, private = split_means(values)
    np.testing.assert_allclose(0.3 * public + 0.7 * private, values.mean())


def test_the_gap_has_the_variance_of_sampling_without_replacement(values):
    expected = 1.96 * values.std(ddof=1) * np.sqrt(1 / 30 + 1 / 70)
    assert split_gap(values) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize('size', [2, 3, 4])
def test_small_sets_can_be_split(size):
    assert split_gap(np.arange(size, dtype=float)) > 0


def test_a_clear_difference_is_seen_by_both_halves(values):
    assert split_disagreement(values) == 0
    assert split_disagreement(values - values.mean()) > 0.9  # what the public half gains, the private half loses


def test_results_repeat(values):
    assert split_gap(values) == split_gap(values.copy())
