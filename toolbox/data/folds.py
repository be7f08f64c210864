"""Splits photographs into folds that stay the same for the same files and seed."""

import hashlib
import heapq
from collections.abc import Sequence

import numpy as np


def split_folds(names: Sequence[str], k: int, seed: int, groups: Sequence[int] | None = None) -> np.ndarray:
    """Number of the fold in which each photograph validates.

    Depends on the set of names, their groups and the seed: not on the order of listing, the process, or how groups
    are numbered. Groups are dealt out largest first, each into the smallest fold; without groups the folds' sizes
    differ by one at most.

    Args:
        names: n unique names.
        k: number of folds, 2 to the number of groups.
        seed: other seeds shuffle differently.
        groups: n labels; photographs of equal labels stay together. None: each for itself.

    Returns:
        int64 (n,) in 0 .. k-1.

    Raises:
        ValueError: a k that leaves nothing to train on or to validate on.
    """
    labels = np.arange(len(names)) if groups is None else np.asarray(groups)
    _, group_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if k < 2:
        raise ValueError(f'{k} folds: one validates and the others train, so give at least 2')
    if k > len(sizes):
        together = '' if len(sizes) == len(names) else f' in {len(sizes)} groups that stay together'
        repair = f'set data.folds={len(sizes)} or fewer, or add photographs' if len(sizes) > 1 else 'add photographs'
        raise ValueError(f'{k} folds of {len(names)} photographs{together}: a fold would be empty; {repair}')
    ranks = np.fromiter((_rank(name, seed) for name in names), np.uint64, len(names))
    group_ranks = np.full(len(sizes), np.iinfo(np.uint64).max)
    np.minimum.at(group_ranks, group_of, ranks)
    fold_of_group = np.empty(len(sizes), np.int64)
    smallest_first = [(0, fold) for fold in range(k)]
    for group in np.lexsort((group_ranks, -sizes)):
        size, fold = smallest_first[0]
        fold_of_group[group] = fold
        heapq.heapreplace(smallest_first, (size + int(sizes[group]), fold))
    return fold_of_group[group_of]


def _rank(name: str, seed: int) -> int:
    """A place in a shuffled order that every process and machine agrees on."""
    digest = hashlib.blake2b(f'{seed}:{name}'.encode('utf-8', 'surrogateescape'), digest_size=8).digest()
    return int.from_bytes(digest, 'big')
