"""Batches: in which order samples are visited, how they are joined, and by how many processes."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from toolbox.data.dataset import Sample, TrainingDataset, ValidationDataset
from toolbox.data.rng import order_rng
from toolbox.data.workers import Loader, Sending, allow_open_files
from toolbox.plugin.types import Batch, Failure
from toolbox.system.interruption import leave_signals_to_parent

_IMAGES = ('damaged', 'mask', 'gray', 'rgb', 'hole')


class EpochSampler(Sampler):
    """Yields (epoch, index) of one process's share of every global batch.

    The order depends on (seed, epoch) alone, so one process and many see the same global batches. Every sample is
    visited; the last batch is filled up from the beginning of the order.

    Args:
        num_samples: samples in an epoch.
        global_batch: samples per step over all processes; a multiple of `world_size`.
    """

    def __init__(self, num_samples: int, global_batch: int, seed: int, rank: int = 0, world_size: int = 1) -> None:
        if global_batch % world_size:
            raise ValueError(
                f'data.batch_size={global_batch} is over all processes: give a multiple of the {world_size} processes'
            )
        self.num_samples = num_samples
        self.global_batch = global_batch
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.first_batch = 0
        self.steps = -(-num_samples // global_batch)

    def start_at(self, epoch: int, batch: int = 0) -> None:
        """Where the next iteration begins: in an epoch, `batch` batches from its start."""
        self.epoch = epoch
        self.first_batch = batch

    def __len__(self) -> int:
        return self.steps * self.global_batch // self.world_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = order_rng(self.seed, self.epoch).permutation(self.num_samples)
        order = np.resize(order, (self.steps, self.world_size, self.global_batch // self.world_size))
        for index in order[self.first_batch :, self.rank].ravel():
            yield self.epoch, int(index)


class ShardSampler(Sampler):
    """Indices of one process's share of a validation set: each exactly once over all processes."""

    def __init__(self, num_samples: int, rank: int = 0, world_size: int = 1) -> None:
        self.indices = range(rank, num_samples, world_size)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)


def collate_training(samples: Sequence[Sample]) -> Batch:
    """One batch; samples smaller than its largest are continued by reflection, hole and damage with them."""
    height = max(sample.gray.shape[0] for sample in samples)
    width = max(sample.gray.shape[1] for sample in samples)
    return _stack([_reflected(sample, height, width) for sample in samples])


class Batches(list[Batch]):
    """Batches of one size each, and the photographs that could not be read for them."""

    def __init__(self, batches: Iterable[Batch], failures: Sequence[Failure] = ()) -> None:
        super().__init__(batches)
        self.failures = list(failures)

    def pin_memory(self) -> 'Batches':
        """Called by the data loader when it pins."""
        return Batches((batch.pin_memory() for batch in self), self.failures)


def collate_by_shape(samples: Sequence[Sample | Failure]) -> Batches:
    """Batches of equal size each: what is measured on one image never depends on its neighbors."""
    shapes: dict[tuple[int, ...], list[Sample]] = defaultdict(list)
    failures = []
    for sample in samples:
        if isinstance(sample, Failure):
            failures.append(sample)
        else:
            shapes[sample.gray.shape].append(sample)
    return Batches((_stack(group) for group in shapes.values()), failures)


def training_loader(
    dataset: TrainingDataset, batch_size: int, workers: int | str, rank: int = 0, world_size: int = 1
) -> DataLoader:
    """Loader of this process's share of every global batch of `batch_size`."""
    sampler = EpochSampler(len(dataset), batch_size, dataset.seed, rank, world_size)
    return _loader(dataset, sampler, batch_size // world_size, workers, collate_training)


def validation_loader(
    dataset: ValidationDataset, batch_size: int, workers: int | str, rank: int = 0, world_size: int = 1
) -> DataLoader:
    """Loader of this process's share of the validation set, in lists of batches by shape."""
    sampler = ShardSampler(len(dataset), rank, world_size)
    return _loader(dataset, sampler, max(1, batch_size // world_size), workers, collate_by_shape)


def stop_workers(loader: DataLoader) -> None:
    """End the loader's persistent workers, which else live as long as it does; iterating starts new ones."""
    iterator, loader._iterator = loader._iterator, None
    if not hasattr(iterator, '_shutdown_workers'):
        return
    iterator._shutdown_workers()  # not only by its last reference: the traceback of an error may hold another
    for worker in iterator._workers:  # one that hangs, on a disk that does not answer, would keep this process alive
        if worker.is_alive():
            worker.kill()


def num_workers(workers: int | str) -> int:
    """`auto` leaves one core to the training process and takes at most eight others."""
    if workers != 'auto':
        return int(workers)
    return min(8, len(os.sched_getaffinity(0)) - 1)


def _loader(dataset, sampler: Sampler, batch_size: int, workers: int | str, collate) -> DataLoader:
    count = num_workers(workers)
    if count:
        allow_open_files()
    return Loader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=count,
        collate_fn=Sending(collate),
        pin_memory=torch.cuda.is_available(),
        persistent_workers=count > 0,
        worker_init_fn=_start_worker,
        multiprocessing_context='fork' if count and hasattr(os, 'fork') else None,
        generator=torch.Generator(),  # else each epoch's start draws from the global state, and a resume once more
    )


def _start_worker(_: int) -> None:
    """The workers are the parallelism; threads inside them would fight over the same cores."""
    import cv2

    leave_signals_to_parent()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _reflected(sample: Sample, height: int, width: int) -> Sample:
    below, right = height - sample.gray.shape[0], width - sample.gray.shape[1]
    if not below and not right:
        return sample
    padded = {}
    for key in _IMAGES:
        image = getattr(sample, key)
        padded[key] = np.pad(image, [(0, below), (0, right)] + [(0, 0)] * (image.ndim - 2), mode='symmetric')
    return Sample(sample.name, **padded, failures=sample.failures)


def _stack(samples: Sequence[Sample]) -> Batch:
    def tensor(key: str) -> torch.Tensor:
        stacked = torch.from_numpy(np.stack([getattr(sample, key) for sample in samples]))
        return stacked.permute(0, 3, 1, 2) if stacked.ndim == 4 else stacked.unsqueeze(1)

    failures = [failure for sample in samples for failure in sample.failures]
    return Batch([sample.name for sample in samples], **{key: tensor(key) for key in _IMAGES}, failures=failures)
