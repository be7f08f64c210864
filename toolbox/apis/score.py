"""Scores submissions, archives or folders of PNG images, against a truth.

`check_submissions` finds everything that is wrong with them, and needs neither torch nor any heavy library for it;
`score_submissions` scores what was found right.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from toolbox.archive import MAX_SURPLUS_FILES, Problem, Submission, open_submission, shown
from toolbox.imageio import IMAGE_SUFFIXES, UnreadableImage, read_gray, read_mask, read_rgb
from toolbox.strict_png import decode_rgb_png, max_png_bytes

if TYPE_CHECKING:
    from toolbox.report import Pictures, ScoreEntry

_NAMES_SHOWN = 10
_HOLE_GRAY = 128  # how a hole is painted where there is no input to show
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
        SubmissionError: all problems of the truth's side; if it has none, all problems of all submissions.
    """
    if str(masks) == 'auto' and inputs is None:
        raise ValueError('--masks auto finds the holes in the damaged images: give their folder, --inputs DIR')
    reference = _open_reference(Path(truth), None if str(masks) == 'auto' else Path(masks), inputs and Path(inputs))
    expected = {f'{stem}.png' for stem in reference.truth}
    opened, problems = {}, {}
    for name, path in _distinct_names(submissions).items():
        try:
            submission = open_submission(path, max_files=len(expected) + MAX_SURPLUS_FILES)
        except (OSError, ValueError) as error:
            problems[name] = [Problem(str(error))]
            continue
        found = [*submission.problems, *_name_problems(submission, expected), *_image_problems(submission, reference)]
        opened[name] = submission
        if found:
            problems[name] = found
    if problems:
        raise SubmissionError(problems)
    return CheckedSubmissions(opened, reference)


def score_submissions(
    checked: CheckedSubmissions, *, finder: str | Mapping[str, Any] = 'ConstantRegion'
) -> list['ScoreEntry']:
    """Score each submission on all images.

    Args:
        checked: what `check_submissions` returned.
        finder: a plugin of kind `finders`, by name or as config; finds the holes where no masks were given.

    Returns:
        One entry per submission, in order, ready for `toolbox.report.write_score_report` and `write_json`.
    """
    from toolbox.report import ScoreEntry

    reference = checked.reference
    find_hole = _hole_reader(reference, finder)

    def score_image(stem: str) -> list[dict]:
        truth, hole = read_rgb(reference.truth[stem]), find_hole(stem)
        return [_score(_read_output(each, stem, reference), truth, hole) for each in checked.submissions.values()]

    rows = dict(zip(reference.truth, _in_parallel(score_image, reference.truth, 'scoring'), strict=True))
    return [
        ScoreEntry(name, {stem: rows[stem][number] for stem in rows}, _picture_reader(submission, reference, find_hole))
        for number, (name, submission) in enumerate(checked.submissions.items())
    ]


def write_json(file: str | Path, entries: Sequence['ScoreEntry']) -> None:
    """Write one entry's means (`score ssim masked_ssim hue_similarity n`) and `per_image` rows.

    Several entries are written as ``{"submissions": {name: the same, ...}}``.
    """
    content = {entry.name: {**entry.summary, 'per_image': entry.rows} for entry in entries}
    only = content[entries[0].name] if len(entries) == 1 else {'submissions': content}
    Path(file).write_text(json.dumps(only, indent=2) + '\n', encoding='utf-8')


# Checking


def _open_reference(truth: Path, masks: Path | None, inputs: Path | None) -> Reference:
    """List and read all images of the truth's side; raise what is wrong with them."""
    folders = {truth: read_rgb, masks: read_mask, inputs: read_gray}
    files = {folder: _images_by_stem(folder) for folder in folders if folder is not None}
    wanted = files[truth]
    problems: dict[str, list[Problem]] = {}
    sizes: dict[Path, dict[str, tuple[int, int]]] = {}
    for folder, found in files.items():
        missing = [Problem(f'missing; {truth} has an image of this name', stem) for stem in wanted if stem not in found]
        present = [stem for stem in wanted if stem in found]
        sizes[folder], unreadable = _read_sizes([found[stem] for stem in present], folders[folder], str(folder))
        odd = [
            Problem(f'{_size(size)}, the truth is {_size(sizes[truth][stem])}', found[stem].name)
            for stem, size in sizes[folder].items()
            if sizes[truth].get(stem, size) != size
        ]
        if missing or unreadable or odd:
            problems[str(folder)] = [*missing, *unreadable, *odd]
    if problems:
        raise SubmissionError(problems)
    return Reference(wanted, files.get(masks), files.get(inputs), sizes[truth])


