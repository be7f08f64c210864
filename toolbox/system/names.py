"""Names of files: spelled differently and meant the same, or too long.

`é` is one character (NFC), or two as macOS writes it (NFD). Standard library only.
"""

import os
import posixpath
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_MOST_BYTES = 255  # of a name, on the usual file systems
_DIGEST = 8


def canonical(name: str) -> str:
    """The one spelling, NFC, of names that look the same."""
    return unicodedata.normalize('NFC', name)


class Spellings:
    """Finds among names the one that is meant: the very name, or else the one that looks the same.

    Args:
        names: those that there are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_canonical = {canonical(name): name for name in self._names}

    def find(self, name: str) -> str | None:
        """The name that is meant; None: there is none."""
        return name if name in self._names else self._by_canonical.get(canonical(name))


class FileFinder:
    """Finds files below a folder by paths that a table lists, by one listing per folder: asking for each takes long on
    network drives.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[str, tuple[Spellings, set[str]]] = {}

    def find(self, path: str) -> str | None:
        """The path as the file system spells it; None: there is no regular file."""
        *folders, name = path.split('/')
        below = ''
        for folder in folders:
            found = self._listing(below)[0].find(folder)
            if found is None:
                return None
            below = posixpath.join(below, found)
        spellings, files = self._listing(below)
        found = spellings.find(name)
        return posixpath.join(below, found) if found in files else None

    def _listing(self, below: str) -> tuple[Spellings, set[str]]:
        if below not in self._listed:
            names, files = [], set()
            try:
                with os.scandir(self._root / below) as entries:
                    for entry in entries:
                        names.append(entry.name)
                        if _is_file(entry):
                            files.add(entry.name)
            except OSError:  # no such folder, or none that may be looked into: nothing is found in it
                pass
            self._listed[below] = Spellings(names), files
        return self._listed[below]


def fitting(path: str, suffix: str = '') -> str:
    """A path with a suffix, its last part shortened where file systems would refuse it for its length.

    What is cut off stands for itself as a digest, so that different names stay different.
    """
    folder, name = posixpath.split(path)
    encoded = os.fsencode(name)
    if len(encoded) + len(os.fsencode(suffix)) > _MOST_BYTES:
        import hashlib

        digest = hashlib.blake2b(encoded, digest_size=_DIGEST // 2).hexdigest()
        kept = encoded[: _MOST_BYTES - len(os.fsencode(suffix)) - _DIGEST - 1]
        name = f'{kept.decode("utf-8", "ignore")}~{digest}'
    return posixpath.join(folder, name + suffix)


def beyond_locale() -> str:
    """What to say of names of files that the locale's encoding does not hold."""
    return (
        f"a file's name is not in {sys.getfilesystemencoding()}, which this locale and PYTHONUTF8=0 ask for: unset "
        'PYTHONUTF8, or set a locale of UTF-8, such as LC_ALL=C.UTF-8'
    )


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a loop of links
        return False
