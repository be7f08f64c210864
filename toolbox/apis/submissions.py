"""Checks submissions, archives or folders of PNG images, before they are scored, and lists all that is wrong at once.

Needs neither torch nor any heavy library, so that a wrong or a hostile file costs little time and memory.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from toolbox.archive import MAX_SURPLUS_FILES, Problem, Submission, open_submission, shown
from toolbox.bars import bar
from toolbox.imageio import IMAGE_SUFFIXES, UnreadableImage, read_gray, read_mask, read_rgb
from toolbox.names import canonical
from toolbox.strict_png import decode_rgb_png, max_png_bytes

_NAMES_SHOWN, _REASONS_SHOWN = 10, 30
_MAX_THREADS = 8

T, R = TypeVar('T'), TypeVar('R')


class SubmissionError(ValueError):
    """Submissions that cannot be scored.

    Attributes:
        problems: all of them, by what they are about: a submission or a folder of the truth's side.
    """

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return '\n'.join(line for owner, found in self.problems.items() for line in (f'{owner}:', *_grouped(found)))


@dataclass(frozen=True)
class Reference:
    """What submissions are scored against, by the image's name without suffix.

    Attributes:
        truth: files of the true images.
        masks: files of the holes; None where a finder has to find them.
        inputs: files of the damaged images, or None.
        sizes: height and width.
    """

    truth: dict[str, Path]
    masks: dict[str, Path] | None
    inputs: dict[str, Path] | None
    sizes: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class CheckedSubmissions:
    """Submissions that hold an image of the right size and type for each image of the reference."""

    submissions: dict[str, Submission]
    reference: Reference


def check_submissions(
    submissions: Sequence[str | Path],
    truth: str | Path,
    *,
    masks: str | Path = 'auto',
    inputs: str | Path | None = None,
) -> CheckedSubmissions:
    """Open submissions and what they are scored against, decode every image, and list all that is wrong at once.

    Args:
        submissions: ZIP archives or folders: flat, 8-bit RGB PNG images named like the truth's.
        truth: folder of the true images.
        masks: folder of masks, matched by name without suffix, 255 = hole; 'auto': the holes are found in `inputs`.
        inputs: folder of the damaged gray images, matched likewise; the report shows them.

    Raises:
        FileNotFoundError: a folder of the truth's side does not exist or has no images.
        SubmissionError: all problems of the truth; or, if it has none, of everything else.
    """
    if str(masks) == 'auto' and inputs is None:
        raise ValueError('--masks auto finds the holes in the damaged images: give their folder, --inputs DIR')
    folders = {'truth': truth, 'masks': None if str(masks) == 'auto' else masks, 'inputs': inputs}
    reference, problems = _open_reference(
        {role: Path(folder) for role, folder in folders.items() if folder is not None}
    )
    expected = {f'{stem}.png' for stem in reference.truth}
    opened = {}
    for name, path in _distinct_names(submissions).items():
        try:
            opened[name] = submission = open_submission(path, max_files=len(expected) + MAX_SURPLUS_FILES)
        except (OSError, ValueError) as error:
            problems[name] = [Problem(str(error))]
            continue
        found = [*submission.problems, *_name_problems(submission, expected), *_image_problems(submission, reference)]
        if found:
            problems[name] = found
    if problems:
        raise SubmissionError(problems)
    return CheckedSubmissions(opened, reference)


def read_output(submission: Submission, stem: str, reference: Reference) -> np.ndarray:
    """Decode a submission's image: uint8 (H, W, 3); ValueError with the repair, without the name."""
    height, width = reference.sizes[stem]
    return decode_rgb_png(submission.read(f'{stem}.png', max_png_bytes(width, height)), width, height)


def in_parallel(function: Callable[[T], R], items: Iterable[T], title: str) -> list[R]:
    """Results in order; decoding and scoring let go of the interpreter, so that threads help."""
    items = list(items)
    results = []
    with (
        ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool,
        bar(len(items), 'image', title, stays=False) as shown,
    ):
        for result in pool.map(function, items):
            results.append(result)
            shown.update()
    return results


