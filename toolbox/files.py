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


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file, or something cut short or otherwise no object."""
    return parse_json(path.read_text(encoding='utf-8', errors='replace')) if path.is_file() else None


def parse_json(text: str) -> dict[str, Any] | None:
    """The object in a text; None where it is no JSON, or no object."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON."""
    write_text(path, json.dumps(content, indent=2) + '\n')
