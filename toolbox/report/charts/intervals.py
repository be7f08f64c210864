"""Means with their intervals."""

from collections.abc import Mapping

from toolbox.intervals import Interval
from toolbox.report.charts.svg import drawing, shortened, text
from toolbox.report.page import Html, element

_ROW, _LABEL, _VALUE = 30, 200, 190


def intervals(rows: Mapping[str, Interval], label: str) -> Html:
    """A line per name: a dot at the mean and a bar over its interval, all on one axis."""
    ends = [value for row in rows.values() for value in ((row.low, row.high) if row.known else (row.mean,))]
    low, high = min(ends), max(ends)
    space = max(high - low, 1e-6) * 0.08
    width, left, right = 900, _LABEL + 16, 900 - _VALUE

    def position(value: float) -> str:
        return f'{left + (value - low + space) / (high - low + 2 * space) * (right - left):.1f}'

    marks = []
    if low < 0 < high:
        marks.append(element('line', x1=position(0), y1=0, x2=position(0), y2=_ROW * len(rows), class_='axis'))
    for number, (name, row) in enumerate(rows.items()):
        y = _ROW * (number + 0.5)
        marks += [
            text(_LABEL, y + 4, shortened(name, 30), anchor='end', class_='label'),
            *([element('line', x1=position(row.low), y1=y, x2=position(row.high), y2=y, class_='mark')] * row.known),
            element('circle', cx=position(row.mean), cy=y, r=4.5, class_='dot'),
            text(width, y + 4, f'{row.mean:.4f}{_bounds(row)}', anchor='end', class_='label'),
        ]
    return drawing(width, _ROW * len(rows), marks, label)


def _bounds(row: Interval) -> str:
    return f'  [{row.low:.4f}, {row.high:.4f}]' if row.known else '  no interval'
