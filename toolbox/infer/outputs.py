"""Where restored photographs go: a folder, or a submission's zip by way of a folder; what a resumed job may skip.

Every file appears whole or not at all. Imports neither torch nor any heavy library.
"""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from toolbox.images.archive import open_submission
from toolbox.images.io import IMAGE_SUFFIXES, UnreadableImage
from toolbox.images.strict_png import decode_rgb_png, max_png_bytes
from toolbox.infer.listing import ListedPhoto
from toolbox.infer.photo_file import read_photo_file
from toolbox.system.digests import digest_of_file
from toolbox.system.disk_errors import make_folder, writing_into
from toolbox.system.files import append_rows, append_whole, in_one_move, parse_json, remove_leftovers, zip_to
from toolbox.system.locks import locked, refuse_locked
from toolbox.system.names import canonical
from toolbox.system.output_paths import check_length
from toolbox.system.records import read_record, save_record

RECORD = 'infer.json'
# What was finished since the record was written, a line each; the record takes them in when the job ends.
_JOURNAL = '.infer.journal'
_WHAT = 'restoring photographs'
_GO_ON = 'what is finished is kept: the same command with --resume goes on'

# How many bytes an output has and their digest, and the same of its mask.
_SUMS = re.compile(r'\d+ [0-9a-f]{32}( \d+ [0-9a-f]{32})?')


