"""The files below a folder; what else is there, and cannot be a photograph, is told and never opened.

Imports neither torch nor any heavy library.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from toolbox.images.formats import HEIC
from toolbox.images.io import IMAGE_SUFFIXES
from toolbox.system.names import beyond_locale

_SHOWN = 3

# Told the path below the folder of what is passed over, and why.
Tell = Callable[[str, str], None]


def walk_files(
    root: Path, suffixes: frozenset[str] | None = IMAGE_SUFFIXES, tell: Tell = lambda name, reason: None
) -> Iterator[str]:
    """Regular files below a folder as paths relative to it, in no particular order; links are followed, once each.

    Args:
        suffixes: the ones to look for, or None for any file.
        tell: told of folders that cannot be looked into, and of what has such a suffix and is no file: dangling and
            looping links, pipes, devices.

    Raises:
        OSError: the folder itself cannot be looked into.
    """
    seen, waiting = set(), ['']
    while waiting:
        below = waiting.pop()
        try:
            status = os.stat(root / below)
            if (status.st_dev, status.st_ino) in seen:  # a link that leads back, or to what another led to
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = _entries(root / below)
        except OSError as error:
            if not below:
                raise OSError(f'{root}: this folder cannot be looked into: {error.strerror or error}') from error
            tell(below, f'this folder cannot be looked into: {error.strerror or error}')
            continue
        for entry in entries:
            wanted = suffixes is None or os.path.splitext(entry.name)[1].lower() in suffixes
            kind = _kind(entry)
            if kind == 'folder':
                waiting.append(f'{below}{entry.name}/')
            elif kind == 'file':
                if wanted:
                    if sys.getfilesystemencoding() == 'ascii' and not entry.name.isascii():
                        raise ValueError(beyond_locale())  # names in tables are UTF-8
                    yield f'{below}{entry.name}'
            elif wanted:
                tell(f'{below}{entry.name}', kind)


def contents(root: Path) -> str:
    """What is below a folder and no photograph by its suffix, in words: `3 x .heic (HEIC, ...), 1 x .txt`."""
    counts: Counter[str] = Counter()
    for name in walk_files(root, None):
        suffix = os.path.splitext(name)[1].lower()
        if suffix not in IMAGE_SUFFIXES:
            counts[suffix or 'without suffix'] += 1
    commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    hints = {'.heic': f' ({HEIC})', '.heif': f' ({HEIC})'}
    return ', '.join(f'{count} x {suffix}{hints.get(suffix, "")}' for suffix, count in commonest)


def told_in_words(told: dict[str, str]) -> str:
    """What `walk_files` told: `a.png (a link ...), b/ (...), and 7 more`; '' for nothing."""
    shown = [f'{ascii(name)[1:-1]} ({reason})' for name, reason in list(told.items())[:_SHOWN]]
    more = [f'and {len(told) - _SHOWN} more'] if len(told) > _SHOWN else []
    return ', '.join([*shown, *more])


def _entries(folder: Path) -> list[os.DirEntry]:
    """Without the hidden ones."""
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith('.')]


def _kind(entry: os.DirEntry) -> str:
    """'folder', 'file', or why it is neither."""
    try:
        if entry.is_dir():
            return 'folder'
        if entry.is_file():
            return 'file'
    except OSError as error:
        return f'a link that leads nowhere: {error.strerror or error}'
    return (
        'a link to a file that is not there'
        if entry.is_symlink() and not os.path.exists(entry.path)
        else ('no regular file, but a pipe, a socket or a device')
    )