def _open_reference(folders: Mapping[str, Path]) -> tuple[Reference, dict[str, list[Problem]]]:
    """List and read all images of the truth's side, by role; with what is wrong with masks and inputs, by folder.

    Raises:
        SubmissionError: something is wrong with the truth; there is nothing to measure the others by.
    """
    files = {role: _images_by_stem(folder) for role, folder in folders.items()}
    sizes, unreadable = _read_sizes(folders['truth'], files['truth'].values(), read_rgb)
    if unreadable:
        raise SubmissionError({str(folders['truth']): unreadable})
    problems = {}
    for role, read in (('masks', read_mask), ('inputs', read_gray)):
        if role in folders:
            found = list(_mismatches(folders[role], files[role], sizes, read))
            if found:
                problems[str(folders[role])] = found
    return Reference(files['truth'], files.get('masks'), files.get('inputs'), sizes), problems


def _mismatches(
    folder: Path,
    files: Mapping[str, Path],
    truth_sizes: Mapping[str, tuple[int, int]],
    read: Callable[[Path], np.ndarray],
) -> Iterator[Problem]:
    """What a folder lacks that should hold an image of the same size for each image of the truth."""
    for stem in truth_sizes:
        if stem not in files:
            yield Problem('missing; the truth has an image of this name', stem)
    sizes, unreadable = _read_sizes(folder, [files[stem] for stem in truth_sizes if stem in files], read)
    yield from unreadable
    for stem, (height, width) in sizes.items():
        true_height, true_width = truth_sizes[stem]
        if (height, width) != (true_height, true_width):
            yield Problem(f'{width}x{height}, the truth is {true_width}x{true_height}', files[stem].name)


def _images_by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder')
    files = sorted(folder / name for name in os.listdir(folder) if not name.startswith('.'))
    files = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise FileNotFoundError(f'{folder}: no images in it')
    by_stem = {canonical(path.stem): path for path in files}
    doubled = [
        Problem('another file differs in its suffix alone; keep one', path.name)
        for path in files
        if by_stem[canonical(path.stem)] != path
    ]
    if doubled:
        raise SubmissionError({str(folder): doubled})
    return by_stem


def _read_sizes(
    folder: Path, files: Iterable[Path], read: Callable[[Path], np.ndarray]
) -> tuple[dict[str, tuple[int, int]], list[Problem]]:
    """Height and width by stem, and which files cannot be read."""

    def read_size(file: Path) -> tuple[int, int] | Problem:
        try:
            return read(file).shape[:2]
        except UnreadableImage as error:
            return Problem(error.reason, file.name)

    files = list(files)
    results = in_parallel(read_size, files, f'reading {folder}')
    sizes = {
        canonical(file.stem): size for file, size in zip(files, results, strict=True) if not isinstance(size, Problem)
    }
    return sizes, [result for result in results if isinstance(result, Problem)]


def _distinct_names(submissions: Sequence[str | Path]) -> dict[str, Path]:
    """What a submission is called: its file name, or its path where two have the same."""
    paths = [Path(path) for path in dict.fromkeys(map(str, submissions))]
    names = [path.resolve().name for path in paths]
    return {name if names.count(name) == 1 else str(path): path for name, path in zip(names, paths, strict=True)}


def _name_problems(submission: Submission, expected: set[str]) -> Iterator[Problem]:
    present = {*submission.names, *(problem.file for problem in submission.problems)}
    for name in sorted(expected - present):
        yield Problem('missing; each image of the truth needs a PNG of its name', name)
    for name in submission.names:
        if name not in expected:
            yield Problem('surplus; the truth has no image of this name', name)


def _image_problems(submission: Submission, reference: Reference) -> list[Problem]:
    def find_problem(stem: str) -> Problem | None:
        try:
            read_output(submission, stem, reference)
        except ValueError as error:
            return Problem(str(error), f'{stem}.png')
        return None

    readable = set(submission.names)
    stems = [stem for stem in reference.truth if f'{stem}.png' in readable]
    return [problem for problem in in_parallel(find_problem, stems, f'checking {submission.path.name}') if problem]


def _grouped(problems: Sequence[Problem]) -> Iterator[str]:
    """A line per reason: the names it applies to. Of very many, the first."""
    by_reason: dict[str, list[str]] = {}
    for problem in problems:
        by_reason.setdefault(problem.reason, []).append(problem.file)
    for reason, files in islice(by_reason.items(), _REASONS_SHOWN):
        names = ', '.join(shown(file) for file in files[:_NAMES_SHOWN] if file)
        more = f', and {len(files) - _NAMES_SHOWN:,} more' if len(files) > _NAMES_SHOWN else ''
        yield f'  {reason}: {names}{more}' if names else f'  {reason}'
    if len(by_reason) > _REASONS_SHOWN:
        yield f'  and {len(by_reason) - _REASONS_SHOWN:,} other problems'
