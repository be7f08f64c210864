"""Jobs as Ray tasks: on the cores of one machine or on a cluster whose nodes share the ablation's folder.

A task whose node dies is started again on another one, and finds the job's checkpoint in its folder.
"""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolbox.experiment.workers.engine import Job
from toolbox.system.interruption import Stopped, StopRequest, stop_on_signals
from toolbox.system.ray_connection import connect_to_ray

_POLL = 1.0  # seconds between looks at signals
_RETRIES = 3  # a job that takes its node down each time must not do so for ever


class RayEngine:
    """Runs jobs as tasks of a Ray cluster.

    Args:
        address: 'local', a cluster of this machine for this call alone; or a cluster's, like `auto` or `10.0.0.1:6379`.
        gpus: of a job; None: one, if the cluster has any.
        memory_gib: of a job that a node must have free; None: not looked at.

    Raises:
        ValueError: Ray is not installed.
        ConnectionError: no cluster answers at the address.
    """

    def __init__(self, address: str, gpus: float | None = None, memory_gib: float | None = None) -> None:
        self.ray = connect_to_ray(address)
        if gpus is None:
            gpus = 1 if self.ray.cluster_resources().get('GPU') else 0
        self.options: dict[str, Any] = dict(num_cpus=1, num_gpus=gpus, max_retries=_RETRIES, max_calls=1)
        if memory_gib is not None:
            self.options['memory'] = int(memory_gib * 2**30)

    def run(self, function: Callable[[Any], int], jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """As `Engine.run`; jobs wait for room in the cluster."""
        ray, request = self.ray, StopRequest()
        # What a job prints belongs into its folder, not among the driver's words.
        task = ray.remote(**self.options)(_run)
        running = {task.remote(function, _absolute(job)): job for job in jobs}
        with stop_on_signals(request):
            try:
                while running and request.signal_number is None:
                    ended, _ = ray.wait(list(running), timeout=_POLL)
                    for reference in ended:
                        yield running.pop(reference), self._exit_code(reference)
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)
        if request.signal_number is not None:
            raise Stopped(
                f'stopped by {signal.Signals(request.signal_number).name}; the same command goes on from checkpoints',
                request.signal_number,
            )

    def _exit_code(self, reference: Any) -> int:
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayError:  # its process died more often than it is started again
            return -signal.SIGKILL


def _absolute(job: Job) -> Job:
    """A job whose folder means the same on each node."""
    return replace(job, folder=Path(job.folder).absolute())


def _run(function: Callable[[Any], int], job: Job) -> int:
    with open(job.folder / 'output.log', 'a', buffering=1, encoding='utf-8') as output:
        sys.stdout = sys.stderr = output
        try:
            return function(job)
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
