"""Differences to a baseline with their intervals, one below the other: a forest plot."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from toolbox.report.charts.axis import Axis, tick_labels
from toolbox.report.page import Html, element


class Difference(NamedTuple):
    """A row: what is compared, the difference with its interval (NaN without one), and what is said of it.

    `sure` is told by the caller: an interval that excludes zero can still be chance among many.
    """

    name: str
    mean: float
    low: float
    high: float
    remark: str = ''
    sure: bool = False


def differences(groups: Mapping[str, Sequence[Difference]], label: str) -> Html:
    """A line per row, all on one axis with zero on it: filled dots are sure, their color says better or worse.

    Text stays text and keeps its size on a narrow screen: only the middle column is a drawing, in parts of its width.

    Args:
        groups: rows by heading; '' is no heading.
        label: of the whole, for those who do not see it.
    """
    rows = [row for group in groups.values() for row in group]
    axis = Axis.around([0.0, *(value for row in rows for value in (row.mean, row.low, row.high))])
    ticks = axis.ticks(6)
    grid = [_vertical(axis.part(tick), 'zero' if tick == 0 else 'axis') for tick in ticks]
    lines = []
    for heading, group in groups.items():
        lines += [element('h4', heading)] if heading else []
        lines += [_row(row, axis, grid) for row in group]
    return element('div', *lines, _scale(axis, ticks), class_='differences', role='group', aria_label=label)


def _row(row: Difference, axis: Axis, grid: list[Html]) -> Html:
    x = _percent(axis.part(row.mean))
    known = math.isfinite(row.low) and math.isfinite(row.high)
    kind = 'even' if not row.sure else 'better' if row.mean > 0 else 'worse'
    marks = [element('circle', cx=x, cy='50%', r=5, class_='dot')]
    if known:
        x1, x2 = _percent(axis.part(row.low)), _percent(axis.part(row.high))
        marks.insert(0, element('line', x1=x1, y1='50%', x2=x2, y2='50%', class_='span'))
    mean = signed(row.mean)
    interval = f'[{signed(row.low)}, {signed(row.high)}]' if known else 'no interval'
    picture = element('svg', *grid, *marks, role='img', aria_label=f'{row.name}: {mean} {interval}')
    cells = [
        element('span', row.name, class_='name'),
        element('div', picture, class_='drawn'),
        element('span', mean, class_='mean'),
        element('span', interval, class_='interval'),
        element('span', row.remark, class_='remark'),
    ]
    return element('div', *cells, class_=f'row {kind}')


def _scale(axis: Axis, ticks: list[float]) -> Html:
    labels = [
        element('text', shown, x=_percent(axis.part(tick)), y=13, text_anchor='middle')
        for tick, shown in zip(ticks, tick_labels(ticks, signed=True), strict=True)
    ]
    directions = [
        element('text', '← worse', x=0, y=30, text_anchor='start'),
        element('text', 'better →', x='100%', y=30, text_anchor='end'),
    ]
    picture = element('svg', *labels, *directions, height=36, aria_hidden='true')
    return element('div', element('span', class_='name'), picture, class_='row scale')


def signed(value: float) -> str:
    """A difference: +0.0123, with a minus sign as wide as the plus."""
    return f'{value:+.4f}'.replace('-', '−')  # noqa: RUF001


def _vertical(part: float, kind: str) -> Html:
    x = _percent(part)
    return element('line', x1=x, y1=0, x2=x, y2='100%', class_=kind)


def _percent(part: float) -> str:
    return f'{100 * part:.2f}%'
