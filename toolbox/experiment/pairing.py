"""Which trials are compared, with which of their numbers, and what the differences say together."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolbox.experiment.results import Comparison, TrialResult
from toolbox.experiment.statistics import paired_bootstrap, paired_t
from toolbox.scoring.intervals import MIN_IMAGES

Unit = tuple[int, int]  # seed, fold
Pair = tuple[TrialResult, TrialResult]  # the one that is asked about, and what it is compared with


@dataclass(frozen=True)
class Ranking:
    """The metric that ranks."""

    metric: str
    higher_is_better: bool

    def gain(self, value: float, reference: float) -> float:
        """By how much a value is better than a reference."""
        return value - reference if self.higher_is_better else reference - value

    def best(self, values: Sequence[float]) -> float:
        """The best of some values."""
        return max(values) if self.higher_is_better else min(values)


def is_counted(trial: TrialResult) -> bool:
    """Whether a trial has numbers that count: of a whole training, or of one that successive halving ended."""
    return trial.state in ('done', 'dropped')


class Trials:
    """The results of an experiment, by arm and by seed and fold.

    Args:
        results: in any order.

    Raises:
        ValueError: two results of one arm, seed and fold.
    """

    def __init__(self, results: Iterable[TrialResult], ranking: Ranking) -> None:
        self.ranking = ranking
        self._by_arm: dict[str, dict[Unit, TrialResult]] = {}
        for trial in results:
            units = self._by_arm.setdefault(trial.arm, {})
            if (trial.seed, trial.fold) in units:
                raise ValueError(
                    f'arm {trial.arm!r} has two results with seed {trial.seed} and fold {trial.fold}: give one each'
                )
            units[trial.seed, trial.fold] = trial
        self.units = sorted({unit for units in self._by_arm.values() for unit in units})

    @property
    def arms(self) -> list[str]:
        """Names of the arms that have results."""
        return list(self._by_arm)

    def of(self, arm: str) -> list[TrialResult]:
        """All results of an arm, by seed and fold."""
        units = self._by_arm.get(arm, {})
        return [units[unit] for unit in sorted(units)]

    def pair(self, arm: str, reference: str, unit: Unit) -> Pair | None:
        """The trials of two arms with one seed and fold; None unless both have a number that ranks."""
        trial, other = (self._by_arm.get(name, {}).get(unit) for name in (arm, reference))
        if trial is None or other is None or _values((trial, other), self.ranking) is None:
            return None
        return trial, other


def compare(units: Sequence[Sequence[Pair]], ranking: Ranking) -> Comparison | None:
    """The difference over units, positive where the first of each pair is better; None without a unit.

    A unit counts once, with the mean over its pairs: they share seed and fold, and are no independent trainings. A
    single unit is compared image by image. On fewer than `MIN_IMAGES` photographs the mean is all there is: what they
    say may be turned round by the next few, however many trainings agree on them.

    Args:
        units: for each seed and fold, pairs from `Trials.pair`.
    """
    if not units:
        return None
    difference, images = None, _num_images(units)
    if len(units) == 1:
        gains = _gains_per_image(units[0], ranking)
        if len(gains) > 1 and np.isfinite(gains).all():
            difference = paired_bootstrap(gains)
    if difference is None:
        difference = paired_t([_mean(ranking.gain(*_values(pair, ranking)) for pair in pairs) for pairs in units])
    if images is None or images < MIN_IMAGES:
        return replace(difference, low=math.nan, high=math.nan, p=None, images=images)
    return replace(difference, images=images)


def _num_images(units: Sequence[Sequence[Pair]]) -> int | None:
    """Photographs that trials were measured on, those of each fold once; None where a trial does not say."""
    of_fold: dict[int, int] = {}
    for trial in (trial for pairs in units for pair in pairs for trial in pair):
        count = len(trial.per_image) or trial.metrics.get('n')
        if count is None:
            return None
        of_fold[trial.fold] = min(int(count), of_fold.get(trial.fold, int(count)))
    return sum(of_fold.values())


def _values(pair: Pair, ranking: Ranking) -> tuple[float, float] | None:
    """What a pair is compared by: the best of each; where one was dropped, the best of each up to that epoch."""
    if not all(map(is_counted, pair)):
        return None
    if all(trial.state == 'done' for trial in pair):
        values = [trial.metrics.get(ranking.metric) for trial in pair]
    else:
        last = [_last_epoch(trial) for trial in pair if trial.state == 'dropped']
        if None in last:
            return None
        values = [_best_until(trial, min(last), ranking) for trial in pair]
    return None if None in values else (values[0], values[1])


def _last_epoch(trial: TrialResult) -> float | None:
    return trial.curve[-1]['epoch'] if trial.curve else None


def _best_until(trial: TrialResult, epoch: float, ranking: Ranking) -> float | None:
    """The best of the validations up to an epoch; that of the untrained network, at step 0, is none of training's."""
    values = [
        validation[ranking.metric]
        for validation in trial.curve
        if validation['step'] > 0
        and validation['epoch'] <= epoch
        and math.isfinite(validation.get(ranking.metric, math.nan))
    ]
    return ranking.best(values) if values else None


def _gains_per_image(pairs: Sequence[Pair], ranking: Ranking) -> np.ndarray:
    """Means over pairs for each image that all trials have, (n,); none where a pair is compared at an earlier epoch."""
    if any(trial.state == 'dropped' for pair in pairs for trial in pair):
        return np.empty(0)
    rows = [trial.per_image for pair in pairs for trial in pair]
    images = [name for name in rows[0] if all(ranking.metric in of_trial.get(name, {}) for of_trial in rows)]
    return np.array([_mean(_gain_of(image, pair, ranking) for pair in pairs) for image in images])


def _gain_of(image: str, pair: Pair, ranking: Ranking) -> float:
    value, reference = (trial.per_image[image][ranking.metric] for trial in pair)
    return ranking.gain(value, reference)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return math.fsum(values) / len(values)
