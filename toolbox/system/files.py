"""Files written in one move: a kill or a power failure leaves the old one or the new one, never half of one.

What keeps a file from being written, a full disk say, is told in one sentence (`NotWritten`), here and nowhere else.
Standard library only.
"""

import csv
import errno
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

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
# Of a name and of a whole path, on the usual systems; the path's end counts, too.
_MOST_BYTES_OF_NAME, _MOST_BYTES_OF_PATH = 255, 4095
_TEMPORARY = re.compile(r'\.[0-9a-f]{16}\.tmp')
_LONGEST_TEMPORARY = 21
_MOST_BYTES_WITHIN = 128  # of the paths of what is written into a folder, where that is not known better
_CHUNK_BYTES = 2**20
_SWEPT: set[Path] = set()  # folders that this process has freed of leftovers


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


@contextmanager
def in_one_move(path: Path) -> Iterator[BinaryIO]:
    """A file to write that is under `path` at the end, forced to the disk; where anything fails, nothing has changed.

    Its folder exists. While it is written it has another name in the same folder, and a lock, by which
    `remove_leftovers` tells it from those of killed processes.

    Raises:
        NotWritten: the system does not take it.
    """
    with writing(path):
        temporary, file = _temporary(path.parent)
        try:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, path)
            finally:
                with suppress(OSError):  # of what could not be written once, a second try is made: said already
                    file.close()
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def temporary_name() -> str:
    """A new name for a file for the time being, by which `remove_leftovers` knows it."""
    return f'.{secrets.token_hex(8)}.tmp'


def remove_leftovers(folder: Path, below: bool = True) -> int:
    """Delete the temporary files of killed processes; those that a live process writes stay.

    Args:
        folder: where they lie.
        below: look into the folders in it as well.

    Returns:
        How many there were.
    """
    found = folder.rglob('.*.tmp') if below else folder.glob('.*.tmp')
    return sum(_is_removed(path) for path in found if _TEMPORARY.fullmatch(path.name))


def _is_removed(path: Path) -> bool:
    try:
        with open(path, 'rb') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:  # it is being written, is gone, or is somebody else's
        return False
    return True


def append_whole(path: Path, content: bytes) -> None:
    """Write to the end of a file, made if need be: all of it, or nothing where the disk is full.

    Raises:
        NotWritten: the system does not take it.
    """
    with writing(path), open(path, 'ab', buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
        except BaseException:
            file.truncate(before)
            raise


def append_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to the end of a csv in UTF-8, as `append_whole` does."""
    append_whole(path, _csv(rows).encode('utf-8', 'surrogateescape'))


def write_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write a csv in UTF-8 in one move; undecodable file names in it as they came."""
    write_text(path, _csv(rows))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text in one move, making its folder; characters of undecodable file names as they came.

    Raises:
        NotWritten: the system does not take it.
    """
    write_bytes(path, text.encode('utf-8', 'surrogateescape'))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one move, making its folder; what killed processes left there half written goes.

    Raises:
        NotWritten: the system does not take it.
    """
    make_folder(path.parent)
    if path.parent not in _SWEPT:
        with suppress(OSError):  # told when the file itself is written
            remove_leftovers(path.parent, below=False)
        _SWEPT.add(path.parent)
    with in_one_move(path) as file:
        file.write(content)


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


@contextmanager
def zip_to(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """A zip of stored entries that is written to a file."""
    archive = zipfile.ZipFile(file, 'w', zipfile.ZIP_STORED)
    try:
        yield archive
        archive.close()
    finally:
        archive.fp = None  # else it tries once more, when it is forgotten, what the disk did not take


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write readable JSON in one move."""
    write_text(path, json.dumps(content, indent=2) + '\n')


def new_digest() -> Any:
    """The digest by which damage is told, of nothing yet."""
    return hashlib.blake2b(digest_size=16)


def digest_of_file(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    total = new_digest()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def digest(*parts: bytes) -> bytes:
    """16 bytes of the parts and of where each one ends."""
    total = new_digest()
    for part in parts:
        total.update(len(part).to_bytes(8, 'little'))
        total.update(part)
    return total.digest()


def is_full(error: OSError) -> bool:
    """Whether an error means that a disk or a quota is used up, or that a file may not grow further (`ulimit -f`)."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync_file(path: Path) -> None:
    """Force what was written into a file to the disk.

    Raises:
        NotWritten: the system does not take it.
    """
    with writing(path), open(path, 'rb') as file:
        os.fsync(file.fileno())


def check_output(option: str, path: str | None, is_folder: bool) -> None:
    """Raise what would keep a file or a folder from being written, before the work whose result it is to hold.

    Args:
        option: that named it, for the error.
        path: None: nothing is to be written.
        is_folder: whether it is a folder; it and those above it may still have to be made.
    """
    if path is None:
        return
    check_length(option, path, within=_MOST_BYTES_WITHIN if is_folder else 0)
    target = Path(path).absolute()
    if not is_folder and target.is_dir():
        raise ValueError(f'{option} {path} is a folder; give the name of a file')
    above = next(folder for folder in ((target, *target.parents) if is_folder else target.parents) if folder.exists())
    if not above.is_dir():
        raise ValueError(f'{option} {path}: {above} is a file; give another place')
    if not os.access(above, os.W_OK):
        raise ValueError(f'{option} {path}: nothing may be written into {above}; give another place')


def check_length(option: str, path: str | os.PathLike, within: int = 0) -> None:
    """Raise ValueError for a path that the system would refuse for its length.

    Args:
        option: that named it, for the error.
        path: a file or a folder.
        within: how many bytes the paths of files in the folder `path` have.
    """
    encoded = os.fsencode(os.path.abspath(path))
    longest = max(encoded.split(os.fsencode(os.sep)), key=len)
    if len(longest) > _MOST_BYTES_OF_NAME:
        name = os.fsdecode(longest)
        raise ValueError(
            f'{option}: a name of {len(longest)} bytes, and file systems take {_MOST_BYTES_OF_NAME}: '
            f'{name[:40]}...; choose a shorter one'
        )
    # A file's temporary name lies beside it, and may be longer.
    beside = len(encoded) - len(os.path.basename(encoded)) + _LONGEST_TEMPORARY
    needed = max(len(encoded), beside, len(encoded) + 1 + max(within, _LONGEST_TEMPORARY) if within else 0)
    if needed > _MOST_BYTES_OF_PATH:
        raise ValueError(
            f'{option}: its paths would have {needed} bytes, and the system takes {_MOST_BYTES_OF_PATH}: '
            f'{os.fspath(path)[:40]}...; choose a place nearer to the root'
        )


def _temporary(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file, locked."""
    while True:
        path = folder / temporary_name()
        file = open(path, 'xb')  # noqa: SIM115 - closed by whoever gets it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # it is being removed as a leftover this very moment
            file.close()
            continue
        except OSError:  # a file system without locks
            pass
        if path.exists():
            return path, file
        file.close()


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk: without it a renamed file may be gone after a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that know no such thing
            raise
    finally:
        os.close(descriptor)


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


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline='')
    csv.writer(text, lineterminator='\n').writerows(rows)
    return text.getvalue()


def read_json_if_any(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file, or something cut short or otherwise no object."""
    return parse_json(path.read_text(encoding='utf-8', errors='replace')) if path.is_file() else None


def parse_json(text: str) -> dict[str, Any] | None:
    """The object in a text; None where it is no JSON, or no object."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
