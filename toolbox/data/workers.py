"""Loader workers: how their batches travel, also where shared memory is short, and what is said when one is lost.

torch's workers hand tensors on in shared memory, which containers often limit to 64 MB. Where it has no room, a thread
of the worker prints an error, the batch is gone, and the training waits for it for ever. Here a batch is put into
shared memory before it is handed on; one that does not fit travels through a pipe, which is slower and needs none.
"""

import errno
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from toolbox.plugin.types import Batch, Failure

logger = logging.getLogger('huefill')

# torch's __del__ asks for it, also where __init__ has failed before it was set.
_MultiProcessingDataLoaderIter._shutdown = True
SHARED_MEMORY = Path('/dev/shm')
_BYTES_PER_PIXEL = 7  # of a training batch: damaged, mask, gray, hole, and three of rgb
# How torch begins what it says of a worker that is gone; errors within a worker begin otherwise.
_LOST = re.compile(r'DataLoader worker \(pid(\(s\))? [\d, ]+\) (is killed by signal: (?P<signal>[\w ]+)|exited)')


class LostWorker(ChildProcessError):
    """A loader worker is gone."""


class Loader(DataLoader):
    """torch's loader, which says what to do when a worker is lost, and does without where none can be started.

    Args:
        setting: the config's key that says how many workers there are, for errors.

    Attributes:
        waiting: makes the context in which a batch is waited for.
    """

    def __init__(self, *args: Any, setting: str = 'data.workers', **options: Any) -> None:
        super().__init__(*args, **options)
        self.setting = setting
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext

    def __iter__(self) -> Iterator[Any]:
        batches = self._start()
        while True:
            with self.waiting():
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                except RuntimeError as error:
                    if why := _why_lost(error, self.setting):
                        raise LostWorker(why) from error
                    raise
            yield batch

    def _start(self) -> Iterator[Any]:
        """Start the workers; where that cannot be, this process does their work."""
        try:
            return super().__iter__()
        except OSError as error:
            if not self.num_workers:
                raise
            where = f'{SHARED_MEMORY} has no room' if error.errno == errno.ENOSPC else error.strerror
            logger.warning(
                f'the {self.num_workers} loader workers cannot be started: {where}. Photographs are read between the '
                'steps, which is slower. Give a container more shared memory (docker run --shm-size=1g); or set '
                f'{self.setting}=0, and this is not tried'
            )
        self.num_workers = 0
        return super().__iter__()


@contextmanager
def waiting_in(waiting: Callable[[], AbstractContextManager[None]], *loaders: Loader) -> Iterator[None]:
    """Within, loaders wait for each batch in a context of `waiting`."""
    for loader in loaders:
        loader.waiting = waiting
    try:
        yield
    finally:
        for loader in loaders:
            loader.waiting = nullcontext


class Sending:
    """A collate function whose batches reach the main process whether or not shared memory has room for them.

    Args:
        collate: makes a `Batch` or a list of them.
    """

    def __init__(self, collate: Callable[[Sequence[Any]], Any]) -> None:
        self.collate = collate
        self.told = False

    def __call__(self, samples: Sequence[Any]) -> Any:
        content = self.collate(samples)
        if get_worker_info() is None:
            return content
        try:
            for batch in [content] if isinstance(content, Batch) else content:
                for tensor in _tensors(batch).values():
                    tensor.share_memory_()
        except RuntimeError as error:  # how torch reports what the system said
            self._tell(error)
            return _ByPipe(content)
        return content

    def _tell(self, error: RuntimeError) -> None:
        if not self.told:
            logger.warning(
                f'loader worker {get_worker_info().id}: {error}: batches travel through a pipe, which is slower. Give '
                'a container more shared memory (docker run --shm-size=1g), or set data.workers=0'
            )
        self.told = True


class _ByPipe:
    """Arrives as what it holds, its tensors as bytes in place of shared memory."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __reduce__(self) -> tuple[Callable, tuple]:
        if isinstance(self.content, Batch):
            return _batch, (_plain(self.content),)
        return _batches, (type(self.content), [_plain(batch) for batch in self.content], self.content.failures)


def _tensors(batch: Batch) -> dict[str, Tensor]:
    return {key: value for key, value in vars(batch).items() if isinstance(value, Tensor)}


def _plain(batch: Batch) -> dict[str, Any]:
    """Fields of a batch; a tensor as its bytes, and how they lie, on which the rounding of what is computed depends."""
    plain = {field.name: getattr(batch, field.name) for field in fields(batch)}
    for key, tensor in _tensors(batch).items():
        numbers = tensor.new_empty(0).set_(tensor.untyped_storage()).numpy()
        plain[key] = numbers, tuple(tensor.shape), tensor.stride(), tensor.storage_offset()
    return plain


def _batch(plain: dict[str, Any]) -> Batch:
    tensors = {key: value for key, value in plain.items() if isinstance(value, tuple)}
    return Batch(**{**plain, **{key: torch.from_numpy(n).as_strided(*how) for key, (n, *how) in tensors.items()}})


def _batches(kind: type, plain: list[dict[str, Any]], failures: list[Failure]) -> Any:
    return kind([_batch(one) for one in plain], failures)


def allow_open_files(number: int = 4096) -> None:
    """Raise the system's soft limit of open files, as far as the hard one allows: each tensor under way takes one."""
    try:
        import resource
    except ImportError:  # there are none such on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def shared_memory_shortage(workers: int, batch_size: int, size: int) -> str:
    """What to tell where shared memory does not hold the batches that are under way at a time; '' where it does.

    Args:
        workers: of a training loader.
        batch_size: of this process.
        size: of a crop, in pixels a side.
    """
    if not workers or not SHARED_MEMORY.is_dir():
        return ''
    free = shutil.disk_usage(SHARED_MEMORY).free
    needed = (2 * workers + 1) * batch_size * size**2 * _BYTES_PER_PIXEL  # two of each worker, one in the step
    if free >= needed:
        return ''
    return (
        f'{SHARED_MEMORY} has {free / 2**20:.1f} MiB free, and the batches of {workers} loader workers take '
        f'{needed / 2**20:.1f}: those that do not fit travel through pipes, which is slower. Give a container more '
        '(docker run --shm-size=1g), or set data.workers=0'
    )


@contextmanager
def loss_of_a_worker_explained(way_on: str, setting: str = 'data.workers') -> Iterator[None]:
    """Turn torch's error about a loader worker that is gone, which comes at any moment, into one that says what to do.

    Args:
        way_on: what to do after that, in words.
        setting: the config's key that says how many workers there are.

    Raises:
        LostWorker: with what to type.
    """
    try:
        yield
    except LostWorker as error:
        raise LostWorker(f'{error}; {way_on}') from error
    except RuntimeError as error:
        if why := _why_lost(error, setting):
            raise LostWorker(f'{why}; {way_on}') from error
        raise


def _why_lost(error: BaseException | None, setting: str) -> str:
    """'' where an error is about something else."""
    lost = _LOST.match(str(error))
    if lost is None:
        return ''
    while error is not None and not lost['signal']:  # of two errors about it the first one knows the signal
        error = error.__cause__ or error.__context__
        lost = _LOST.match(str(error)) or lost
    if lost['signal'] is None:
        why = 'a loader worker has ended before its work was done'
    elif lost['signal'] == 'Killed':
        why = 'a loader worker was killed by SIGKILL: most often the system does so when it runs out of memory'
    else:
        why = f'a loader worker was killed by a signal: {lost["signal"]}'
    return f'{why}. Fewer workers need less memory: --cfg-options {setting}=1, or 0'
