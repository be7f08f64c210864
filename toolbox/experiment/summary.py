"""What the trials of an experiment say together: a row per arm, its difference to the baseline, and what limits it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from toolbox.experiment.effects import main_effects
from toolbox.experiment.pairing import Ranking, Trials, compare, is_counted
from toolbox.experiment.results import Arm, ArmSummary, Comparison, Costs, Summary, TrialResult
from toolbox.experiment.statistics import holm
from toolbox.scoring.intervals import MIN_IMAGES

_NO_METRICS = ('n', 'epoch', 'step')  # what is written down beside metrics
_REASON = 160  # characters of a reason that a note shows


def summarize(
    title: str,
    arms: Sequence[Arm],
    baseline: str,
    results: Sequence[TrialResult],
    ranking: str = 'score',
    higher_is_better: bool = True,
    without_model: Mapping[str, float] | None = None,
) -> Summary:
    """Compare arms with a baseline over the seeds and folds that both have.

    The difference is of the ranking metric, its sign such that positive is better, with a paired t-interval; with one
    common seed and fold, a bootstrap over the images of that pair. Its p is corrected with Holm's method over the
    arms of the table, and over the main effects. An arm that successive halving dropped is compared with what the
    baseline had reached at that epoch.

    Args:
        title: of the experiment.
        arms: all of them, whatever has become of their trials.
        baseline: name of one of them.
        results: of trials in any state, those that have not started included; only of these arms.
        ranking: the metric to compare by.
        higher_is_better: of the ranking metric.
        without_model: the ranking metric of what needs no model, by name; arms that are worse are told so.

    Raises:
        ValueError: names that are unknown or not unique, two results of one arm, seed and fold, or a metric that no
            trial has.
    """
    trials = Trials(results, Ranking(ranking, higher_is_better))
    _check([arm.name for arm in arms], baseline, trials)
    rows = [_told_apart(_row(arm, baseline, trials), trials.ranking, without_model or {}) for arm in arms]
    corrected = holm([row.difference.p if row.difference else None for row in rows])
    rows = [
        replace(row, difference=replace(row.difference, p_holm=p)) if row.difference else row
        for row, p in zip(rows, corrected, strict=True)
    ]
    (first,) = (arm for arm in arms if arm.name == baseline)
    return Summary(
        title=title,
        baseline=baseline,
        ranking=ranking,
        rows=sorted(rows, key=lambda row: _order(row, baseline, trials.ranking)),
        main_effects=main_effects(arms, first, trials),
        warnings=tuple(_warnings(rows, baseline, trials)),
        higher_is_better=higher_is_better,
    )


def _check(arms: Sequence[str], baseline: str, trials: Trials) -> None:
    doubled = [name for name in dict.fromkeys(arms) if arms.count(name) > 1]
    if doubled:
        raise ValueError(f'several arms are called {doubled[0]!r}: give each a name of its own')
    if baseline not in arms:
        raise ValueError(f'the baseline {baseline!r} is none of the arms: choose one of {", ".join(arms) or "none"}')
    unknown = [name for name in trials.arms if name not in arms]
    if unknown:
        raise ValueError(f'there are results of {unknown[0]!r}, which is none of the arms {", ".join(arms)}')
    measured = [trial.metrics for arm in arms for trial in trials.of(arm) if is_counted(trial)]
    metric = trials.ranking.metric
    if measured and not any(metric in metrics for metrics in measured):
        raise ValueError(f'no trial measured {metric!r}: rank by one of {", ".join(_metrics(measured))}')


def _row(arm: Arm, baseline: str, trials: Trials) -> ArmSummary:
    counted = [trial for trial in trials.of(arm.name) if is_counted(trial)]
    ranking = trials.ranking
    difference = None
    if arm.name != baseline:
        pairs = [pair for unit in trials.units if (pair := trials.pair(arm.name, baseline, unit))]
        difference = compare([[pair] for pair in pairs], ranking)
    columns = {
        metric: np.array([trial.metrics[metric] for trial in counted if metric in trial.metrics], np.float64)
        for metric in _metrics(trial.metrics for trial in counted)
    }
    untrained = [trial.untrained[ranking.metric] for trial in counted if ranking.metric in trial.untrained]
    return ArmSummary(
        arm=arm,
        n=len(counted),
        mean={metric: float(values.mean()) for metric, values in columns.items()},
        std={metric: float(values.std(ddof=1)) if len(values) > 1 else math.nan for metric, values in columns.items()},
        untrained=float(np.mean(untrained)) if untrained else math.nan,
        difference=difference,
        costs=_mean_costs([trial.costs for trial in counted if trial.costs is not None]),
        notes=tuple(_notes(trials.of(arm.name), ranking)),
        learned=_has_learned(trials.of(arm.name), ranking),
    )


def _told_apart(row: ArmSummary, ranking: Ranking, without_model: Mapping[str, float]) -> ArmSummary:
    """A row with a note on what beats it without a model."""
    mean = row.mean.get(ranking.metric, math.nan)
    better = [f'{name} ({value:.4f})' for name, value in without_model.items() if ranking.gain(mean, value) < 0]
    return replace(row, notes=(*row.notes, f'worse than {" and ".join(better)}')) if better else row


def _metrics(measured: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for metrics in measured for name in metrics if name not in _NO_METRICS))


def _mean_costs(costs: Sequence[Costs]) -> Costs | None:
    if not costs:
        return None
    return Costs(
        parameters=round(np.mean([cost.parameters for cost in costs])),
        images_per_second=float(np.mean([cost.images_per_second for cost in costs])),
        peak_memory_mib=float(np.mean([cost.peak_memory_mib for cost in costs])),
        wall_minutes=float(np.mean([cost.wall_minutes for cost in costs])),
        gpu_minutes=float(np.mean([cost.gpu_minutes for cost in costs])),
    )


def _notes(trials: Sequence[TrialResult], ranking: Ranking) -> list[str]:
    """What became of an arm's trials, other than going well."""
    total = len(trials)
    if not trials:
        return ['not run yet']
    by_state = {state: [trial for trial in trials if trial.state == state] for state in ('failed', 'dropped')}
    notes = []
    if failed := by_state['failed']:
        notes.append(f'failed ({len(failed)} of {total}): {_reasons(failed) or "no reason is known"}')
    if dropped := by_state['dropped']:
        epochs = sorted({f'{trial.curve[-1]["epoch"]:g}' for trial in dropped if trial.curve}, key=float)
        when = f' at epoch {", ".join(epochs)}' if epochs else ''
        reasons = _reasons(dropped)
        notes.append(f'dropped{when} ({len(dropped)} of {total}){": " if reasons else ""}{reasons}')
    for state, words in (('waiting', 'not run yet'), ('running', 'running')):
        if count := sum(trial.state == state for trial in trials):
            notes.append(f'{words} ({count} of {total})')
    values = [(trial.metrics.get(ranking.metric), trial.untrained.get(ranking.metric)) for trial in trials]
    values = [value for value, trial in zip(values, trials, strict=True) if is_counted(trial)]
    if broken := sum(value is None or not math.isfinite(value) for value, _ in values):
        notes.append(f'{ranking.metric} is missing or not finite ({broken} of {total})')
    if not _has_learned(trials, ranking):
        notes.append('no better than untrained')
    return notes


