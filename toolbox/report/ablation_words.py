"""What an ablation says, in a sentence: what won, and how sure that is."""

import math
from collections.abc import Sequence

from toolbox.experiment.results import ArmSummary, Comparison, Summary, TrialResult
from toolbox.report.charts import signed
from toolbox.scoring.intervals import MIN_IMAGES
from toolbox.system.words import spoken

_CHANCE = 0.05
_NO_BREAK = '\N{NO-BREAK SPACE}'


def is_sure(comparison: Comparison) -> bool:
    """Whether a difference is beyond chance, over trainings: one pair alone cannot say that, however many images."""
    p = comparison.p if comparison.p_holm is None else comparison.p_holm
    return comparison.basis == 'pairs' and p is not None and p < _CHANCE


def p_value(p: float) -> str:
    """To three digits."""
    return '< 0.001' if p < 0.001 else f'{p:.3f}'


def compared(comparison: Comparison) -> str:
    """How a difference was tested, in a few words."""
    if comparison.basis == 'images':
        return 'these images'
    p = comparison.p if comparison.p_holm is None else comparison.p_holm
    return '' if p is None else f'p{_NO_BREAK}{_with_sign(p)}'


def lead(summary: Summary, results: Sequence[TrialResult]) -> str:
    """What won, and how sure that is."""
    measured = [row for row in summary.rows if math.isfinite(row.mean.get(summary.ranking, math.nan))]
    rivals = [row for row in measured if row.difference is not None and math.isfinite(row.difference.mean)]
    if not measured:
        all_failed = bool(results) and all(result.state == 'failed' for result in results)
        return f'No arm has a result: all {_count(len(results))} failed.' if all_failed else 'No arm has a result yet.'
    if not rivals:
        return _uncompared(summary, measured)
    winners = [row for row in rivals if row.learned and is_sure(row.difference) and row.difference.mean > 0]
    if not winners:
        return _without_winner(summary, rivals)
    best, *others = winners
    sentences = [f'Best: {best.arm.name}, {_describe(best, summary)}.']
    first = rivals[0]
    if not first.learned:
        sentences.append(f'{_unlearned(first)} does not count, although its mean is better.')
    elif first is not best and not is_sure(first.difference):
        sentences.append(f'{first.arm.name} has a better mean, but that may be chance: {_describe(first, summary)}.')
    if others:
        names = ', '.join(row.arm.name for row in others)
        sentences.append(f'Better than the baseline beyond what chance gives as well: {names}.')
    return ' '.join(sentences)


def _uncompared(summary: Summary, measured: Sequence[ArmSummary]) -> str:
    best = next((row for row in measured if row.learned), measured[0])
    told = f'{best.arm.name}: {spoken(summary.ranking)} {best.mean[summary.ranking]:.4f}'
    if len(summary.rows) == 1:
        return f'{told}. There is no other arm to compare it with.'
    if best.arm.name == summary.baseline:
        return f'No arm but the baseline has a result that can be compared. {told}.'
    return f'Nothing can be compared with {_baseline(summary)}: it has no result to pair with. Best mean: {told}.'


def _without_winner(summary: Summary, rivals: Sequence[ArmSummary]) -> str:
    learned = [row for row in rivals if row.learned]
    if not learned:
        return f'No arm is better than {_baseline(summary)}: after training none scores better than before it.'
    first = learned[0]
    few = first.difference.images is not None and first.difference.images < MIN_IMAGES
    if few and first.difference.mean > 0:
        return (
            f'{first.difference.images} photographs cannot say which arm is better. '
            f'Best mean: {first.arm.name}, {_describe(first, summary)}.'
        )
    if first.difference.basis == 'images' and first.difference.low > 0:
        return (
            f'{first.arm.name} is better on these images, {_describe(first, summary)}; '
            'one training of each arm cannot say whether other trainings would agree.'
        )
    nothing = f'No arm is better than {_baseline(summary)} beyond what chance gives.'
    if first.difference.mean <= 0:
        return nothing
    return f'{nothing} Closest: {first.arm.name}, {_describe(first, summary)}.'


def _unlearned(row: ArmSummary) -> str:
    return f'{row.arm.name}, which is no better than untrained,'


def _describe(row: ArmSummary, summary: Summary) -> str:
    difference = row.difference
    told = f'{signed(difference.mean)} {spoken(summary.ranking)} over {_baseline(summary)}'
    if math.isfinite(difference.low) and math.isfinite(difference.high):
        told += f' [{signed(difference.low)}, {signed(difference.high)}]'
    if difference.p_holm is not None:
        told += f", p{_NO_BREAK}{_with_sign(difference.p_holm)} after Holm's correction"
    elif difference.p is not None:
        told += f', p{_NO_BREAK}{_with_sign(difference.p)}'
    pairs = f'{difference.n} pairs of trainings' if difference.n > 1 else 'one pair of trainings'
    return told + (f', over {pairs}' if difference.basis == 'pairs' else f', over {difference.n} images of one pair')


def _baseline(summary: Summary) -> str:
    return 'the baseline' if summary.baseline == 'baseline' else f'the baseline {summary.baseline}'


def _with_sign(p: float) -> str:
    """On one line: `= 0.012`, `< 0.001`."""
    shown = p_value(p)
    return (shown if shown.startswith('<') else f'= {shown}').replace(' ', _NO_BREAK)


def _count(number: int) -> str:
    return '1 training' if number == 1 else f'{number} trainings'
