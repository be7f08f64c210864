"""Plain tables for the terminal."""

from collections.abc import Mapping


def score_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A line per row: its name and its floats to four digits, columns aligned.

    Args:
        rows: values by column, by row name; the columns are those of the first row that hold floats.
    """
    first = next(iter(rows.values()))
    columns = [name for name, value in first.items() if isinstance(value, float)]
    widths = [max(len(column), 7) for column in columns]
    label = max(len(name) for name in rows)
    lines = [' ' * label + ''.join(f'  {column:>{width}}' for column, width in zip(columns, widths, strict=True))]
    for name, values in rows.items():
        cells = (f'  {values[column]:>{width}.4f}' for column, width in zip(columns, widths, strict=True))
        lines.append(f'{name:<{label}}' + ''.join(cells))
    return '\n'.join(lines)
