"""A mean over images and how sure it is: resampling, with a fixed seed, so that a report repeats.

The bootstrap's percentile interval is that of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 13.
On few images it is too narrow: one of 95 % holds the mean in 49 to 85 of 100 cases below five images, in 90 at nine.
"""

import math
from dataclasses import dataclass

import numpy as np

MIN_IMAGES = 20  # no interval, no p and no verdict on fewer
_RESAMPLES = 4000
_SEED = 236420
_ELEMENTS_AT_ONCE = 2**22


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds it with 95 % confidence; `low` and `high` are NaN where there is none."""

    mean: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, without zero in it."""
        return self.low > 0 or self.high < 0


def bootstrap_interval(values: np.ndarray) -> Interval:
    """The mean of values (n,) with its 95 % bootstrap interval, drawing images with replacement.

    There is no interval for fewer than `MIN_IMAGES` values.
    """
    size = len(values)
    if size < MIN_IMAGES:
        return Interval(float(np.mean(values)), math.nan, math.nan)
    rng = np.random.default_rng(_SEED)
    step = max(1, _ELEMENTS_AT_ONCE // size)
    means = np.concatenate(
        [
            values[rng.integers(0, size, (min(step, _RESAMPLES - start), size))].mean(axis=1)
            for start in range(0, _RESAMPLES, step)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))
