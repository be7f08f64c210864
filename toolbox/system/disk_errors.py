"""What the system says of a file that cannot be written, in one sentence (`NotWritten`), here and nowhere else.

Standard library only.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ELSEWHERE = 'make it writable, or choose another place'
REPAIRS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _ELSEWHERE),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), 'make room, or choose another place'),
    errno.EFBIG: 'raise the limit on the size of a file (ulimit -f), or choose another disk',
    errno.EEXIST: 'something else is there: choose another place',
    errno.ENOTDIR: 'a part of this path is a file: choose another place',
    errno.EISDIR: 'this is a folder, where a file is expected',
    errno.ENAMETOOLONG: 'choose a shorter name',
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), 'raise the limit on open files (ulimit -n)'),
    errno.EIO: 'the disk, or the network to it, fails: choose another place',
    **dict.fromkeys(
        (errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.EHOSTDOWN, errno.ETIMEDOUT),
        'its server was lost, or has another folder there now: mount it anew, or choose another place',
    ),
    errno.EBUSY: 'something else holds it: wait for that, or choose another place',
    errno.EXDEV: 'this file system does not rename within a folder: choose another place',
}
# What disks, and networks to them, say of files that a program opens itself.
_OF_DISKS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV),
    *(errno.EHOSTDOWN, errno.ETIMEDOUT, errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.ENOLCK),
)
_ROOM_MATTERS = (errno.ENOSPC, errno.EDQUOT)


class NotWritten(OSError):
    """A file that could not be written. What was under its name before is unchanged, and no temporary file is left.

    Attributes:
        errno: the system's number for what went wrong.
        path: the file.
        advice: what is safe, and what to do.
    """

    def __init__(self, number: int, path: str, reason: str, advice: str, what: str = ' cannot be written') -> None:
        super().__init__(number, path, reason, advice, what)  # all of it, so that it travels between processes
        self.errno, self.strerror, self.filename = number, reason, path
        self.path, self.reason, self.advice, self.what = path, reason, advice, what

    def __str__(self) -> str:
        return f'{self.path}{self.what}: {self.reason}; {self.advice}'


@contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Within, a file is written: what the system says against it becomes `NotWritten`.

    Args:
        path: the file, as the person knows it.
    """
    try:
        yield
    except NotWritten:
        raise
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: str | os.PathLike, error: OSError, what: str = ' cannot be written') -> NotWritten:
    """What the system said, in a sentence; with the room that is left, where that is the reason."""
    number = error.errno or 0
    reason = error.strerror or str(error) or type(error).__name__
    if isinstance(error.filename, str) and os.path.dirname(error.filename) != os.path.dirname(os.fspath(path)):
        reason += f' ({error.filename})'
    if number in _ROOM_MATTERS:
        reason += f' ({_room(Path(path))})'
    return NotWritten(number, os.fspath(path), reason, _repair(number), what)


@contextmanager
def advised(advice: str) -> Iterator[None]:
    """Within, where a file cannot be written, the error says this of what is safe and how to go on."""
    try:
        yield
    except NotWritten as error:
        if error.advice != _repair(error.errno):  # said already by who knows more
            raise
        raise NotWritten(error.errno, error.path, error.reason, f'{error.advice}; {advice}', error.what) from error


@contextmanager
def writing_into(folder: Path, advice: str) -> Iterator[None]:
    """Within, files are written into a folder, by libraries too: what its disk says against one becomes `NotWritten`.

    Where the system does not say of which file, as of one that is open already, the folder is named.

    Args:
        folder: all of it lies there; what the system says of files elsewhere passes.
        advice: what is safe, and how to go on.
    """
    with advised(advice):
        try:
            yield
        except NotWritten:
            raise
        except OSError as error:
            path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else None
            elsewhere = path is not None and not Path(path).absolute().is_relative_to(folder.absolute())
            if error.errno not in _OF_DISKS or elsewhere:
                raise
            raise not_written(path or folder, error, ' cannot be read or written') from error


def is_full(error: OSError) -> bool:
    """Whether an error means that a disk or a quota is used up, or that a file may not grow further (`ulimit -f`)."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def require_room(folder: Path, num_bytes: int) -> None:
    """Raise NotWritten if a folder's disk has less room: where libraries write, what they say of it would be theirs."""
    if shutil.disk_usage(folder).free < num_bytes:
        raise not_written(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        NotWritten: the system does not let it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error, ': this folder cannot be made') from error


def _repair(number: int) -> str:
    return REPAIRS.get(number, 'look at this path, or choose another')


def _room(path: Path) -> str:
    """What is left on the disk of a path, in words."""
    try:
        folder = next(folder for folder in path.absolute().parents if folder.is_dir())
        free, state = shutil.disk_usage(folder).free, os.statvfs(folder)
    except OSError:
        return 'how much room there is cannot be told'
    if free >= 2**20 and state.f_files and not state.f_favail:
        return 'its disk has room, and takes no more files: no inodes are left'
    return f'its disk has {free / 2**20:.1f} MiB free'
