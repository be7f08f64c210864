"""Photographs as a cleaning run left them: without those that it left out, with its clusters and duplicates."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolbox.data.clean_csv import Row
from toolbox.data.csv_files import NOT_UTF_8, is_undecodable
from toolbox.data.manifest import Manifest
from toolbox.system.names import Spellings

_UNLISTED = 'not in the csv'


@dataclass
class Cleaned:
    """What stays of n photographs.

    Attributes:
        photos: m of them; those that show the same share a group.
        labels: int64 (m,), their clusters; -1 for noise, and where the csv names none.
        keep: bool (m,), what the csv says of them.
        left_out: how many photographs were left out for which reason.
    """

    photos: Manifest
    labels: np.ndarray
    keep: np.ndarray
    left_out: dict[str, int]

    def __str__(self) -> str:
        total = sum(self.left_out.values())
        stay = len(self.photos) if self.keep.all() else int(self.keep.sum())
        reasons = ', '.join(f'{count:,} {reason}' for reason, count in self.left_out.items())
        return f'{stay:,} photos stay, {total:,} are left out' + (f': {reasons}' if reasons else '')


def apply_clean_csv(photos: Manifest, rows: Mapping[str, Row], source: str, drop: bool = True) -> Cleaned:
    """Leave out the photographs with keep=0, and those that the csv does not list: nobody has judged them.

    Args:
        photos: of a data set.
        rows: of the csv, by name.
        source: names the csv in errors.
        drop: False leaves out what is no image alone, and marks the others in `Cleaned.keep`.

    Raises:
        ValueError: it lists none of the photographs, or keeps none.
    """
    judged = _rows_of(photos, rows, source)
    if not any(judged):
        raise ValueError(
            f'{source} lists none of the {len(photos)} photographs (it has {next(iter(rows), "no rows")!r}, they are '
            f'{photos.names[0]!r} ...): clean the very folder that is trained on, or set clean_csv=None'
        )
    left_out = Counter(
        _UNLISTED if row is None else _short(row.reason) for row in judged if row is None or not row.keep
    )
    keep = np.array([row is not None and row.keep for row in judged])
    if not keep.any():
        raise ValueError(f'{source} keeps none of the {len(photos)} photographs; look at its column keep')
    usable = np.array([row is None or row.is_readable for row in judged])
    stays = np.flatnonzero(keep if drop else usable)
    rows_left = [judged[index] for index in stays]
    kept = photos.subset(stays)
    kept.groups = _joined(kept.groups, [None if row is None else row.group for row in rows_left])
    labels = [-1 if row is None or row.label is None else row.label for row in rows_left]
    return Cleaned(kept, np.array(labels, np.int64), keep[stays], dict(left_out.most_common()))


def _rows_of(photos: Manifest, rows: Mapping[str, Row], source: str) -> list[Row | None]:
    """The row of each photograph, or None."""
    listed = Spellings(rows)
    found = [listed.find(name) for name in photos.names]
    foreign = next((name for name in rows.keys() - set(found) if is_undecodable(name)), None)
    if foreign is not None:
        raise ValueError(f'{source} lists {foreign!r}, which is no photograph here; {NOT_UTF_8}')
    return [None if name is None else rows[name] for name in found]


def _short(reason: str) -> str:
    """The rule without the particulars of the image: `duplicate of a.jpg` -> `duplicate`."""
    return reason.partition(':')[0].partition(' of ')[0] or 'keep=0'


def _joined(groups: np.ndarray | None, duplicates: list[int | None]) -> np.ndarray | None:
    """One grouping in which photographs are together that are together in either; None where all are alone."""
    if groups is None and all(group is None for group in duplicates):
        return None
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(duplicates)
    scenes = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    known = [(photo, group) for photo, group in enumerate(duplicates) if group is not None]
    members, numbers = np.array(known, np.int64).reshape(-1, 2).T
    numbers = np.unique(numbers, return_inverse=True)[1]
    # Photographs, scenes and groups of duplicates are the nodes; a photograph is linked with those it is in.
    links = np.concatenate(
        [np.stack([np.arange(count), count + scenes]), np.stack([members, 2 * count + numbers])], axis=1
    )
    graph = coo_array((np.ones(links.shape[1], bool), tuple(links)), shape=(3 * count, 3 * count))
    return connected_components(graph, directed=False)[1][:count].astype(np.int64)
