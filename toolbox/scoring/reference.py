"""The truth's side of a scoring: true images, masks and inputs, and whether they are what they are said to be.

A folder given in the place of another one would be scored without a word; so each is asked whether it looks like one
of the others. Needs neither torch nor any heavy library.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from toolbox.images.archive import Problem
from toolbox.images.io import IMAGE_SUFFIXES, UnreadableImage, read_gray, read_rgb
from toolbox.images.mask_files import Mask, looks_like_a_mask, read_mask
from toolbox.scoring.problems import SubmissionError
from toolbox.system.bars import bar
from toolbox.system.names import canonical

_MAX_THREADS = 8

T = TypeVar('T')
R = TypeVar('R')


@dataclass(frozen=True)
class Reference:
    """What submissions are scored against, by the image's name without suffix.

    Attributes:
        truth: files of the true images.
        masks: files of the holes; None where a finder has to find them.
        inputs: files of the damaged images, or None.
        sizes: height and width.
        notes: what was done to read the masks, in words, and for how many.
    """

    truth: dict[str, Path]
    masks: dict[str, Path] | None
    inputs: dict[str, Path] | None
    sizes: dict[str, tuple[int, int]]
    notes: Mapping[str, int] = field(default_factory=dict)

    def read_mask(self, stem: str) -> Mask:
        """The hole of an image, read with the damaged image at hand, or with the true one.

        Raises:
            UnreadableImage: see `toolbox.images.mask_files.read_mask`.
        """
        assert self.masks is not None
        photo = self.truth[stem] if self.inputs is None else self.inputs[stem]
        return read_mask(self.masks[stem], photo=read_gray(photo))


class _Looked(NamedTuple):
    """What one image of the truth and those of its name look like.

    `size` is that of the truth; `problems` are by role; of the others, None stands for what cannot be told.
    """

    size: tuple[int, int] | None
    problems: list[tuple[str, Problem]]
    notes: tuple[str, ...] = ()
    truth_is_mask: bool = False
    truth_is_damaged: bool | None = None
    input_is_mask: bool | None = None
    input_is_truth: bool | None = None


def open_reference(folders: Mapping[str, Path]) -> tuple[Reference, dict[str, list[Problem]]]:
    """List and read all images of the truth's side, by role; with what is wrong with masks and inputs, by folder.

    Args:
        folders: of `truth`, and of `masks` and `inputs` where there are such.

    Raises:
        FileNotFoundError: a folder does not exist or has no images.
        SubmissionError: something is wrong with the truth, or a folder is no such thing as it is said to be.
    """
    files = {role: _images_by_stem(folder) for role, folder in folders.items()}
    problems = {role: list(_missing(files['truth'], files[role], folders[role])) for role in folders}

    def look(stem: str) -> _Looked:
        return _look({role: files[role][stem] for role in folders if stem in files[role]})

    looked = in_parallel(look, files['truth'], f'reading {folders["truth"]}')
    for role, problem in (each for one in looked for each in one.problems):
        problems[role].append(problem)
    found = {str(folders[role]): listed for role, listed in problems.items() if listed}
    if problems['truth']:
        raise SubmissionError({str(folders['truth']): problems['truth']})
    mistaken = {str(folders[role]): [Problem(reason)] for role, reason in _mistaken(looked).items()}
    if mistaken:
        raise SubmissionError({**found, **mistaken})
    sizes = {stem: one.size for stem, one in zip(files['truth'], looked, strict=True) if one.size is not None}
    notes = Counter(note for one in looked for note in one.notes)
    return Reference(files['truth'], files.get('masks'), files.get('inputs'), sizes, notes), found


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


def _missing(truth: Mapping[str, Path], files: Mapping[str, Path], folder: Path) -> Iterator[Problem]:
    """What a folder lacks that should hold an image for each image of the truth."""
    if not set(truth) & set(files):
        yield Problem(
            f'none of its {len(files)} images is named like one of the truth: it has {min(files)}, the truth '
            f'{min(truth)}; names without suffix must be equal'
        )
        return
    yield from (Problem('missing; the truth has an image of this name', stem) for stem in truth if stem not in files)


def _look(files: Mapping[str, Path]) -> _Looked:
    """Read the images of one name, by role."""
    problems: list[tuple[str, Problem]] = []
    read: dict[str, np.ndarray] = {}
    for role, reader in (('truth', read_rgb), ('inputs', read_gray)):
        if role in files:
            try:
                read[role] = reader(files[role])
            except UnreadableImage as error:
                problems.append((role, Problem(error.reason, files[role].name)))
    if 'truth' not in read:
        return _Looked(None, problems)
    truth, damaged = read['truth'], read.get('inputs')
    size = truth.shape[:2]
    if damaged is not None and damaged.shape != size:
        (height, width), (true_height, true_width) = damaged.shape, size
        reason = f'{width}x{height}, the truth is {true_width}x{true_height}'
        problems.append(('inputs', Problem(reason, files['inputs'].name)))
        damaged = None
    true_gray = read_gray(files['truth'])
    mask = None
    if 'masks' in files:
        try:
            mask = read_mask(files['masks'], photo=true_gray if damaged is None else damaged)
        except UnreadableImage as error:
            problems.append(('masks', Problem(error.reason, files['masks'].name)))
    is_gray = bool((truth == truth[..., :1]).all())
    return _Looked(
        size,
        problems,
        () if mask is None else mask.notes,
        truth_is_mask=is_gray and looks_like_a_mask(true_gray),
        truth_is_damaged=_has_one_gray(true_gray, mask.hole) and is_gray if mask and mask.hole.any() else None,
        input_is_mask=None if damaged is None else looks_like_a_mask(damaged),
        input_is_truth=None if damaged is None else np.array_equal(damaged, true_gray),
    )


def _has_one_gray(gray: np.ndarray, hole: np.ndarray) -> bool:
    """Whether a hole is filled with one value, and more than a speck."""
    values = gray[hole > 0]
    return values.size >= 16 and values.min() == values.max()


def _mistaken(looked: Iterable[_Looked]) -> dict[str, str]:
    """What folders look like that were given for something else: a reason by role. All of their images must agree."""
    looked = list(looked)

    def all_are(name: str) -> bool:
        values = [value for value in (getattr(one, name) for one in looked) if value is not None]
        return bool(values) and all(values)

    reasons = {}
    if all_are('truth_is_mask'):
        reasons['truth'] = 'its images look like masks, black and white; are two folders swapped?'
    elif all_are('truth_is_damaged'):
        reasons['truth'] = 'its images are gray and have one gray in each hole: the damaged ones? Give the true ones'
    if all_are('input_is_mask'):
        reasons['inputs'] = 'its images look like masks, black and white; are two folders swapped?'
    elif all_are('input_is_truth'):
        reasons['inputs'] = 'its images are those of the truth, undamaged; are two folders swapped?'
    return reasons


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
