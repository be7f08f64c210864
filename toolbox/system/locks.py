"""Locks of folders: two processes that would write into one are told apart. Standard library only."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from toolbox.system.disk_errors import writing

LOCK = '.lock'


@contextmanager
def locked(folder: Path, what: str, wait: float = 0, option: str = '--work-dir', keep: bool = True) -> Iterator[None]:
    """Hold a folder's lock, which the system takes back when the process ends, however it ends.

    Processes that are forked within do not hold it: those that load data outlive a killed training by seconds.

    Args:
        folder: it exists.
        what: is done there, for the error.
        wait: seconds that another process gets to end.
        option: that named the folder, for the error.
        keep: leave the file of the lock there when it is let go.

    Raises:
        FileExistsError: another process holds it.
    """
    with _taken(folder, what, wait, option) as file, _not_inherited(file):
        # Who it is, is a service to others: without room for it the lock holds all the same.
        with suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f'process {os.getpid()} on {os.uname().nodename}\n'.encode())
        try:
            yield
        finally:
            if not keep:
                (folder / LOCK).unlink(missing_ok=True)


def refuse_locked(folder: Path, what: str, option: str) -> None:
    """Raise FileExistsError if another process holds a folder's lock."""
    if is_locked(folder):
        raise FileExistsError(_busy(folder, what, option))


def is_locked(folder: Path) -> bool:
    """Whether a process holds a folder's lock."""
    path = folder / LOCK
    if not path.is_file():
        return False
    with open(path, 'rb') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _busy(folder: Path, what: str, option: str) -> str:
    try:
        who = (folder / LOCK).read_text(encoding='utf-8', errors='replace').strip()
    except OSError:
        who = ''
    return (
        f'{what}: another process works in {folder} ({who or "unknown"}); wait for it, stop it, or choose another '
        f'{option}'
    )


def _taken(folder: Path, what: str, wait: float, option: str) -> IO[bytes]:
    """The lock's file, opened and locked."""
    deadline = time.monotonic() + wait
    while True:
        with writing(folder / LOCK):
            file = open(folder / LOCK, 'ab', buffering=0)  # noqa: SIM115 - closed by whoever gets it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(folder / LOCK)):
                return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                raise FileExistsError(_busy(folder, what, option)) from None
            time.sleep(0.1)
        except FileNotFoundError:  # who held it has ended and taken it along
            pass
        file.close()


_HELD: set[IO[bytes]] = set()


@contextmanager
def _not_inherited(file: IO[bytes]) -> Iterator[None]:
    _HELD.add(file)
    try:
        yield
    finally:
        _HELD.discard(file)


def _close_inherited() -> None:
    for file in _HELD:
        file.close()
    _HELD.clear()


os.register_at_fork(after_in_child=_close_inherited)