class Outputs:
    """The outputs of a job, in a folder; for a zip in `.<name>.parts` beside it until all are there.

    The folder holds a record of what made its files, so that a job is resumed only by its like, and of the size and the
    digest of each: what does not have them is not finished. A job that ended before its first output binds nobody: the
    corrected command begins anew in its folder.

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
        self._record: dict[str, Any] = {}
        self._sums: dict[str, str] = {}  # by output: of it, and of its mask if one was written
        self._whole: set[str] = set()  # outputs that were found to have their sums

    def check(self, photos: Sequence[ListedPhoto], resume: bool) -> None:
        """Raise an error if something would be overwritten, or cannot be written; reads nothing but names.

        Raises:
            FileExistsError: there is something, or another process at work.
            ValueError: names that the system, or a zip, does not take.
        """
        self._check_names(photos)
        if self.folder.exists() and not self.folder.is_dir():
            raise FileExistsError(f'{self.folder} is a file: --out takes a folder, or the name of a .zip')
        if self.folder.suffix.lower() in IMAGE_SUFFIXES and not self.folder.exists():
            raise ValueError(
                f'--out {self.folder}: outputs keep the names of their photographs; give a folder, such as restored'
            )
        if self.archive and self.archive.exists():
            raise FileExistsError(f'{self.archive} exists already: choose another --out, or remove it')
        refuse_locked(self.folder, _WHAT, '--out')
        if (self.folder / RECORD).is_file() and self._has_outputs():
            if not resume:
                raise FileExistsError(
                    f'{self.folder} holds a job already: add --resume to go on with it, or choose another --out'
                )
        elif taken := next((photo.output for photo in photos if (self.folder / photo.output).is_file()), None):
            raise FileExistsError(f'{self.folder / taken} exists already: choose another --out')

    @contextmanager
    def held(self, record: Mapping[str, Any], masks: Path | None = None) -> Iterator[bool]:
        """Within, no other process writes here. Makes the folder and writes the record.

        What a killed process left half written is removed. `with` gives whether the job is one that was begun before.

        Args:
            record: what the outputs' bytes depend on.
            masks: the folder where holes are written, or None.

        Raises:
            FileExistsError: another process works here.
            ValueError: it was begun with other checkpoints, options or photographs, or its record is damaged.
            NotWritten: the system takes no files here.
        """
        with ExitStack() as stack:
            make_folder(self.folder)
            stack.enter_context(writing_into(self.folder, _GO_ON))
            stack.enter_context(locked(self.folder, _WHAT, option='--out', keep=False))
            for folder in (self.folder, masks):
                if folder is not None:
                    remove_leftovers(folder)
            if self.archive:
                remove_leftovers(self.archive.parent, below=False)
            self.failures.unlink(missing_ok=True)
            yield self._begin(record)

    def _begin(self, record: Mapping[str, Any]) -> bool:
        self._record, path = dict(record), self.folder / RECORD
        if not path.is_file() or not self._has_outputs():
            (self.folder / _JOURNAL).unlink(missing_ok=True)
            save_record(path, self._record)
            return False
        before = read_record(
            path,
            {'outputs': dict},
            f'its job cannot be resumed: choose another --out, or remove {self.folder}',
        )
        sums = before.pop('outputs', {})
        different = [key for key in {**before, **record} if before.get(key) != record.get(key)]
        if different:
            changes = ', '.join(
                f'{key} was {_short(before.get(key))}, is {_short(record.get(key))}' for key in different
            )
            raise ValueError(f'{self.folder} holds outputs of another job ({changes}); choose another --out')
        for output, rows in [*sums.items(), *self._journal()]:
            if isinstance(rows, str) and _SUMS.fullmatch(rows):
                self._sums[output] = rows
        return True

    def _journal(self) -> Iterator[tuple[str, Any]]:
        """What was noted since the record was written; a line that is damaged says that something is not finished."""
        path = self.folder / _JOURNAL
        if path.is_file():
            for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
                yield from (parse_json(line) or {}).items()

    def _has_outputs(self) -> bool:
        """Whether a job has written anything but its record and its failures."""
        own = {RECORD, self.failures.name}
        files = (path for path in self.folder.rglob('*') if path.is_file() and not path.name.startswith('.'))
        return any(path.name not in own for path in files)

    def has(self, photo: ListedPhoto, masks: Path | None = None) -> bool:
        """Whether a photograph's output, and its mask in `masks`, are there and whole: as large as they were written,
        and of the same digest.
        """
        output = photo.output
        if output not in self._whole and output in self._sums:
            size, digest, *of_mask = self._sums[output].split()
            if _is_whole(self.folder / output, size, digest) and (
                masks is None or not of_mask or _is_whole(masks / output, *of_mask)
            ):
                self._whole.add(output)
        return output in self._whole

    def path(self, photo: ListedPhoto) -> Path:
        """Where a photograph's output belongs; its folder is made."""
        path = self.folder / photo.output
        make_folder(path.parent)
        return path

    def finished(self, photo: ListedPhoto, sums: Sequence[tuple[int, str]]) -> None:
        """Note that a photograph's output was written.

        Args:
            photo: which one.
            sums: bytes and digest of the output, and of its mask if one was written.
        """
        told = ' '.join(f'{size} {digest}' for size, digest in sums)
        append_whole(self.folder / _JOURNAL, (json.dumps({photo.output: told}) + '\n').encode())
        self._sums[photo.output] = told
        self._whole.add(photo.output)

    def list_failure(self, name: str, reason: str) -> None:
        """Add a line to failures.csv."""
        append_rows(self.failures, [*([] if self.failures.exists() else [('file', 'reason')]), (name, reason)])

    def keep_sums(self) -> None:
        """Take what was noted of the outputs into the record."""
        save_record(self.folder / RECORD, {**self._record, 'outputs': dict(sorted(self._sums.items()))})
        (self.folder / _JOURNAL).unlink(missing_ok=True)

    def finish(self, photos: Sequence[ListedPhoto]) -> Path:
        """Make the zip, if one was asked for, of outputs that are all there; check it; what the person gets."""
        if not self.archive:
            return self.folder
        with in_one_move(self.archive) as file:
            write_zip(file, [self.folder / photo.output for photo in photos])
            file.flush()
            check_submission(Path(file.name), photos)
        shutil.rmtree(self.folder)
        return self.archive

    def _check_names(self, photos: Sequence[ListedPhoto]) -> None:
        """Raise ValueError for names that cannot be written, now: the work comes before them."""
        longest = max((len(os.fsencode(photo.output)) for photo in photos), default=0)
        check_length('--out', self.archive or self.folder)
        check_length('--out', self.folder, within=max(longest, len(RECORD), len(_JOURNAL)))
        check_length('--out', self.failures)
        if self.archive is None:
            return
        for photo in photos:
            try:
                photo.output.encode()
            except UnicodeEncodeError:
                raise ValueError(
                    f'{photo.name!r}: a name that is no UTF-8, which a zip cannot hold; rename the photograph, or give '
                    'a folder as --out'
                ) from None


def is_zip(out: Path) -> bool:
    """Whether `--out` names a zip."""
    return out.suffix.lower() == '.zip'


def write_zip(output: BinaryIO, files: Sequence[Path]) -> None:
    """A flat zip of files, sorted by name; equal files give equal bytes: no times, no rights, no owners."""
    with zip_to(output) as archive:  # stored: PNG is compressed already
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


def _is_whole(path: Path, size: str, digest: str) -> bool:
    return path.is_file() and path.stat().st_size == int(size) and digest_of_file(path) == digest


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
