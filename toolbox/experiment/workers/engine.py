"""What runs the trials of an experiment: processes of this machine, or Ray. The state on disk is the same."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol


class Job(Protocol):
    """What an engine runs; it can be pickled."""

    folder: Path


class Engine(Protocol):
    """Runs jobs, several at a time."""

    def run(self, function: Callable[[Any], int], jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """Call `function` with each job in a process of its own.

        Yields:
            A job that ended and its exit code: what the function returned, or below zero the signal that killed it.

        Raises:
            Stopped: by a signal; the jobs that ran have been asked to save and stop.
        """
        ...


def why_killed(exit_code: int) -> str:
    """What to tell of a process that ended without a word."""
    import signal

    if exit_code >= 0:
        return f'its process ended with exit code {exit_code}; see output.log'
    name = signal.Signals(-exit_code).name
    if name == 'SIGKILL':
        return 'killed by SIGKILL: most often the system does so when it runs out of memory'
    return f'killed by {name}; see output.log'
