"""Where restored photographs go: a folder, or a submission's zip by way of a folder; what a resumed job may skip.

Every file appears whole or not at all. Imports neither torch nor any heavy library.
"""

import csv
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolbox.archive import open_submission
from toolbox.files import read_json
from toolbox.imageio import IMAGE_SUFFIXES, UnreadableImage, remove_leftovers
from toolbox.infer.listing import ListedPhoto
from toolbox.infer.photo_file import read_photo_file
from toolbox.names import canonical
from toolbox.strict_png import decode_rgb_png, max_png_bytes

RECORD = 'infer.json'


class Outputs:
    """The outputs of a job, in a folder; for a zip in `.<name>.parts` beside it until all are there.

    The folder holds a record of what made its files, so that a job is resumed only by its like. A job that ended before
    its first output binds nobody: the corrected command begins anew in its folder.

    Args:
        out: a folder, or the path of a zip.

    Attributes:
        folder: where files are written.
        archive: the zip, or None.
        failures: where the photographs that could not be restored are listed.
    """

    def __init__(self, out: Path) -> None:
        self.archive = out if is_zip(out) else None
        self.folder = out.with_name(f'.{out.name}.parts') if self.archive else out
        self.failures = out.with_suffix('.failures.csv') if self.archive else out / 'failures.csv'

    def check(self, photos: Sequence[ListedPhoto], resume: bool) -> None:
        """Raise FileExistsError if something would be overwritten; reads nothing but names."""
        if self.folder.exists() and not self.folder.is_dir():
            raise FileExistsError(f'{self.folder} is a file: --out takes a folder, or the name of a .zip')
        if self.folder.suffix.lower() in IMAGE_SUFFIXES and not self.folder.exists():
            raise ValueError(
                f'--out {self.folder}: outputs keep the names of their photographs; give a folder, such as restored'
            )
        if self.archive and self.archive.exists():
            raise FileExistsError(f'{self.archive} exists already: choose another --out, or remove it')
        if (self.folder / RECORD).is_file() and self._has_outputs():
            if not resume:
                raise FileExistsError(
                    f'{self.folder} holds a job already: add --resume to go on with it, or choose another --out'
                )
        elif taken := next((photo.output for photo in photos if self.has(photo)), None):
            raise FileExistsError(f'{self.folder / taken} exists already: choose another --out')

    def begin(self, record: Mapping[str, Any]) -> bool:
        """Make the folder and write the record; whether the job is one that was begun before.

        Raises:
            ValueError: it was begun with other checkpoints, options or photographs.
            OSError: the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f'{self.folder}: this folder cannot be made: {error.strerror or error}') from error
        remove_leftovers(self.folder)
        self.failures.unlink(missing_ok=True)
        path = self.folder / RECORD
        if not path.is_file() or not self._has_outputs():
            _write_whole(path, (json.dumps(record, indent=2) + '\n').encode())
            return False
        before = read_json(path)
        different = [key for key in {**before, **record} if before.get(key) != record.get(key)]
        if different:
            changes = ', '.join(
                f'{key} was {_short(before.get(key))}, is {_short(record.get(key))}' for key in different
            )
            raise ValueError(f'{self.folder} holds outputs of another job ({changes}); choose another --out')
        return True

    def _has_outputs(self) -> bool:
        """Whether a job has written anything but its record and its failures."""
        own = {RECORD, self.failures.name}
        files = (path for path in self.folder.rglob('*') if path.is_file() and not path.name.startswith('.'))
        return any(path.name not in own for path in files)

    def has(self, photo: ListedPhoto) -> bool:
        """Whether a photograph's output is there."""
        return (self.folder / photo.output).is_file()

    def path(self, photo: ListedPhoto) -> Path:
        """Where a photograph's output belongs; its folder is made."""
        path = self.folder / photo.output
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def list_failure(self, name: str, reason: str) -> None:
        """Add a line to failures.csv."""
        is_new = not self.failures.exists()
        with self.failures.open('a', newline='', encoding='utf-8', errors='surrogateescape') as file:
            writer = csv.writer(file)
            writer.writerows([['file', 'reason']] if is_new else [])
            writer.writerow([name, reason])

    def finish(self, photos: Sequence[ListedPhoto]) -> Path:
        """Make the zip, if one was asked for, of outputs that are all there; check it; what the person gets."""
        if not self.archive:
            return self.folder
        temporary = self.archive.with_name(f'.{secrets.token_hex(8)}.tmp')
        try:
            write_zip(temporary, [self.folder / photo.output for photo in photos])
            check_submission(temporary, photos)
            os.replace(temporary, self.archive)
        finally:
            temporary.unlink(missing_ok=True)
        shutil.rmtree(self.folder)
        return self.archive


def is_zip(out: Path) -> bool:
    """Whether `--out` names a zip."""
    return out.suffix.lower() == '.zip'


def write_zip(path: Path, files: Sequence[Path]) -> None:
    """A flat zip of files, sorted by name; equal files give equal bytes: no times, no rights, no owners."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as archive:  # PNG is compressed already
        for file in sorted(files, key=lambda file: file.name):
            entry = zipfile.ZipInfo(file.name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, file.read_bytes())


def check_submission(path: Path, photos: Sequence[ListedPhoto]) -> None:
    """Read a zip as the leaderboard would: one 8-bit RGB PNG of the photograph's size for each, and nothing else.

    Raises:
        ValueError: it is not what it should be.
    """
    submission = open_submission(path, max_files=len(photos))
    expected = {canonical(photo.output): photo for photo in photos}
    problems = [f'{problem.file}: {problem.reason}' for problem in submission.problems]
    problems += [f'{name}: not in the list of photographs' for name in submission.names if name not in expected]
    for name, photo in expected.items():
        try:
            height, width = read_photo_file(photo.path).gray.shape
            decode_rgb_png(submission.read(name, max_png_bytes(width, height)), width, height)
        except (UnreadableImage, ValueError) as error:
            problems.append(f'{name}: {error}')
    if problems:
        raise ValueError('the zip would not be a submission:\n  ' + '\n  '.join(problems[:10]))


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f'.{secrets.token_hex(8)}.tmp')
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
