"""Plain tables for the terminal."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence

_NARROWEST, _WIDEST = 80, 120  # columns that a table takes at most, in a terminal of whatever width
_UNKNOWN = 100  # the width that is taken for a pipe or a file
_LONGEST_NAME = 36  # a longer one goes on below where the table would be too wide
_GAP = 2


def terminal_width() -> int:
    """Columns that a table or a paragraph may take: those of the terminal, but 80 at least and 120 at most."""
    return min(max(shutil.get_terminal_size((_UNKNOWN, 24)).columns, _NARROWEST), _WIDEST)


def score_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A line per row: its name and its floats to four digits, columns aligned.

    Args:
        rows: values by column, by row name; the columns are those of the first row that hold floats.
    """
    first = next(iter(rows.values()))
    columns = [name for name, value in first.items() if isinstance(value, float)]
    cells = [(name, *(f'{values[column]:.4f}' for column in columns)) for name, values in rows.items()]
    return aligned(('', *columns), cells, least=7)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], least: int = 0, width: int | None = None) -> str:
    """Cells in columns, two spaces apart: the first column, of names, to the left, the others to the right.

    Where that would be too wide, long names go on in a further line; where it still is, the columns that have no room
    follow in a table of their own, under an empty line.

    Args:
        header: the columns' names.
        rows: as many cells each.
        least: width of the columns behind the first, at least.
        width: columns of the terminal; None: `terminal_width()`.
    """
    width = width or terminal_width()
    lines = [header, *rows]
    longest, *values = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths = [max(value, least) + _GAP for value in values]
    name = longest if longest + sum(widths) <= width else min(longest, max(_LONGEST_NAME, width - sum(widths)))
    blocks, used = [[]], name
    for column, needed in enumerate(widths, start=1):
        if used + needed > width and blocks[-1]:
            blocks.append([])
            used = name
        blocks[-1].append(column)
        used += needed
    return '\n\n'.join(
        '\n'.join(_line([line[0], *(line[column] for column in block)], name, widths, block) for line in lines)
        for block in blocks
    )


def _line(cells: Sequence[str], name: int, widths: Sequence[int], columns: Sequence[int]) -> str:
    """One line, or as many as the name needs: the numbers stand beside its first part."""
    # A name is a path or a list of values as often as words: it is cut where it has to be.
    first, *more = textwrap.wrap(cells[0], name, break_on_hyphens=False) or ['']
    numbers = ''.join(f'{cell:>{widths[column - 1]}}' for cell, column in zip(cells[1:], columns, strict=True))
    full = name + sum(widths[column - 1] for column in columns)
    return '\n'.join([f'{first:<{name}}{numbers}', *(f'{part:<{full}}' for part in more)])
