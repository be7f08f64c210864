"""A mean over images and how sure it is: resampling, with a fixed seed, so that a report repeats.

The bootstrap's percentile interval is that of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 13.
"""

from dataclasses import dataclass

import numpy as np

_RESAMPLES = 4000
_SEED = 236420
_ELEMENTS_AT_ONCE = 2**22


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds it with 95 % confidence."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def bootstrap_interval(values: np.ndarray) -> Interval:
    """The mean of values (n,) with its 95 % bootstrap interval, drawing images with replacement."""
    rng = np.random.default_rng(_SEED)
    size = len(values)
    step = max(1, _ELEMENTS_AT_ONCE // size)
    means = np.concatenate(
        [
            values[rng.integers(0, size, (min(step, _RESAMPLES - start), size))].mean(axis=1)
            for start in range(0, _RESAMPLES, step)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))
