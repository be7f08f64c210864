"""How sure a difference between arms is: paired t-tests, Holm's correction, and a bootstrap where there is one pair.

All of it is about differences within pairs: two arms that trained with one seed on one fold saw the same photographs,
in the same order, with the same damage, so what seed and fold do to both cancels.
"""

import math
from collections.abc import Sequence

import numpy as np

from toolbox.experiment.results import Comparison
from toolbox.scoring.intervals import bootstrap_interval

_LEVEL = 0.95


def paired_t(differences: Sequence[float] | np.ndarray) -> Comparison:
    """Mean, 95 % interval and two-sided p of paired differences (n,), n >= 1, by the t distribution (Student 1908).

    One difference has no spread, and so neither interval nor p; the same goes for differences that are not finite.
    Differences that are all equal have an interval of width zero, and p is 1 if they are 0, else 0: what repeats
    exactly, like an arm that changes nothing, is no matter of chance.
    """
    from scipy.special import stdtr, stdtrit  # the t distribution; scipy.stats takes a second to load

    values = np.asarray(differences, np.float64)
    n, mean = len(values), float(np.mean(values))
    if n < 2 or not np.isfinite(values).all():
        return Comparison(n, mean, math.nan, math.nan)
    if np.ptp(values) == 0:
        mean = float(values[0])
        return Comparison(n, mean, mean, mean, p=1.0 if mean == 0 else 0.0)
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    reach = float(stdtrit(n - 1, (1 + _LEVEL) / 2)) * error
    return Comparison(n, mean, mean - reach, mean + reach, p=float(2 * stdtr(n - 1, -abs(mean) / error)))


def paired_bootstrap(differences: Sequence[float] | np.ndarray) -> Comparison:
    """Mean and 95 % bootstrap interval of differences per image (n,), n >= 2, of one pair of trainings.

    Of fewer than `toolbox.scoring.intervals.MIN_IMAGES` images there is no interval.

    It has no p: other images of the same two networks would fall into the interval, other trainings need not.
    """
    interval = bootstrap_interval(np.asarray(differences, np.float64))
    return Comparison(len(differences), interval.mean, interval.low, interval.high, basis='images')


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P values corrected for their number: Holm, "A simple sequentially rejective multiple test procedure" (1979).

    Whoever calls a difference real where the corrected p is below 0.05 is wrong about any of a family of true null
    hypotheses in at most 5 % of experiments, however the tests depend on each other. None, and NaN, are no tests: they
    stay None and do not count.
    """
    tested = [index for index, p in enumerate(p_values) if p is not None and not math.isnan(p)]
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for place, index in enumerate(sorted(tested, key=lambda index: p_values[index])):
        least = max(least, min(1.0, (len(tested) - place) * p_values[index]))
        corrected[index] = least
    return corrected
