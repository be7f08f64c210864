"""Reads the tables that people hand in: as programs write them, and as spreadsheets save them.

UTF-8 with or without its mark and UTF-16; commas, semicolons or tabs; any ends of lines. Standard library only.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

_DELIMITERS = (',', ';', '\t')
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

NOT_UTF_8 = 'the table is not in UTF-8: save it as "CSV UTF-8"'


def read_rows(path: Path, needed: Sequence[str], columns: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table by column, each with the number of its line.

    Bytes that are no UTF-8 come as surrogate escapes, as undecodable names of files do (`is_undecodable`).

    Args:
        path: the file.
        needed: columns that must be there.
        columns: all that one expects, for the error; none: the needed ones.

    Raises:
        ValueError: another table, or none at all; with the line.
    """
    encoding = _encoding(path)
    errors = 'surrogateescape' if encoding == 'utf-8-sig' else 'strict'
    with path.open(newline='', encoding=encoding, errors=errors) as file:
        line = 1
        try:
            header = file.readline()
            names, delimiter = _columns(header, needed)
            if not set(needed) <= set(names):
                found = ', '.join(ascii(name)[1:-1] for name in names) or 'none'
                expected = columns or needed
                word = 'column' if len(expected) == 1 else 'columns'
                raise ValueError(f'{path}: expected the {word} {", ".join(expected)}, got {found[:200]}')
            reader = csv.reader(file, delimiter=delimiter)
            for values in reader:
                line = reader.line_num + 1
                if values:
                    yield line, dict(zip(names, values + [''] * (len(names) - len(values)), strict=False))
        except (csv.Error, UnicodeError) as error:
            raise ValueError(
                f'{path}, line {line}: not a table that can be read ({error}); save it as CSV anew'
            ) from error


def is_undecodable(text: str) -> bool:
    """Whether a text holds bytes that were no UTF-8."""
    return any('\udc80' <= letter <= '\udcff' for letter in text)


def _encoding(path: Path) -> str:
    with path.open('rb') as file:
        head = file.read(64)
    if head.startswith(_UTF_16):
        return 'utf-16'
    if b'\0' in head:  # without its mark; ASCII in UTF-16 has a zero in each pair
        return 'utf-16-be' if head.startswith(b'\0') else 'utf-16-le'
    return 'utf-8-sig'


def _columns(header: str, needed: Sequence[str]) -> tuple[list[str], str]:
    """The columns that a header names, by the delimiter with which the needed ones are among them."""
    by_delimiter = {
        delimiter: [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        for delimiter in _DELIMITERS
    }
    fits = [delimiter for delimiter, names in by_delimiter.items() if set(needed) <= set(names)]
    delimiter = fits[0] if fits else max(by_delimiter, key=lambda delimiter: len(by_delimiter[delimiter]))
    return by_delimiter[delimiter], delimiter
