"""What splitting images into public and private ones does to scores: with a fixed seed, so that a report repeats."""

import numpy as np

PUBLIC_SHARE = 0.3  # of the competition's images; the private rest decides
_SPLITS = 4000
_SEED = 236420


def split_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Public and private means of many random splits of values (n,), n >= 2: each (splits,)."""
    rng = np.random.default_rng(_SEED)
    public_size = min(max(round(PUBLIC_SHARE * len(values)), 1), len(values) - 1)
    order = np.arange(len(values))
    public_sums = np.empty(_SPLITS)
    for split in range(_SPLITS):
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
