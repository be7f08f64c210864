"""Rows, differences, main effects, notes and warnings of experiments that are made up."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.experiment.support import COSTS, arm, by_image, curve, done
from toolbox.experiment.results import Arm, Costs, TrialResult
from toolbox.experiment.summary import summarize
from toolbox.experiment.tables import as_markdown, as_text

ARMS = [arm('base'), arm('se'), arm('eca')]


def row_of(summary, name):
    return next(row for row in summary.rows if row.arm.name == name)


def test_means_and_differences_over_common_seeds_and_folds():
    base, se = [0.50, 0.54, 0.52], [0.53, 0.55, 0.56]
    results = [done('base', score, seed) for seed, score in enumerate(base)]
    results += [done('se', score, seed) for seed, score in reversed(list(enumerate(se)))]
    summary = summarize('x', ARMS[:2], 'base', results)
    row = row_of(summary, 'se')
    assert (row.n, row.mean['score'], row.std['score']) == (
        3,
        pytest.approx(np.mean(se)),
        pytest.approx(np.std(se, ddof=1)),
    )
    assert (row.mean['ssim'], row.untrained, row.costs, row.notes) == (0.5, pytest.approx(0.1), COSTS, ())
    assert row.difference.p == pytest.approx(stats.ttest_rel(se, base).pvalue)
    assert row.difference.p_holm == row.difference.p
    assert row_of(summary, 'base').difference is None
    assert summary.warnings == ()


def test_the_baseline_first_then_best_first_and_failures_last():
    scores = {'base': 0.5, 'se': 0.4, 'eca': 0.6}
    results = [done(name, score, seed) for name, score in scores.items() for seed in range(3)]
    results.append(TrialResult('broken', 0, 0, 'failed', 'ValueError: no'))
    arms = [arm('broken'), *ARMS]
    assert [row.arm.name for row in summarize('x', arms, 'base', results).rows] == ['base', 'eca', 'se', 'broken']
    lower = summarize('x', arms, 'base', results, higher_is_better=False)
    assert [row.arm.name for row in lower.rows] == ['base', 'se', 'eca', 'broken']
    assert row_of(lower, 'se').difference.mean == pytest.approx(0.1)
    assert row_of(lower, 'base').notes == ('no better than untrained',)  # 0.5, lower is better, from 0.1


def test_holm_is_over_the_arms_of_the_table():
    rng = np.random.default_rng(5)
    results = [done(item.name, rng.normal(0.5, 0.01), seed) for item in ARMS for seed in range(4)]
    differences = [row.difference for row in summarize('x', ARMS, 'base', results).rows[1:]]
    least, most = sorted(differences, key=lambda difference: difference.p)
    assert least.p_holm == pytest.approx(min(1, 2 * least.p))
    assert most.p_holm == pytest.approx(max(most.p, least.p_holm))


def test_one_pair_is_compared_over_its_images():
    images = np.random.default_rng(6).normal(0.5, 0.1, (2, 40))
    results = [
        done(name, float(scores.mean()), per_image=by_image(scores))
        for name, scores in zip(('base', 'se'), images, strict=True)
    ]
    extra = {**results[1].per_image, 'not in the other.png': {'score': 9.0}}
    results[1] = done('se', results[1].metrics['score'], per_image=extra)
    summary = summarize('x', ARMS[:2], 'base', results)
    difference = row_of(summary, 'se').difference
    assert (difference.basis, difference.n, difference.p, difference.p_holm) == ('images', 40, None, None)
    assert difference.mean == pytest.approx((images[1] - images[0]).mean())
    assert difference.low < difference.mean < difference.high
    assert 'these images' in summary.warnings[0]
    assert math.isnan(row_of(summary, 'se').std['score'])


@pytest.mark.parametrize(('num_images', 'sure'), [(2, False), (19, False), (20, True)])
@pytest.mark.parametrize('seeds', [1, 3])
def test_few_photographs_have_neither_interval_nor_p(seeds, num_images, sure):
    rng = np.random.default_rng(9)
    results = []
    for seed in range(seeds):
        for name, true in (('base', 0.3), ('se', 0.6)):
            scores = rng.normal(true, 0.001, num_images)
            metrics = {'score': float(scores.mean()), 'n': num_images}
            results.append(done(name, 0, seed, metrics=metrics, per_image=by_image(scores)))
    summary = summarize('x', ARMS[:2], 'base', results)
    difference = row_of(summary, 'se').difference
    assert difference.mean == pytest.approx(0.3, abs=0.01)
    assert (difference.images, math.isfinite(difference.low)) == (num_images, sure)
    assert (difference.p is not None) == (sure and seeds > 1)
    assert any(f'measured on {num_images} photographs' in warning for warning in summary.warnings) == (not sure)


def test_photographs_of_several_folds_are_counted_together():
    results = [
        done(name, score + fold / 100, seed, fold, metrics={'score': score + fold * seed / 100, 'n': 10})
        for name, score in (('base', 0.5), ('se', 0.6))
        for fold in (0, 1)
        for seed in (0, 1)
    ]
    assert row_of(summarize('x', ARMS[:2], 'base', results), 'se').difference.images == 20


def test_one_pair_without_images_has_no_interval():
    summary = summarize('x', ARMS[:2], 'base', [done('base', 0.5), done('se', 0.6)])
    difference = row_of(summary, 'se').difference
    assert (difference.n, difference.mean, difference.basis) == (1, pytest.approx(0.1), 'pairs')
    assert math.isnan(difference.low)


def test_two_pairs_and_several_folds_are_warned_of():
    results = [
        done(name, score + fold / 100, fold=fold) for name, score in (('base', 0.5), ('se', 0.6)) for fold in (0, 1)
    ]
    summary = summarize('x', ARMS[:2], 'base', results)
    assert [warning.split(':')[0] for warning in summary.warnings] == ['means over 2 pairs', 'several folds']


def test_a_failed_arm_stays_with_its_reason():
    results = [done('base', 0.5 + seed / 100, seed) for seed in range(3)]
    results += [
        done('se', 0.6),
        *(TrialResult('se', seed, 0, 'failed', 'ValueError:  no\nsuch part') for seed in (1, 2)),
    ]
    results += [TrialResult('eca', seed, 0, 'failed', f'OSError: {"x" * 500}{seed}') for seed in range(3)]
    summary = summarize('x', ARMS, 'base', results)
    se, eca = row_of(summary, 'se'), row_of(summary, 'eca')
    assert (se.n, se.difference.n, se.notes) == (1, 1, ('failed (2 of 3): ValueError: no such part',))
    assert (eca.n, eca.mean, eca.difference, eca.costs) == (0, {}, None, None)
    assert math.isnan(eca.untrained)
    assert eca.notes[0].startswith('failed (3 of 3): OSError: xxx')
    assert len(eca.notes[0]) < 200
    assert any(warning.startswith('pairs are missing (of 3): se 2, eca 3') for warning in summary.warnings)


def test_a_missing_pair_is_left_out_and_told():
    results = [done('base', 0.5 + seed**2 / 100, seed) for seed in range(4)]
    results += [done('se', 0.6, seed) for seed in range(1, 5)]
    summary = summarize('x', ARMS[:2], 'base', results)
    row = row_of(summary, 'se')
    assert (row.n, row.difference.n) == (4, 3)
    assert row.difference.mean == pytest.approx(0.6 - np.mean([0.51, 0.54, 0.59]))
    assert summary.warnings[0].startswith('pairs are missing (of 5): se 2')


def test_a_dropped_arm_is_compared_at_the_epoch_of_its_drop():
    untrained = [dict(step=0, epoch=0, score=0.99)]  # no result of training
    results = []
    for seed in range(3):
        shift = seed / 100
        whole = curve(0.2 + shift, 0.4 + shift, 0.3, 0.8 + shift)
        results.append(done('base', 0.8 + shift, seed, curve=untrained + whole))
        partial = curve(0.1, 0.45, 0.35)
        fields = dict(metrics={'score': 0.45, 'n': 40}, untrained={'score': 0.1}, costs=COSTS, curve=partial)
        results.append(TrialResult('se', seed, 0, 'dropped', 'third of 3', **fields))
    summary = summarize('x', ARMS[:2], 'base', results)
    row = row_of(summary, 'se')
    assert row.difference.mean == pytest.approx(np.mean([0.05, 0.04, 0.03]))
    assert (row.n, row.notes) == (3, ('dropped at epoch 3 (3 of 3): third of 3',))
    assert summary.warnings[0].startswith('some trials were dropped early')


def test_one_dropped_pair_has_no_interval_over_images_of_another_epoch():
    images = by_image([0.4, 0.5])
    results = [
        done('base', 0.8, curve=curve(0.4, 0.8), per_image=images),
        TrialResult('se', 0, 0, 'dropped', metrics={'score': 0.45}, curve=curve(0.45), per_image=images),
    ]
    difference = row_of(summarize('x', ARMS[:2], 'base', results), 'se').difference
    assert (difference.basis, difference.n, difference.mean) == ('pairs', 1, pytest.approx(0.05))
    assert math.isnan(difference.low)


def test_notes_on_what_is_not_done():
    results = [done('base', 0.05), TrialResult('se', 0, 0, 'waiting'), TrialResult('se', 1, 0, 'running')]
    results.append(done('eca', math.nan))
    summary = summarize('x', [*ARMS, arm('later')], 'base', results)
    assert row_of(summary, 'base').notes == ('no better than untrained',)
    assert not row_of(summary, 'base').learned
    assert row_of(summary, 'se').notes == ('not run yet (1 of 2)', 'running (1 of 2)')
    assert row_of(summary, 'eca').notes == ('score is missing or not finite (1 of 1)',)
    assert row_of(summary, 'later').notes == ('not run yet',)
    assert summary.rows[-1].arm.name == 'later'


def test_arms_that_something_without_a_model_beats_are_told_so():
    results = [done(name, score, seed) for name, score in (('base', 0.5), ('se', 0.2)) for seed in range(3)]
    without_model = {'gray as it came': 0.25, 'Telea': 0.4, 'luck': 0.1}
    summary = summarize('x', ARMS, 'base', results, without_model=without_model)
    assert row_of(summary, 'base').notes == ()
    assert row_of(summary, 'se').notes == ('worse than gray as it came (0.2500) and Telea (0.4000)',)
    assert row_of(summary, 'eca').notes == ('not run yet',)
    lower = summarize('x', ARMS, 'base', results, higher_is_better=False, without_model={'luck': 0.1})
    assert row_of(lower, 'se').notes[-1] == 'worse than luck (0.1000)'


def test_without_any_trial_there_are_rows_all_the_same():
    summary = summarize('x', ARMS, 'base', [])
    assert [(row.arm.name, row.n, row.notes) for row in summary.rows] == [
        (item.name, 0, ('not run yet',)) for item in ARMS
    ]
    assert summary.main_effects == []
    assert summary.warnings[0].startswith("the baseline 'base' has no trial")


def test_costs_are_means():
    other = Costs(2_500_000, 7.5, 1100, 5, 10)
    results = [done('base', 0.5, 0), done('base', 0.5, 1, costs=other), done('base', 0.5, 2, costs=None)]
    assert summarize('x', ARMS[:1], 'base', results).rows[0].costs == Costs(2_000_000, 10, 1000, 4, 5)


GRID = [
    Arm(f'{attention} + {layout}', {'attention': attention, 'layout': layout})
    for attention in ('cbam', 'se')
    for layout in ('two', 'one')
]
TRUE = {'cbam + two': 0.5, 'cbam + one': 0.4, 'se + two': 0.52, 'se + one': 0.48}


def grid_results(skip=()):
    noise = np.random.default_rng(7).normal(0, 0.01, (4, 4))
    return [
        done(name, value + noise[seed, place], seed)
        for place, (name, value) in enumerate(TRUE.items())
        for seed in range(4)
        if (name, seed) not in skip
    ]


def test_main_effects_are_means_over_the_other_axes():
    results = grid_results()
    scores = {(trial.arm, trial.seed): trial.metrics['score'] for trial in results}
    effects = {effect.axis: effect for effect in summarize('x', GRID, 'cbam + two', results).main_effects}
    assert [(effect.level, effect.against) for effect in effects.values()] == [('se', 'cbam'), ('one', 'two')]
    by_seed = [
        np.mean([scores[f'se + {layout}', seed] - scores[f'cbam + {layout}', seed] for layout in ('two', 'one')])
        for seed in range(4)
    ]
    difference = effects['attention'].difference
    assert (difference.n, difference.mean) == (4, pytest.approx(np.mean(by_seed)))
    reference = stats.ttest_1samp(by_seed, 0)
    assert difference.p == pytest.approx(reference.pvalue)
    assert (difference.low, difference.high) == pytest.approx(tuple(reference.confidence_interval()))
    p = sorted(effect.difference.p for effect in effects.values())
    p_holm = sorted(effect.difference.p_holm for effect in effects.values())
    assert p_holm == pytest.approx([min(1, 2 * p[0]), max(p[1], min(1, 2 * p[0]))])


def test_main_effects_leave_out_combinations_that_are_not_done():
    results = grid_results(skip={('se + one', 1), ('se + two', 2), ('se + one', 2)})
    scores = {(trial.arm, trial.seed): trial.metrics['score'] for trial in results}
    effect = next(e for e in summarize('x', GRID, 'cbam + two', results).main_effects if e.axis == 'attention')
    assert effect.difference.n == 3
    gains = {
        key: value - scores[key[0].replace('se', 'cbam'), key[1]] for key, value in scores.items() if 'se' in key[0]
    }
    whole = [(gains['se + two', seed] + gains['se + one', seed]) / 2 for seed in (0, 3)]
    assert effect.difference.mean == pytest.approx(np.mean([*whole, gains['se + two', 1]]))


def test_the_main_effect_of_one_unit_is_over_images():
    images = {
        name: np.random.default_rng(place).normal(value, 0.1, 30) for place, (name, value) in enumerate(TRUE.items())
    }
    results = [done(name, float(scores.mean()), per_image=by_image(scores)) for name, scores in images.items()]
    effect = summarize('x', GRID, 'cbam + two', results).main_effects[0].difference
    gains = (images['se + two'] - images['cbam + two'] + images['se + one'] - images['cbam + one']) / 2
    assert (effect.basis, effect.n, effect.mean) == ('images', 30, pytest.approx(gains.mean()))


def test_main_effects_that_would_repeat_the_arms_are_left_out():
    base = {'attention': 'cbam', 'layout': 'two'}
    arms = [Arm('base', base), Arm('se', {**base, 'attention': 'se'}), Arm('one', {**base, 'layout': 'one'})]
    rng = np.random.default_rng(8)
    results = [done(item.name, rng.normal(0.5, 0.1), seed) for item in arms for seed in range(3)]
    assert summarize('x', arms, 'base', results).main_effects == []
    one_axis = [Arm(level, {'attention': level}) for level in ('base', 'se', 'one')]
    summary = summarize('x', one_axis, 'base', results)
    assert summary.main_effects == []
    text = as_text(summary)
    assert 'Main effects' not in text + as_markdown(summary)
    for row in summary.rows[1:]:
        assert text.count(f'{row.difference.mean:+.4f}') == 1


@pytest.mark.parametrize(
    ('arms', 'baseline', 'results', 'ranking', 'message'),
    [
        (ARMS, 'bsae', [], 'score', "'bsae' is none of the arms: choose one of base, se, eca"),
        ([*ARMS, ARMS[1]], 'base', [], 'score', "several arms are called 'se'"),
        (ARMS, 'base', [done('x', 1)], 'score', "results of 'x'"),
        (ARMS, 'base', [done('se', 1), done('se', 2)], 'score', "'se' has two results with seed 0 and fold 0"),
        (ARMS, 'base', [done('se', 1)], 'scoer', "no trial measured 'scoer': rank by one of score, ssim"),
        ([arm('base', a='1'), arm('se', a='1')], 'base', [], 'score', "'base' and 'se' have the same levels"),
    ],
)
def test_errors_say_what_to_do(arms, baseline, results, ranking, message):
    with pytest.raises(ValueError, match=message):
        summarize('x', arms, baseline, results, ranking)


def test_different_precisions_are_told_unless_an_arm_asks_for_its_own():
    results = [done('base', 0.5, seed, precision='bf16') for seed in range(3)]
    alike = [done('se', 0.6, seed, precision='bf16') for seed in range(3)]
    assert summarize('x', ARMS[:2], 'base', [*results, *alike]).warnings == ()
    other = [*results, *alike[:2], done('se', 0.6, 2, precision='float32')]
    (warning,) = summarize('x', ARMS[:2], 'base', other).warnings
    assert warning.startswith('trials trained in different precisions, as their machines chose (bf16 5, float32 1)')
    asked = [ARMS[0], replace(ARMS[1], changes={'precision': 'float32'})]
    assert summarize('x', asked, 'base', other).warnings == ()
