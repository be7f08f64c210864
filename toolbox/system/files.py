"""Files written in one move: a kill or a power failure leaves the old one or the new one, never half of one.

What keeps a file from being written is told by `toolbox.system.disk_errors`. Standard library only.
"""

import csv
import errno
import fcntl
import io
import json
import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from toolbox.system.disk_errors import make_folder, writing

_TEMPORARY = re.compile(r'\.[0-9a-f]{16}\.tmp')
LONGEST_TEMPORARY = 21  # bytes of such a name
_SWEPT: set[Path] = set()  # folders that this process has freed of leftovers


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


def sync_file(path: Path) -> None:
    """Force what was written into a file to the disk.

    Raises:
        NotWritten: the system does not take it.
    """
    with writing(path), open(path, 'rb') as file:
        os.fsync(file.fileno())


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
