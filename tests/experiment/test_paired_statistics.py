"""Paired statistics against scipy, by hand, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from tests.experiment.support import arm, drawn
from toolbox.experiment.statistics import holm, paired_bootstrap, paired_t
from toolbox.experiment.summary import summarize

SIMULATIONS = 400


@pytest.mark.parametrize('n', [2, 3, 5, 30])
def test_the_paired_t_test_is_scipys(n):
    rng = np.random.default_rng(n)
    first, second = rng.normal(0.5, 0.1, n), rng.normal(0.45, 0.1, n)
    ours, theirs = paired_t(first - second), stats.ttest_rel(first, second)
    assert (ours.n, ours.basis, ours.p_holm) == (n, 'pairs', None)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-10)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)), rel=1e-10)
    differences = first - second
    interval = stats.t.interval(0.95, n - 1, differences.mean(), stats.sem(differences))
    assert (ours.low, ours.high) == pytest.approx(interval, rel=1e-10)
    assert ours.mean == pytest.approx(differences.mean())


def test_one_pair_has_no_interval():
    alone = paired_t([0.25])
    assert (alone.n, alone.mean, alone.p) == (1, 0.25, None)
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_a_difference_that_is_not_finite_has_no_interval():
    broken = paired_t([0.25, math.nan, 0.5])
    assert broken.p is None
    assert math.isnan(broken.low)


@pytest.mark.parametrize(('value', 'p'), [(0.0, 1.0), (0.1, 0.0), (-0.1, 0.0)])
def test_equal_differences_are_no_matter_of_chance(value, p):
    equal = paired_t([value] * 3)
    assert (equal.mean, equal.low, equal.high, equal.p) == (value, value, value, p)


def test_holm_by_hand():
    # 4 * 0.005, 3 * 0.01, 2 * 0.03, then 1 * 0.04, which may not be below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested():
    assert holm([None, 0.02, math.nan, 0.04]) == [None, pytest.approx(0.04), None, pytest.approx(0.04)]
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferronis(p_values):
    corrected = holm(p_values)
    order = np.argsort(p_values, kind='stable')
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)
    assert all(p <= c <= min(1, len(p_values) * p) + 1e-12 for p, c in zip(p_values, corrected, strict=True))


def test_the_bootstrap_over_images_is_scipys():
    differences = np.random.default_rng(3).normal(0.02, 0.1, 200)
    ours = paired_bootstrap(differences)
    theirs = stats.bootstrap((differences,), np.mean, method='percentile', random_state=1).confidence_interval
    assert (ours.n, ours.basis, ours.p) == (200, 'images', None)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_intervals_hold_the_true_difference_in_95_of_100_experiments():
    means = {'baseline': 0.5, 'better': 0.52, 'worse': 0.47, 'equal': 0.5}
    inside = []
    for simulation in range(SIMULATIONS):
        results = drawn(means, 4, np.random.default_rng([1, simulation]))
        summary = summarize('x', [arm(name) for name in means], 'baseline', results)
        for row in summary.rows[1:]:
            inside.append(row.difference.low <= means[row.arm.name] - 0.5 <= row.difference.high)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_equal_arms_raise_false_alarms_as_often_as_promised():
    names = ['baseline', 'a', 'b', 'c', 'd', 'e']
    single, family = [], []
    for simulation in range(SIMULATIONS):
        results = drawn(dict.fromkeys(names, 0.5), 4, np.random.default_rng([2, simulation]))
        rows = summarize('x', [arm(name) for name in names], 'baseline', results).rows[1:]
        single += [row.difference.p < 0.05 for row in rows]
        family.append(any(row.difference.p_holm < 0.05 for row in rows))
    error = math.sqrt(0.05 * 0.95 / SIMULATIONS)  # of a share of 5 % of the simulations
    assert np.mean(single) == pytest.approx(0.05, abs=2 * error)
    assert np.mean(family) <= 0.05 + 2 * error
