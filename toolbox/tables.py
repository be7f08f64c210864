"""Plain tables for the terminal."""

from collections.abc import Mapping, Sequence


def score_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A line per row: its name and its floats to four digits, columns aligned.

    Args:
        rows: values by column, by row name; the columns are those of the first row that hold floats.
    """
    first = next(iter(rows.values()))
    columns = [name for name, value in first.items() if isinstance(value, float)]
    cells = [(name, *(f'{values[column]:.4f}' for column in columns)) for name, values in rows.items()]
    return aligned(('', *columns), cells, least=7)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], least: int = 0) -> str:
    """Cells in columns, two spaces apart: the first column, of names, to the left, the others to the right.

    Args:
        header: the columns' names.
        rows: as many cells each.
        least: width of the columns behind the first, at least.
    """
    lines = [header, *rows]
    name, *values = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths = [max(width, least) for width in values]
    return '\n'.join(
        f'{line[0]:<{name}}' + ''.join(f'  {cell:>{width}}' for cell, width in zip(line[1:], widths, strict=True))
        for line in lines
    )
