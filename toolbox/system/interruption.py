"""Ctrl-C and SIGTERM as a request to finish: what is under way ends well, and the exit code says what happened."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_GRACE = 60  # seconds


class Stopped(KeyboardInterrupt):
    """A signal ended the work at a point where it was safe to stop.

    Attributes:
        signal_number: of the signal.
        exit_code: 128 plus the signal's number, as shells count: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class Interrupted(BaseException):
    """A request to stop came while something was waited for that may never come."""


class StopRequest:
    """Whether, and by which signal, the work was asked to stop.

    Attributes:
        signal_number: of the first signal that came; None: go on.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._waiting_in: int | None = None  # the process, for those that are forked meanwhile only remember

    def receive(self, signal_number: int, _: FrameType | None = None) -> None:
        """Remember a signal; a second Ctrl-C is impatience and interrupts at once."""
        if self.signal_number is not None and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = signal_number
        if self._waiting_in == os.getpid():
            raise Interrupted

    @contextmanager
    def while_waiting(self) -> Iterator[None]:
        """Within, a request does not wait for what is waited for.

        Raises:
            Interrupted: it came, or had come before.
        """
        self._waiting_in = os.getpid()
        try:
            if self.signal_number is not None:
                raise Interrupted
            yield
        finally:
            self._waiting_in = None


@contextmanager
def stop_on_signals(request: StopRequest) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask `request` for a stop; outside the main thread, where Python allows none, nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, request.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_signals_to_parent() -> None:
    """For worker processes: Ctrl-C and SIGTERM often reach them, too, while the parent needs them to finish its work.

    They ignore Ctrl-C, and outlive SIGTERM by a while.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_GRACE))


def die_with_parent() -> None:
    """For worker processes: ask the system, where it is Linux, for SIGKILL when the parent ends, even if by SIGKILL."""
    if sys.platform.startswith('linux'):
        parent_death_signal = 1  # PR_SET_PDEATHSIG of sys/prctl.h
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
