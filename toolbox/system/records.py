"""Reads what Huefill wrote into its folders: a damaged record is told with its file, what is wrong and how to go on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolbox.system.annotations import fits, in_words
from toolbox.system.files import write_json

# Raised when records change so that older versions would misread them; one without a number is of the first.
FORMAT = 1
_SHOWN = 60


class Damaged(ValueError):
    """A record that does not hold what was written into it."""


class Newer(ValueError):
    """A record that a newer version wrote; nothing is done to it."""


def save_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record in one move, with the number of its format.

    Raises:
        NotWritten: the system does not take it.
    """
    write_json(path, {'format': FORMAT, **content})


def read_record(
    path: Path, fields: Mapping[str, Any], how_to_go_on: str, needed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The JSON object in a file that Huefill wrote.

    Args:
        path: the file.
        fields: what a value has to be, by its key, as annotations; other keys may hold anything.
        how_to_go_on: what to do where it is damaged, for the error.
        needed: keys that have to be there.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: it holds something else, in one sentence.
        Newer: a newer version wrote it.
    """
    try:
        text = path.read_bytes()
        content = json.loads(text.decode()) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise Damaged(f'{path}: damaged: no JSON ({error or type(error).__name__}); {how_to_go_on}') from error
    if content is None:
        raise Damaged(f'{path}: damaged: it is empty; {how_to_go_on}')
    if not isinstance(content, dict):
        raise Damaged(f'{path}: damaged: a {type(content).__name__} where an object is expected; {how_to_go_on}')
    version = content.pop('format', 1)
    if not fits(version, int) or version < 1:
        raise Damaged(f'{path}: damaged: format is {_shown(version)}; {how_to_go_on}')
    if version > FORMAT:
        raise Newer(
            f'{path}: written by a newer version of Huefill (format {version}, this one reads {FORMAT}): '
            'pip install --upgrade huefill, or choose another folder'
        )
    for key in needed:
        if key not in content:
            raise Damaged(f'{path}: damaged: {key} is missing; {how_to_go_on}')
    for key, annotation in fields.items():
        if key in content and not fits(content[key], annotation):
            expected = in_words(annotation)
            raise Damaged(f'{path}: damaged: {key} is {_shown(content[key])}, expected {expected}; {how_to_go_on}')
    return content


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f'{text[: _SHOWN - 3]}...'
