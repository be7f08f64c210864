"""How counts and settings are written for people, in terminals and on pages."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

_OBJECT = re.compile(r"<(?:class )?[\w.' ]+ object at 0x[0-9a-fA-F]+>")


def counted(number: int, one: str, several: str | None = None) -> str:
    """``counted(1, 'photo')`` is `1 photo`, of 1,200 it is `1,200 photos`; `several` where an s is not enough."""
    return f'{number:,} {one if number == 1 else several or one + "s"}'


def in_words(value: Any) -> str:
    """A config's value as text: a part as its type with its options in brackets, lists with commas, None as none."""
    if isinstance(value, Mapping):
        options = ', '.join(f'{key} {in_words(option)}' for key, option in value.items() if key != 'type')
        if 'type' not in value:
            return options
        return f'{value["type"]} ({options})' if options else str(value['type'])
    if isinstance(value, list | tuple):
        return ', '.join(map(in_words, value)) or 'none'
    if value is None or isinstance(value, bool):
        return {None: 'none', True: 'yes', False: 'no'}[value]
    return str(value)


def spoken(metric: str) -> str:
    """A metric's name as people write it."""
    return metric.replace('_', ' ')


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`; did you mean 'CBAM'? Known: CBAM, SE, none`: the second half of every error about a name."""
    known = sorted(known, key=str.lower)
    lowered = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), lowered, n=1, cutoff=0.5)
    hint = f'; did you mean {lowered[near[0]]!r}?' if near else '.'
    return f'{hint} Known: {", ".join(known) or "none at all"}'


def without_addresses(text: str) -> str:
    """A library's message about an object in memory, which a person knows as the file.

    ``'cannot identify image file <_io.BytesIO object at 0x7f>'`` is ``'cannot identify the image file'``.
    """
    text = re.sub(rf'(\bimage )?\bfile {_OBJECT.pattern}', r'the \1file', text)
    return _OBJECT.sub('the file', text)
