"""How sure one can be of a mean over images: resampling, with a fixed seed, so that a report repeats.

The bootstrap's percentile interval is that of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 13.
"""

from dataclasses import dataclass

import numpy as np

PUBLIC_SHARE = 0.3  # of the competition's images; the private rest decides
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


def split_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Public and private means of many random splits of values (n,), n >= 2: each (splits,)."""
    rng = np.random.default_rng(_SEED)
    public_size = min(max(round(PUBLIC_SHARE * len(values)), 1), len(values) - 1)
    order = np.arange(len(values))
    public_sums = np.empty(_RESAMPLES)
    for split in range(_RESAMPLES):
        rng.shuffle(order)
        public_sums[split] = values[order[:public_size]].sum()
    private_sums = values.sum() - public_sums
    return public_sums / public_size, private_sums / (len(values) - public_size)


def split_gap(values: np.ndarray) -> float:
    """How far public and private mean lie apart at most in 95 of 100 random splits of values (n,), n >= 2."""
    public, private = split_means(values)
    return float(np.quantile(np.abs(public - private), 0.95))


def split_disagreement(differences: np.ndarray) -> float:
    """The share of random splits whose public half ranks two submissions otherwise than the private rest.

    Args:
        differences: (n,), one submission's score minus the other's, image by image; n >= 2.
    """
    public, private = split_means(differences)
    return float(np.mean(np.sign(public) != np.sign(private)))
