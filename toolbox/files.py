"""Files written in one move: a kill or a power failure leaves the old one or the new one, never half of one."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of file systems that cannot force a folder's entries to the disk


@contextmanager
def in_one_move(path: Path) -> Iterator[Path]:
    """Within, a file is written under a name for the time being; at the end it is under `path`.

    The file is forced to the disk before the move, and the entries of its folder after it: whatever ends the process
    or the machine, `path` is the file of before or the new one, whole. Where writing fails, nothing under `path` has
    changed and nothing else is left.

    Args:
        path: the file; its folder exists.

    Yields:
        Where to write it, in the same folder.

    Raises:
        OSError: the file system did not take it; it names `path`.
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        yield temporary
        sync_file(temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a write, unlike an open, does not know its file
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Force what was written into a file to the disk."""
    with open(path, 'rb') as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk: without it a renamed file may be gone after a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def is_full(error: OSError) -> bool:
    """Whether an error means that a disk or a quota is used up, or that a file may not grow further (`ulimit -f`)."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_output(option: str, path: str | None, is_folder: bool) -> None:
    """Raise what would keep a file or a folder from being written, before the work whose result it is to hold.

    Args:
        option: that named it, for the error.
        path: None: nothing is to be written.
        is_folder: whether it is a folder; it and those above it may still have to be made.
    """
    if path is None:
        return
    target = Path(path).absolute()
    if not is_folder and target.is_dir():
        raise ValueError(f'{option} {path} is a folder; give the name of a file')
    above = next(folder for folder in ((target, *target.parents) if is_folder else target.parents) if folder.exists())
    if not above.is_dir():
        raise ValueError(f'{option} {path}: {above} is a file; give another place')
    if not os.access(above, os.W_OK):
        raise ValueError(f'{option} {path}: nothing may be written into {above}; give another place')


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, making its folder; characters of undecodable file names as they came."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with in_one_move(path) as temporary:
        temporary.write_text(text, encoding='utf-8', errors='surrogateescape')


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of one JSON object, whoever wrote it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it holds something else, or is damaged; names the file.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path}: damaged, or no JSON ({error or type(error).__name__})') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path}: expected a JSON object, got {type(content).__name__}')
    return content


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


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON."""
    write_text(path, json.dumps(content, indent=2) + '\n')
