"""Reads the files of a submission, a flat ZIP or a folder, made by somebody one does not know.

Nothing is unpacked to disk and no name in an archive is ever used as a path: files are looked up by the names that are
expected. What must not be there (links, folders, doubled names, encryption, bombs) is listed, never followed. Every
amount that an archive could choose is limited by a constant below. Imports no library besides the standard one.
"""

import io
import os
import shlex
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from toolbox.system.names import canonical
from toolbox.system.words import without_addresses

# The table of contents of a ZIP becomes Python objects, about 15 bytes in memory for each of its own.
MAX_DIRECTORY_BYTES = 4 * 2**20
# Files beside the expected ones: enough to list what somebody zipped along, too few to be a burden.
MAX_SURPLUS_FILES = 1000
# All files of an archive together, unpacked. 5,900 images of 512x512 take about 3 GiB.
MAX_TOTAL_BYTES = 16 * 2**30
# PNG is compressed already; a ZIP of it gains little. Small files of one color may gain much, and do no harm.
MAX_RATIO = 100
MAX_HARMLESS_BYTES = 2**20

_METHODS = {zipfile.ZIP_STORED: 'stored', zipfile.ZIP_DEFLATED: 'deflated'}
_DESKTOP_FILES = ('.DS_Store', 'Thumbs.db', 'desktop.ini')
_ENCRYPTED = 0x1  # bit of a ZIP entry's flags
_CHUNK_BYTES = 2**16
_SHOWN_CHARACTERS = 80


class Problem(NamedTuple):
    """Something wrong with a submission.

    Attributes:
        reason: what is wrong and how to mend it; problems with one reason are listed together.
        file: the name it is about; empty if it is the whole submission.
    """

    reason: str
    file: str = ''


@dataclass
class Submission:
    """The files of a submission that may be read.

    Attributes:
        path: the archive or the folder.
        names: the file names as `toolbox.system.names.canonical` spells them, sorted.
        problems: what else is in it.
    """

    path: Path
    names: list[str]
    problems: list[Problem]
    _open: Callable[[str], IO[bytes]] = field(repr=False)

    def read(self, name: str, max_bytes: int) -> bytes:
        """The content of a file.

        Raises:
            ValueError: it cannot be read, or is larger than `max_bytes`; without the file's name.
        """
        content = bytearray()
        try:
            with self._open(name) as file:
                while len(content) <= max_bytes and (chunk := file.read(_CHUNK_BYTES)):
                    content += chunk
        except Exception as error:  # parsers of foreign bytes raise nearly everything
            reason = without_addresses(str(error)) or type(error).__name__
            raise ValueError(f'damaged: {reason}; make it again') from error
        if len(content) > max_bytes:
            raise ValueError(f'larger than {max_bytes:,} bytes, which no PNG of this size needs')
        return bytes(content)


def open_submission(path: Path, max_files: int) -> Submission:
    """Look into a submission, reading no more than names.

    Args:
        path: a ZIP archive or a folder.
        max_files: how many files it may have; more are refused before they are looked at one by one.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        ValueError: it is neither a folder nor a readable ZIP archive, or has too many files; without the path.
    """
    if path.is_dir():
        return _canonical(_open_folder(path, max_files))
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such submission; give a .zip archive or a folder of PNG images')
    return _canonical(_open_zip(path, max_files))


def _canonical(submission: Submission) -> Submission:
    """The same with its names in the one spelling of those that look the same; where two do, the first is meant."""
    names: dict[str, str] = {}
    for name in submission.names:
        names.setdefault(canonical(name), name)
    twice = set(submission.names) - set(names.values())
    problems = [*submission.problems, *(Problem('another file has the same name; keep one', name) for name in twice)]
    return Submission(submission.path, sorted(names), sorted(problems), lambda name: submission._open(names[name]))


def shown(name: str) -> str:
    """A foreign name, harmless to a terminal and of bearable length."""
    name = name if name.isprintable() else ascii(name)
    return name if len(name) <= _SHOWN_CHARACTERS else name[: _SHOWN_CHARACTERS - 3] + '...'