def _images_by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder')
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise FileNotFoundError(f'{folder}: no images in it')
    by_stem = {path.stem: path for path in files}
    doubled = [
        Problem('another file differs in its suffix alone; keep one', path.name)
        for path in files
        if by_stem[path.stem] != path
    ]
    if doubled:
        raise SubmissionError({str(folder): doubled})
    return by_stem


def _read_sizes(
    files: Sequence[Path], read: Callable[[Path], np.ndarray], title: str
) -> tuple[dict[str, tuple[int, int]], list[Problem]]:
    """Height and width by stem, and which files cannot be read."""

    def read_size(file: Path) -> tuple[int, int] | Problem:
        try:
            return read(file).shape[:2]
        except UnreadableImage as error:
            return Problem(error.reason, file.name)

    results = dict(zip((file.stem for file in files), _in_parallel(read_size, files, f'reading {title}'), strict=True))
    problems = [result for result in results.values() if isinstance(result, Problem)]
    return {stem: result for stem, result in results.items() if not isinstance(result, Problem)}, problems


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
            _read_output(submission, stem, reference)
        except ValueError as error:
            return Problem(str(error), f'{stem}.png')
        return None

    readable = set(submission.names)
    stems = [stem for stem in reference.truth if f'{stem}.png' in readable]
    return [problem for problem in _in_parallel(find_problem, stems, f'checking {submission.path.name}') if problem]


def _grouped(problems: Sequence[Problem]) -> Iterator[str]:
    """A line per reason: the names it applies to, the first ones in full."""
    by_reason: dict[str, list[str]] = {}
    for problem in problems:
        by_reason.setdefault(problem.reason, []).append(problem.file)
    for reason, files in by_reason.items():
        names = ', '.join(shown(file) for file in files[:_NAMES_SHOWN] if file)
        more = f', and {len(files) - _NAMES_SHOWN:,} more' if len(files) > _NAMES_SHOWN else ''
        yield f'  {reason}: {names}{more}' if names else f'  {reason}'


def _size(size: tuple[int, int]) -> str:
    return f'{size[1]}x{size[0]}'


# Scoring


def _read_output(submission: Submission, stem: str, reference: Reference) -> np.ndarray:
    height, width = reference.sizes[stem]
    return decode_rgb_png(submission.read(f'{stem}.png', max_png_bytes(width, height)), width, height)


def _hole_reader(reference: Reference, finder: str | Mapping[str, Any]) -> Callable[[str], np.ndarray]:
    """Gives the hole of an image, uint8 (H, W) in {0, 1}."""
    if reference.masks is not None:
        return lambda stem: read_mask(reference.masks[stem])
    from toolbox.discovery import discover_plugins
    from toolbox.registry import FINDERS

    discover_plugins()
    find = FINDERS.build({'type': finder} if isinstance(finder, str) else finder)
    return lambda stem: find(read_gray(reference.inputs[stem])).mask


def _score(output: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> dict:
    import torch

    from toolbox.scoring import score_images

    images = (torch.tensor(image).permute(2, 0, 1)[None] for image in (output, truth, hole[..., None]))
    return score_images(*images)[0]


def _picture_reader(
    submission: Submission, reference: Reference, find_hole: Callable[[str], np.ndarray]
) -> Callable[[str], 'Pictures']:
    from toolbox.report import Pictures

    def read_pictures(stem: str) -> Pictures:
        truth, hole = read_rgb(reference.truth[stem]), find_hole(stem)
        if reference.inputs is not None:
            damaged = read_gray(reference.inputs[stem])
        else:
            damaged = np.where(hole > 0, _HOLE_GRAY, read_gray(reference.truth[stem])).astype(np.uint8)
        return Pictures(damaged, _read_output(submission, stem, reference), truth, hole)

    return read_pictures


def _in_parallel(function: Callable[[T], R], items: Iterable[T], title: str) -> list[R]:
    """Results in order; decoding and scoring let go of the interpreter, so that threads help."""
    from tqdm import tqdm

    items = list(items)
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        return list(tqdm(pool.map(function, items), desc=title, total=len(items), leave=False, disable=None))
