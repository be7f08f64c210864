"""Looks at every file of a data set once, and embeds it, unless both were done before."""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from toolbox.cleaning.cache import Cache
from toolbox.cleaning.files import Look, look_at
from toolbox.data.loaders import num_workers
from toolbox.data.manifest import Manifest
from toolbox.data.workers import Loader
from toolbox.plugin.contracts import Embedder
from toolbox.system.interruption import die_with_parent

# Looks at a batch of files, and the vectors of those that are new.
Batch = tuple[list[Look], np.ndarray]


@dataclass
class Scan:
    """What a pass over N files found.

    Attributes:
        hashes: SHA-256 of each file, empty where it could not be read.
        num_bytes: int64 (N,).
        failures: why a file is no image, by its index.
        num_new: how many images were decoded and embedded; the others were known.
    """

    hashes: list[bytes]
    num_bytes: np.ndarray
    failures: dict[int, str]
    num_new: int = 0


def scan_files(num_files: int, batches: Iterator[Batch], cache: Cache, advance: Callable[[int], None]) -> Scan:
    """Keep what the batches bring, in any order, and sum it up.

    Args:
        num_files: of the data set.
        batches: from `local_batches`, or from other machines.
        cache: is given each batch as it comes.
        advance: told how many files were done.
    """
    scan = Scan([b''] * num_files, np.zeros(num_files, np.int64), {})
    for looks, vectors in batches:
        cache.add(new_images(looks), vectors)
        scan.num_new += len(vectors)
        for look in looks:
            scan.hashes[look.index] = look.sha256
            scan.num_bytes[look.index] = look.num_bytes
            if look.failure is not None:
                scan.failures[look.index] = look.failure
        advance(len(looks))
    return scan


def local_batches(photos: Manifest, embedder: Embedder, known: frozenset[bytes], workers: int | str) -> Iterator[Batch]:
    """Read, decode and prepare in loader processes, embed in this one; in the order of the files.

    Args:
        photos: the files.
        embedder: what embeds them.
        known: SHA-256 of the files that need not be decoded.
        workers: loader processes, or 'auto'.
    """
    loader = Loader(
        _Files(photos, embedder, known),
        batch_size=embedder.batch_size,
        num_workers=num_workers(workers),
        collate_fn=list,
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # else the start draws from the global state
        setting='workers',
    )
    for looks in loader:
        yield looks, embed(looks, embedder)


def embed(looks: Sequence[Look], embedder: Embedder) -> np.ndarray:
    """The vectors of the new images among a batch of files, (N, D); (0, 0) if there are none."""
    new = new_images(looks)
    return embedder(np.stack([look.prepared for look in new])) if new else np.empty((0, 0), np.float32)


def new_images(looks: Sequence[Look]) -> list[Look]:
    """Those that were decoded."""
    return [look for look in looks if look.facts is not None]


def _start_worker(_: int) -> None:
    """One thread for each; Ctrl-C is for the parent to hear, whose end is the worker's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is prepared goes through a pipe, in which a worker would wait for ever for a parent that was killed.
    die_with_parent()
    torch.set_num_threads(1)


class _Files(Dataset):
    def __init__(self, photos: Manifest, embedder: Embedder, known: frozenset[bytes]) -> None:
        self._photos = photos
        self._embedder = embedder
        self._known = known

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> Look:
        return look_at(index, self._photos[index].path, self._embedder.prepare, self._known)
