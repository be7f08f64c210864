"""Scores submissions, archives or folders of PNG images, against a truth.

`check_submissions` finds everything that is wrong with them, and needs neither torch nor any heavy library for it;
`score_submissions` scores what was found right.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

import toolbox
from toolbox.images.archive import Submission
from toolbox.images.io import read_gray, read_rgb
from toolbox.scoring.problems import SubmissionError
from toolbox.scoring.reference import Reference, in_parallel
from toolbox.scoring.submissions import CheckedSubmissions, check_submissions, read_output
from toolbox.system.environment import commit

if TYPE_CHECKING:
    from toolbox.scoring.entry import Pictures, ScoreEntry

__all__ = [
    'CheckedSubmissions',
    'SubmissionError',
    'as_json',
    'check_submissions',
    'how_scored',
    'notes',
    'score_baselines',
    'score_submissions',
]


def score_submissions(
    checked: CheckedSubmissions, *, finder: str | Mapping[str, Any] | None = None
) -> list['ScoreEntry']:
    """Score each submission on all images.

    Args:
        checked: what `check_submissions` returned.
        finder: a plugin of kind `finders`, by name or as config, which finds the holes where no masks were given; None
            for the one of `configs/_base_/data.py`.

    Returns:
        One entry per submission, in order, ready for `toolbox.report.write_score_report` and `as_json`.
    """
    from toolbox.scoring.entry import ScoreEntry

    reference = checked.reference
    find_hole = _hole_reader(reference, finder)

    def score_image(stem: str) -> list[dict]:
        truth, hole = read_rgb(reference.truth[stem]), find_hole(stem)
        return [_score(read_output(each, stem, reference), truth, hole) for each in checked.submissions.values()]

    rows = dict(zip(reference.truth, in_parallel(score_image, reference.truth, 'scoring'), strict=True))
    return [
        ScoreEntry(name, {stem: rows[stem][number] for stem in rows}, _picture_reader(submission, reference, find_hole))
        for number, (name, submission) in enumerate(checked.submissions.items())
    ]


def notes(checked: CheckedSubmissions, entries: Sequence['ScoreEntry']) -> list[str]:
    """What a person should know about the masks: what was done to read them, and where no hole was found."""
    said = [f'{note}: {count}' for note, count in checked.reference.notes.items()]
    without = sum('no hole' in row['notes'] for row in entries[0].rows.values())
    if without and checked.reference.masks is None:
        number = f'{without} of {len(entries[0].rows)} inputs'
        said.append(f'no hole was found in {number}, whose masked_ssim is 1; --masks DIR gives the true ones')
    return said


def score_baselines(
    checked: CheckedSubmissions, *, finder: str | Mapping[str, Any] | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """What a submission has to beat: rows by image, by the baseline's name; none without the damaged images."""
    reference = checked.reference
    inputs = reference.inputs
    if inputs is None:
        return {}
    from toolbox.scoring.baselines import BASELINES, restored_pixels

    find_hole = _hole_reader(reference, finder)

    def score_image(stem: str) -> list[dict]:
        truth, hole, damaged = read_rgb(reference.truth[stem]), find_hole(stem), read_gray(inputs[stem])
        return [_score(restored_pixels(baseline, damaged, hole), truth, hole) for baseline in BASELINES.values()]

    rows = dict(zip(reference.truth, in_parallel(score_image, reference.truth, 'baselines'), strict=True))
    return {name: {stem: rows[stem][number] for stem in rows} for number, name in enumerate(BASELINES)}


def how_scored(checked: CheckedSubmissions | None = None) -> dict[str, str]:
    """When and by what, and for submissions from which files: for the report."""
    how = {
        'date': datetime.now().astimezone().strftime('%Y-%m-%d %H:%M %Z'),
        'version': f'Huefill {toolbox.__version__}, {commit() or "no commit"}',
    }
    if checked is None:
        return how
    reference = checked.reference
    files = {'truth': reference.truth, 'masks': reference.masks, 'damaged images': reference.inputs}
    for name, submission in checked.submissions.items():
        how[f'submission {name}' if len(checked.submissions) > 1 else 'submission'] = str(submission.path)
    for role, paths in files.items():
        how[role] = 'not given' if paths is None else str(next(iter(paths.values())).parent)
    if reference.masks is None:
        how['masks'] = 'found in the damaged images'
    return how


def as_json(entries: Sequence['ScoreEntry']) -> dict[str, Any]:
    """One entry's means (`score ssim masked_ssim hue_similarity n`) and `per_image` rows by image.

    Several entries become ``{"submissions": {name: the same, ...}}``.
    """
    content = {entry.name: {**entry.summary, 'per_image': dict(entry.rows)} for entry in entries}
    return content[entries[0].name] if len(entries) == 1 else {'submissions': content}


def _hole_reader(reference: Reference, finder: str | Mapping[str, Any] | None) -> Callable[[str], np.ndarray]:
    """Gives the hole of an image, uint8 (H, W) in {0, 1}."""
    if reference.masks is not None:
        return lambda stem: reference.read_mask(stem).hole
    from mmengine.config import Config

    from toolbox.plugin.discovery import discover_plugins
    from toolbox.plugin.registry import FINDERS
    from toolbox.system.paths import CONFIGS

    discover_plugins()
    if finder is None:
        finder = Config.fromfile(CONFIGS / '_base_' / 'data.py').data.finder  # never one of the working folder
    find = FINDERS.build({'type': finder} if isinstance(finder, str) else finder)
    inputs = reference.inputs
    assert inputs is not None  # `check_submissions` asks for them
    return lambda stem: find(read_gray(inputs[stem])).mask


def _score(output: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> dict:
    import torch

    from toolbox.scoring.score import score_images

    images = (torch.tensor(image).permute(2, 0, 1)[None] for image in (output, truth, hole[..., None]))
    return score_images(*images)[0]


def _picture_reader(
    submission: Submission, reference: Reference, find_hole: Callable[[str], np.ndarray]
) -> Callable[[str], 'Pictures']:
    from toolbox.scoring.entry import Pictures

    def read_pictures(stem: str) -> Pictures:
        truth, hole = read_rgb(reference.truth[stem]), find_hole(stem)
        damaged = None if reference.inputs is None else read_gray(reference.inputs[stem])
        return Pictures(damaged, read_output(submission, stem, reference), truth, hole)

    return read_pictures