def _has_learned(trials: Sequence[TrialResult], ranking: Ranking) -> bool:
    """Whether training made an arm better, over the trials that say so; without any, yes."""
    counted = [trial for trial in trials if is_counted(trial)]
    values = [(trial.metrics.get(ranking.metric), trial.untrained.get(ranking.metric)) for trial in counted]
    both = np.array([value for value in values if None not in value], np.float64)
    return not len(both) or not ranking.gain(*both.mean(axis=0)) <= 0


def _reasons(trials: Sequence[TrialResult]) -> str:
    """Different reasons, each once, on one line."""
    reasons = '; '.join(dict.fromkeys(' '.join(trial.reason.split()) for trial in trials if trial.reason.strip()))
    return reasons if len(reasons) <= _REASON else reasons[: _REASON - 1] + '…'


def _order(row: ArmSummary, baseline: str, ranking: Ranking) -> tuple[bool, bool, float]:
    """The baseline first, then best first; what has no number last."""
    mean = row.mean.get(ranking.metric, math.nan)
    unknown = not math.isfinite(mean)
    return row.arm.name != baseline, unknown, 0.0 if unknown else ranking.gain(0.0, mean)


def _warnings(rows: Sequence[ArmSummary], baseline: str, trials: Trials) -> list[str]:
    """What limits the table as a whole."""
    others = [row for row in rows if row.arm.name != baseline]
    compared: list[Comparison] = [row.difference for row in others if row.difference is not None]
    if others and not any(is_counted(trial) for trial in trials.of(baseline)):
        return [f'the baseline {baseline!r} has no trial that is done: there is nothing to compare with']
    warnings = []
    few = [difference.images for difference in compared if (difference.images or 0) < MIN_IMAGES]
    if few:
        measured = f'{min(few)} photographs' if None not in few else 'an unknown number of photographs'
        warnings.append(
            f'measured on {measured}: there are intervals and p from {MIN_IMAGES} on, since fewer say next to nothing '
            'of others. Give more photographs, more of the folds, or a data.val_root'
        )
    if any(difference.basis == 'images' or difference.n == 1 for difference in compared):
        warnings.append(
            'one pair of trainings (one seed, one fold): an interval is over images, and is about these images and '
            'these two networks only; another seed may turn it round. Take three seeds or more'
        )
    if any(difference.basis == 'pairs' and difference.n == 2 for difference in compared):
        warnings.append(
            'means over 2 pairs: intervals are wide, and rest on the assumption that differences are normal. '
            'Take three seeds or more'
        )
    missing = {row.arm.name: _missing(row.arm.name, baseline, trials) for row in others}
    listed = [f'{name} {count}' for name, count in missing.items() if count]
    if listed:
        more = f' and {len(listed) - 5} more arms' if len(listed) > 5 else ''
        warnings.append(
            f'pairs are missing (of {len(trials.units)}): {", ".join(listed[:5])}{more}; these arms are compared over '
            'fewer seeds and folds than others'
        )
    if len({fold for _, fold in trials.units}) > 1:
        warnings.append(
            'several folds: their training sets overlap, so intervals over folds are too narrow and p too small '
            '(Nadeau & Bengio 2003; Bengio & Grandvalet 2004)'
        )
    if any(trial.state == 'dropped' for row in rows for trial in trials.of(row.arm.name)):
        warnings.append(
            'some trials were dropped early: their means are of that epoch, and their differences to what the baseline '
            'had reached by then'
        )
    if len(precisions := _chosen_precisions(rows, trials)) > 1:
        counts = ', '.join(f'{precision} {count}' for precision, count in sorted(precisions.items()))
        warnings.append(
            f'trials trained in different precisions, as their machines chose ({counts}): a difference between arms '
            'may be one between machines. Set precision=bf16 or precision=float32 for all'
        )
    return warnings


def _chosen_precisions(rows: Sequence[ArmSummary], trials: Trials) -> Counter[str]:
    """How many trials trained in which precision, of the arms that do not set it themselves."""
    free = [row.arm.name for row in rows if 'precision' not in row.arm.changes]
    return Counter(trial.precision for name in free for trial in trials.of(name) if trial.precision)


def _missing(arm: str, baseline: str, trials: Trials) -> int:
    return sum(trials.pair(arm, baseline, unit) is None for unit in trials.units)
