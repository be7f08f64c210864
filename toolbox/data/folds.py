"""Splits photographs into folds that stay the same for the same files and seed."""

import hashlib
from collections.abc import Sequence

import numpy as np


def split_folds(
    names: Sequence[str],
    k: int,
    seed: int,
    groups: Sequence[int] | None = None,
    strata: Sequence[int] | None = None,
) -> np.ndarray:
    """Number of the fold in which each photograph validates.

    Depends on the set of names, their groups and the seed: not on the order of listing, the process, or how groups
    are numbered. Groups are dealt out largest first, each into the fold with the fewest photographs of its stratum, of
    equal ones into the smallest; without groups and strata the folds' sizes differ by one at most.

    Args:
        names: n unique names.
        k: number of folds, 2 to the number of groups.
        seed: other seeds shuffle differently.
        groups: n labels; photographs of equal labels stay together. None: each for itself.
        strata: n labels; photographs of equal labels are spread evenly over the folds. A group is of the stratum that
            most of its photographs are of. None: all are alike.

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
    stratum_of_group = np.zeros(len(sizes), np.int64) if strata is None else _majority(group_of, np.asarray(strata))
    filled, total = [[0] * k for _ in range(stratum_of_group.max() + 1)], [0] * k
    for group in np.lexsort((group_ranks, -sizes)):
        of_stratum = filled[stratum_of_group[group]]
        fold = min(range(k), key=lambda fold: (of_stratum[fold], total[fold]))
        fold_of_group[group] = fold
        of_stratum[fold] += int(sizes[group])
        total[fold] += int(sizes[group])
    return fold_of_group[group_of]


def _majority(group_of: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """The stratum, numbered from 0, of most photographs of each group; of equally many the smaller label."""
    stratum_of = np.unique(strata, return_inverse=True)[1]
    pairs, counts = np.unique(np.stack([group_of, stratum_of]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    first = np.unique(pairs[0][order], return_index=True)[1]
    return pairs[1][order][first]


def _rank(name: str, seed: int) -> int:
    """A place in a shuffled order that every process and machine agrees on."""
    digest = hashlib.blake2b(f'{seed}:{name}'.encode('utf-8', 'surrogateescape'), digest_size=8).digest()
    return int.from_bytes(digest, 'big')
