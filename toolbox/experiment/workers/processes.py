"""Jobs in processes of this machine: each in one of its own, forked from a server that has imported everything.

What a job does to its process, a leak or a crash included, touches no other; and none of them outlives its parent.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from toolbox.experiment.workers.engine import Job
from toolbox.system.interruption import Stopped, StopRequest, die_with_parent, stop_on_signals

_POLL = 1.0  # seconds between looks at signals


class LocalEngine:
    """Runs jobs in `workers` processes at a time, each with its share of the cores, and in turns on the GPUs.

    Args:
        workers: processes.
        preload: modules that the server imports before it forks, so that a job need not.
        quiet: what a job prints goes to output.log in its folder only.
    """

    def __init__(self, workers: int = 1, preload: Sequence[str] = (), quiet: bool = True) -> None:
        if workers < 1:
            raise ValueError(f'--workers {workers}: expected at least 1')
        self.workers = workers
        self.quiet = quiet
        # What is imported asks for GPUs. Asked through CUDA, a process and all that are forked from it are bound to it,
        # and these can use none; NVML leaves no trace.
        os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')
        self._context = multiprocessing.get_context(_start_method())
        if self._context.get_start_method() == 'forkserver':
            self._context.set_forkserver_preload(list(preload))

    def run(self, function: Callable[[Any], int], jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """As `Engine.run`."""
        waiting, running = list(jobs), {}
        request = StopRequest()
        with stop_on_signals(request):
            try:
                while (waiting or running) and request.signal_number is None:
                    for slot in [slot for slot in range(self.workers) if slot not in running][: len(waiting)]:
                        running[slot] = self._start(function, waiting.pop(0), slot)
                    wait([process.sentinel for _, process in running.values()], timeout=_POLL)
                    if request.signal_number is not None:
                        break  # a Ctrl-C stops the jobs, too: that is not their end
                    for slot, (job, process) in list(running.items()):
                        if process.exitcode is not None:
                            del running[slot]
                            yield job, process.exitcode
            finally:
                for _, process in running.values():
                    process.terminate()
                for _, process in running.values():
                    process.join()
        if request.signal_number is not None:
            raise Stopped(
                f'stopped by {signal.Signals(request.signal_number).name}; what was running is saved: the same command '
                'goes on from there',
                request.signal_number,
            )

    def _start(self, function: Callable[[Any], int], job: Job, slot: int) -> tuple[Job, Any]:
        output = str(job.folder / 'output.log') if self.quiet else None
        arguments = (function, job, output, slot, self.workers)
        process = self._context.Process(target=_run, args=arguments, name=job.folder.name)
        process.start()
        return job, process


def _start_method() -> str:
    """How jobs start: forked from a server, or anew where there are GPUs that NVML does not count (MIG, ROCm)."""
    import torch

    uncounted = torch.cuda._device_count_nvml() < 0 and torch.cuda.is_available()
    return 'spawn' if uncounted else 'forkserver'


def _run(function: Callable[[Any], int], job: Job, output: str | None, slot: int, workers: int) -> None:
    die_with_parent()  # the server, which ends with its own parent
    if output is not None:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    multiprocessing.set_start_method('fork', force=True)  # how training starts its loader workers
    _take_share(slot, workers)
    sys.exit(function(job))


def _take_share(slot: int, workers: int) -> None:
    """One of the GPUs, and a share of the cores that others leave alone."""
    import torch

    if workers > 1:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) >= workers:
            os.sched_setaffinity(0, cores[slot::workers])
        given = os.environ.get('CUDA_VISIBLE_DEVICES')
        gpus = given.split(',') if given else [str(number) for number in range(torch.cuda.device_count())]
        if gpus:
            os.environ['CUDA_VISIBLE_DEVICES'] = gpus[slot % len(gpus)]
    if 'OMP_NUM_THREADS' not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
