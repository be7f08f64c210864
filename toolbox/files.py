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
