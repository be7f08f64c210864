"""Real processes for tests that kill them: forked from a server that has imported everything, so each starts at once.

The module is what the server imports beforehand; it is imported by each test that uses it, too.
"""

import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from tests.support import RECIPE, TINY
from toolbox.plugin.discovery import discover_plugins
from toolbox.training import train as _train_api  # noqa: F401 (what the server imports ahead)
from tools import train as train_tool

discover_plugins()
for _module in ('albumentations', 'cv2', 'matplotlib.pyplot', 'numba', 'segmentation_models_pytorch'):
    importlib.import_module(_module)  # what a run imports on its way

PLANTED_PARTS = Path(__file__).with_name('planted_parts.py')  # for `custom_imports`

_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(['tests.training.processes'])


def command(photos: Path, folder: Path, *options: str, resume: bool = False, launcher: str = 'none') -> list[str]:
    """The arguments of `tools/train.py` for a tiny run."""
    arguments = [RECIPE, '--data-root', str(photos), '--work-dir', str(folder), '--launcher', launcher]
    return [*arguments, *(['--resume'] if resume else []), '--cfg-options', *TINY, *options]


def start(arguments: Sequence[str], output: Path, plant: Callable[..., None] | None = None, *values: Any) -> Any:
    """Start `tools/train.py` in a process of its own.

    Args:
        arguments: of the tool.
        output: what it prints is appended there.
        plant: called first, with `values`: a fault to be met on the way. A function of a module.
    """
    process = _CONTEXT.Process(target=_main, args=(list(arguments), str(output), plant, values))
    process.start()
    return process


def start_group(size: int, arguments: Sequence[str], output: Path, plant: Callable[..., None] | None = None) -> list:
    """Start as many processes as torchrun would, on CPU; `plant` is called with the rank."""
    meeting = output.with_name(f'{output.name}.meeting.{time.time_ns()}')
    processes = []
    for rank in range(size):
        values = (plant, rank, size, str(meeting))
        processes.append(start([*arguments], output.with_name(f'{output.name}.{rank}'), _join_group, *values))
    return processes


def lead_a_group() -> None:
    """Become the leader of a process group, so that a signal reaches this process and its workers alone."""
    os.setpgid(0, 0)


def finish(*processes: Any, timeout: float = 60) -> list[int]:
    """The exit codes; a signal's number below zero."""
    for process in processes:
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f'still running after {timeout} s')
    return [process.exitcode for process in processes]


def _join_group(plant: Callable[..., None] | None, rank: int, size: int, meeting: str) -> None:
    torch.distributed.init_process_group('gloo', init_method=f'file://{meeting}', rank=rank, world_size=size)
    if plant is not None:
        plant(rank)


def _main(arguments: list[str], output: str, plant: Callable[..., None] | None, values: Sequence[Any]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout = os.fdopen(1, 'w', buffering=1)
    sys.stderr = os.fdopen(2, 'w', buffering=1)
    torch.set_num_threads(1)
    if plant is not None:
        plant(*values)
    sys.exit(train_tool.main(arguments))