def _open_folder(path: Path, max_files: int) -> Submission:
    names, problems = [], []
    with os.scandir(path) as entries:
        for count, entry in enumerate(entries):
            if count >= max_files:
                raise ValueError(f'more than {max_files:,} files; is this the folder of the submission?')
            if _is_of_a_desktop(entry.name):
                problems.append(Problem(f'a desktop put it there; remove it: {_desktop_removal(path)}', entry.name))
            elif entry.is_file(follow_symlinks=False):
                names.append(entry.name)
            else:
                problems.append(Problem(_folder_entry_reason(entry), entry.name))
    return Submission(path, sorted(names), sorted(problems), lambda name: open(path / name, 'rb'))


def _is_of_a_desktop(name: str) -> bool:
    """What macOS and Windows add to folders and archives by themselves."""
    parts = name.replace('\\', '/').split('/')
    return '__MACOSX' in parts or any(part in _DESKTOP_FILES or part.startswith('._') for part in parts)


def _desktop_removal(path: Path) -> str:
    """The command that removes them."""
    if path.is_dir():
        folder = shlex.quote(str(path))
        return f'rm -rf {folder}/__MACOSX {folder}/._* ' + ' '.join(f'{folder}/{name}' for name in _DESKTOP_FILES)
    patterns = ('__MACOSX/*', '._*', *(f'*{name}' for name in _DESKTOP_FILES))
    return f'zip -d {shlex.quote(str(path))} {shlex.join(patterns)}'


def _folder_entry_reason(entry: os.DirEntry) -> str:
    if entry.is_symlink():
        return 'a link; put the file itself there'
    if entry.is_dir():
        return 'a folder; the images lie side by side, without folders'
    return 'not a regular file; remove it'


def _open_zip(path: Path, max_files: int) -> Submission:
    try:
        archive = zipfile.ZipFile(_LimitedReads(path))
    except Exception as error:  # a parser of foreign bytes, as above
        reason = without_addresses(str(error))
        raise ValueError(f'not a readable ZIP archive ({reason}); make it again, or give a folder') from error
    entries = archive.infolist()
    if len(entries) > max_files:
        raise ValueError(f'{len(entries):,} files, where at most {max_files:,} can be; is this the submission?')
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise ValueError(f'unpacks to {total:,} bytes, more than the limit of {MAX_TOTAL_BYTES:,}')
    desktop = f'a desktop put it there; remove it: {_desktop_removal(path)}'
    problems = [
        Problem(reason, entry.filename)
        for entry in entries
        for reason in ([desktop] if _is_of_a_desktop(entry.filename) else _entry_reasons(entry))
    ]
    counts = Counter(entry.filename for entry in entries)
    problems += [Problem('in the archive more than once; keep one', name) for name, n in counts.items() if n > 1]
    unusable = {problem.file for problem in problems}
    names = [name for name in counts if name not in unusable]
    return Submission(path, sorted(names), sorted(problems), archive.open)


def _entry_reasons(entry: zipfile.ZipInfo) -> Iterator[str]:
    """What forbids to read an entry of an archive; the first reason is enough."""
    name, mode = entry.orig_filename, entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        yield 'a link; put the file itself there'
    elif name.startswith(('/', '\\')) or '..' in name.replace('\\', '/').split('/') or name[1:2] == ':' or '\0' in name:
        yield 'a path out of the archive; the images lie at the top of the archive'
    elif entry.is_dir() or '/' in name or '\\' in name:
        yield 'in a folder; the images lie at the top of the archive (zip -j leaves folders out)'
    elif entry.flag_bits & _ENCRYPTED:
        yield 'encrypted; make the archive without a password'
    elif entry.compress_type not in _METHODS:
        yield f'compressed by method {entry.compress_type}; use {" or ".join(_METHODS.values())}'
    elif entry.file_size > max(MAX_HARMLESS_BYTES, MAX_RATIO * entry.compress_size):
        yield f'unpacks to more than {MAX_RATIO} times its size, as a bomb does and no PNG image'


class _LimitedReads(io.FileIO):
    """A file of which no single read takes much memory.

    `zipfile` reads the table of contents in one go, however large the archive says it is.
    """

    def read(self, size: int | None = -1) -> bytes:
        wanted = MAX_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        content = super().read(min(wanted, MAX_DIRECTORY_BYTES + 1))
        if len(content) > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f'its table of contents is larger than {MAX_DIRECTORY_BYTES:,} bytes')
        return content
