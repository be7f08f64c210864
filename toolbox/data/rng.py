"""Random generators that belong to a sample, not to a process.

A training sample's generator is made from ``(seed, epoch, index)``, a validation sample's from ``(seed, name)``:
the same sample comes out for any number of workers and processes, and after a resume.
"""

import hashlib

import numpy as np

# One number per use keeps the streams of equal seeds apart.
_TRAINING, _FROZEN, _ORDER = 1, 2, 3


def training_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Generator of training sample `index` in `epoch`."""
    return np.random.default_rng((_TRAINING, seed, epoch, index))


def frozen_rng(seed: int, name: str) -> np.random.Generator:
    """Generator of a validation sample: depends on the seed and the file's name alone."""
    digest = hashlib.sha256(name.encode('utf-8', 'surrogateescape')).digest()
    return np.random.default_rng((_FROZEN, seed, int.from_bytes(digest[:8], 'big')))


def order_rng(seed: int, epoch: int) -> np.random.Generator:
    """Generator of the order in which `epoch` visits its samples."""
    return np.random.default_rng((_ORDER, seed, epoch))
