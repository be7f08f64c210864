"""Small files written in one move: a kill leaves the old one or the new one, never half of one."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO


class TableReader(csv.DictReader):
    """A csv by the names in its first line, as `csv.DictReader` reads it; what is no csv is a ValueError.

    Args:
        file: open for reading, with `newline=''`.
        source: names it in errors.
    """

    def __init__(self, file: TextIO, source: str | Path) -> None:
        super().__init__(file)
        self._source = source

    @property
    def fieldnames(self) -> Sequence[str] | None:
        try:
            return super().fieldnames
        except csv.Error as error:
            raise ValueError(f'{self._source}: no table of comma-separated values ({error})') from error

    @fieldnames.setter
    def fieldnames(self, value: Sequence[str] | None) -> None:
        self._fieldnames = value

    def __next__(self) -> dict:
        try:
            return super().__next__()
        except csv.Error as error:
            where = f'{self._source}, line {self.line_num}'
            raise ValueError(f'{where}: no table of comma-separated values ({error})') from error


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
