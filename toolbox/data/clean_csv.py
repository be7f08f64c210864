"""The table that a cleaning run writes and training reads: which photographs stay, and why the others do not.

Imports neither torch nor any heavy library.
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from toolbox.files import TableReader

UNREADABLE = 'unreadable'  # how the reason of a file that is no image begins
COLUMNS = ('image', 'label', 'score', 'keep', 'reason', 'group')


@dataclass(frozen=True)
class Row:
    """What was decided about one image.

    Attributes:
        image: its name: the path below the data set's folder.
        label: its cluster, -1 for noise; None if it took no part.
        score: how much it is an outlier, 0 to 1; None if it took no part.
        keep: whether it stays.
        reason: why not, or what is remarkable about it; '' if nothing.
        group: the number it shares with images that show the same; None if there are none.
    """

    image: str
    label: int | None
    score: float | None
    keep: bool
    reason: str
    group: int | None

    @property
    def is_readable(self) -> bool:
        """Whether the file is an image at all."""
        return not self.reason.startswith(UNREADABLE)


def write_clean_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write the table; at no moment is there half a file under `path`."""
    temporary = path.with_name(f'.{path.name}.tmp')
    with temporary.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        for row in rows:
            image, label, score, keep, reason, group = astuple(row)
            shown = '' if score is None else f'{score:.4f}'
            writer.writerow((image, _blank(label), shown, int(keep), reason, _blank(group)))
    os.replace(temporary, path)


def read_clean_csv(path: str | Path) -> dict[str, Row]:
    """The table by image. `image` and `keep` must be there; a table made by hand may do without the other columns.

    Raises:
        FileNotFoundError, ValueError: no such file, or not such a table; with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'clean_csv={str(path)!r}: no such file; make one with tools/clean_data.py DIR --out DIR, or clean_csv=None'
        )
    rows: dict[str, Row] = {}
    with path.open(newline='', encoding='utf-8-sig', errors='surrogateescape') as file:
        reader = TableReader(file, path)
        missing = {'image', 'keep'} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f'{path}: expected the columns {", ".join(COLUMNS)}, got {", ".join(reader.fieldnames or ()) or "none"}'
            )
        for values in reader:
            row = _row(values, f'{path}, line {reader.line_num}')
            if row.image in rows:
                raise ValueError(f'{path}, line {reader.line_num}: {row.image} is listed twice')
            rows[row.image] = row
    return rows


def _row(values: dict[str, str | None], where: str) -> Row:
    keep = values['keep']
    if keep not in ('0', '1') or not values['image']:
        raise ValueError(f'{where}: expected an image and keep = 0 or 1, got {values["image"]!r} and {keep!r}')
    try:
        label, score, group = (
            kind(values[column]) if values.get(column) else None
            for column, kind in (('label', int), ('score', float), ('group', int))
        )
    except ValueError as error:
        raise ValueError(f'{where}: label and group are whole numbers, score is a number ({error})') from error
    return Row(values['image'], label, score, keep == '1', values.get('reason') or '', group)


def _blank(value: int | None) -> str:
    return '' if value is None else str(value)
