"""Small files written in one move: a kill leaves the old one or the new one, never half of one."""

import json
import os
from pathlib import Path
from typing import Any


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
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    temporary.write_text(text, encoding='utf-8', errors='surrogateescape')
    os.replace(temporary, path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON."""
    write_text(path, json.dumps(content, indent=2) + '\n')
