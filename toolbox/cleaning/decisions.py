"""What is decided about each image, by which rule, in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolbox.cleaning.duplicates import best_of_group
from toolbox.cleaning.files import Facts
from toolbox.data.clean_csv import UNREADABLE, Row
from toolbox.plugin.types import Outliers
from toolbox.system.words import did_you_mean

# What can be remarkable about a file, in the order of telling.
FILE_RULES = ('gray', 'tiny', 'animated', 'mode')
# The rules that decide, in their order.
KINDS = ('unreadable', 'file', 'duplicate', 'outlier', 'kept')


@dataclass
class Images:
    """The images of a data set, of N files.

    Attributes:
        names: of all files.
        failures: why a file is no image, by its index.
        indices: int64 (M,), the files that are images, in order; the lists below follow it.
        facts: of each image.
        num_bytes: of each image's file.
        groups: int64 (M,), equal for images that show the same, -1 for an image alone.
    """

    names: Sequence[str]
    failures: Mapping[int, str]
    indices: np.ndarray
    facts: list[Facts]
    num_bytes: list[int]
    groups: np.ndarray

    def name(self, image: int) -> str:
        """Of an image by its place in `indices`."""
        return self.names[int(self.indices[image])]


def check_file_rules(drop: Sequence[str]) -> None:
    """Raise ValueError unless all are known."""
    for rule in drop:
        if rule not in FILE_RULES:
            raise ValueError(f'files.drop: no rule {rule!r}{did_you_mean(rule, FILE_RULES)}')


def file_remarks(facts: Facts, min_side: int) -> dict[str, str]:
    """What is remarkable about a file: the rule and the words for it."""
    remarks = {}
    if facts.is_gray:
        remarks['gray'] = 'gray only'
    if min(facts.width, facts.height) < min_side:
        remarks['tiny'] = f'tiny: {facts.width}x{facts.height} px'
    if facts.is_animated:
        remarks['animated'] = f'animated {facts.format}'
    if not facts.has_plain_mode:
        remarks['mode'] = f'stored as {facts.mode}, converted'
    return remarks


def best_members(images: Images, usable: np.ndarray) -> dict[int, int]:
    """The image of each group that stays, among the usable ones; a group without any has none."""
    members: dict[int, list[int]] = {}
    for image in np.flatnonzero((images.groups >= 0) & usable):
        members.setdefault(int(images.groups[image]), []).append(int(image))
    best = {}
    for group, those in members.items():
        columns = ([column[image] for image in those] for column in (images.facts, images.num_bytes))
        best[group] = those[best_of_group(*columns, [images.name(image) for image in those])]
    return best


def decide(
    images: Images,
    remarks: Sequence[Mapping[str, str]],
    drop: Sequence[str],
    best: Mapping[int, int],
    judged: np.ndarray,
    outliers: Outliers,
) -> tuple[list[Row], list[str]]:
    """A row for each file, and the rule that decided: one of `KINDS`.

    The first of these that applies decides: the file is no image; it has a remark that `drop` lists; a better image
    shows the same; it is an outlier. Images that show the same as a judged one share its label and score.

    Args:
        images: N files, M of them images.
        remarks: M times what `file_remarks` says.
        drop: the remarks that are reasons to leave an image out.
        best: from `best_members`.
        judged: int64 (K,), places among the M images of those that were judged.
        outliers: what was found about them.
    """
    place = {int(image): number for number, image in enumerate(judged)}
    sizes = np.bincount(outliers.label[outliers.label >= 0], minlength=1)
    rows: list[Row | None] = [None] * len(images.names)
    kinds = ['unreadable'] * len(images.names)
    for index, failure in images.failures.items():
        rows[index] = Row(images.names[index], None, None, False, f'{UNREADABLE}: {failure}', None)
    for image, index in enumerate(images.indices):
        group = int(images.groups[image])
        stays = best.get(group, image) if group >= 0 else image
        number = place.get(stays)
        label = None if number is None else int(outliers.label[number])
        score = None if number is None else float(outliers.score[number])
        kinds[index], reason = _judgment(image, stays, images, remarks[image], drop)
        if kinds[index] == 'kept' and number is not None and not outliers.keep[number]:
            kinds[index], reason = 'outlier', _outlier_reason(label, sizes)
        keep = kinds[index] == 'kept'
        rows[index] = Row(images.name(image), label, score, keep, reason, None if group < 0 else group)
    return rows, kinds


def _judgment(
    image: int, stays: int, images: Images, remarks: Mapping[str, str], drop: Sequence[str]
) -> tuple[str, str]:
    """Kind and reason of an image, whatever it looks like among the others."""
    reasons = [words for rule, words in remarks.items() if rule in drop]
    if reasons:
        return 'file', '; '.join(reasons)
    if stays != image:
        return 'duplicate', f'duplicate of {images.name(stays)}'
    return 'kept', '; '.join(remarks.values())


def _outlier_reason(label: int, sizes: np.ndarray) -> str:
    if label < 0:
        return 'noise: far from all other images'
    return f'small strange cluster {label} of {sizes[label]} images'
