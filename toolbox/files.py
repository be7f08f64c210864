"""Small files written in one move: a kill leaves the old one or the new one, never half of one."""

import json
import os
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; characters of undecodable file names as they came."""
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


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON."""
    write_text(path, json.dumps(content, indent=2) + '\n')
