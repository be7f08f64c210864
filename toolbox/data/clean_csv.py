"""The table that a cleaning run writes and training reads: which photographs stay, and why the others do not.

Imports neither torch nor any heavy library.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from toolbox.data.csv_files import read_rows
from toolbox.system.files import write_rows
from toolbox.system.paths import command

UNREADABLE = 'unreadable'  # how the reason of a file that is no image begins
_KEEP = {'0': False, '0.0': False, '0,0': False, 'false': False, '1': True, '1.0': True, '1,0': True, 'true': True}
_NOTHING = ('', 'nan', 'none', 'null', '<na>')
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
    written: list[Sequence] = [COLUMNS]
    for row in rows:
        image, label, score, keep, reason, group = astuple(row)
        shown = '' if score is None else f'{score:.4f}'
        written.append((image, _blank(label), shown, int(keep), reason, _blank(group)))
    write_rows(path, written)


def read_clean_csv(path: str | Path) -> dict[str, Row]:
    """The table by image. `image` and `keep` must be there; a table made by hand may do without the other columns.

    Raises:
        FileNotFoundError, ValueError: no such file, or not such a table; with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'clean_csv={str(path)!r}: no such file; make one with '
            f'{command("clean_data")} DIR --out DIR, or clean_csv=None'
        )
    rows: dict[str, Row] = {}
    for line, values in read_rows(path, ('image', 'keep'), COLUMNS):
        row = _row(values, f'{path}, line {line}')
        if row.image in rows:
            raise ValueError(f'{path}, line {line}: {row.image} is listed twice')
        rows[row.image] = row
    return rows


def _row(values: dict[str, str], where: str) -> Row:
    """A row as `write_clean_csv` writes it, or as a spreadsheet or pandas writes it again: `1.0`, `True`, `0,5`."""
    keep = _KEEP.get(values['keep'].strip().lower())
    if keep is None or not values['image']:
        raise ValueError(
            f'{where}: expected an image and keep = 0 or 1, got {values["image"]!r} and {values["keep"]!r}'
        )
    try:
        label, score, group = (_number(values.get(column, '')) for column in ('label', 'score', 'group'))
        if any(number is not None and number != int(number) for number in (label, group)):
            raise ValueError(f'{label} and {group}')
    except (ValueError, OverflowError) as error:
        raise ValueError(f'{where}: label and group are whole numbers, score is a number ({error})') from error
    label, group = (None if number is None else int(number) for number in (label, group))
    return Row(values['image'], label, score, keep, values.get('reason', ''), group)


def _number(text: str) -> float | None:
    text = text.strip().replace(',', '.')
    return None if text.lower() in _NOTHING else float(text)


def _blank(value: int | None) -> str:
    return '' if value is None else str(value)
