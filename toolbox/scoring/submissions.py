"""Checks submissions, archives or folders of PNG images, before they are scored, and lists all that is wrong at once.

Needs neither torch nor any heavy library, so that a wrong or a hostile file costs little time and memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolbox.images.archive import MAX_SURPLUS_FILES, Problem, Submission, open_submission
from toolbox.images.strict_png import decode_rgb_png, max_png_bytes
from toolbox.scoring.problems import SubmissionError
from toolbox.scoring.reference import Reference, in_parallel, open_reference


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
    reference, problems = open_reference({role: Path(folder) for role, folder in folders.items() if folder is not None})
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
