"""Rows of names, each with a dot and a bar on one common axis, and its numbers beside it.

Text stays text and keeps its size on a narrow screen: only the middle column is a drawing, in parts of its width.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from toolbox.report.charts.axis import Axis, tick_labels
from toolbox.report.charts.frame import across
from toolbox.report.charts.svg import text
from toolbox.report.page import Html, element


class Bar(NamedTuple):
    """A row: its name, a mean with its interval (NaN without one), all of them as text, a remark, and a class."""

    name: str
    mean: float
    low: float
    high: float
    told: tuple[str, str]
    remark: str = ''
    kind: str = ''

    @property
    def has_interval(self) -> bool:
        """Whether there is a bar to draw."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def bars(
    groups: Mapping[str, Sequence[Bar]],
    axis: Axis,
    name: str,
    label: str,
    *,
    signed: bool = False,
    ends: tuple[str, str] = ('', ''),
) -> Html:
    """Rows below one another.

    Args:
        groups: rows by heading; '' is no heading.
        axis: the common one.
        name: its title.
        label: of the whole, for those who do not see it.
        signed: whether the ticks carry their signs.
        ends: what its low and its high end mean.
    """
    ticks = axis.ticks(5)
    grid = [_vertical(axis.part(tick), 'zero' if signed and tick == 0 else 'axis') for tick in ticks]
    remarks = any(row.remark for group in groups.values() for row in group)
    lines = []
    for heading, group in groups.items():
        lines += [element('h4', heading)] if heading else []
        lines += [_row(row, axis, grid) for row in group]
    lines.append(_scale(axis, list(zip(ticks, tick_labels(ticks, signed=signed), strict=True)), name, ends))
    kind = 'bars with-remarks' if remarks else 'bars'
    return element('div', *lines, class_=kind, role='group', aria_label=label)


def _row(row: Bar, axis: Axis, grid: list[Html]) -> Html:
    marks = [element('circle', cx=across(axis.part(row.mean)), cy='50%', r=5, class_='dot')]
    if row.has_interval:
        x1, x2 = across(axis.part(row.low)), across(axis.part(row.high))
        marks.insert(0, element('line', x1=x1, y1='50%', x2=x2, y2='50%', class_='span'))
    mean, interval = row.told
    picture = element('svg', *grid, *marks, role='img', aria_label=f'{row.name}: {mean} {interval}'.strip())
    cells = [
        element('span', row.name, class_='name'),
        element('div', picture, class_='drawn'),
        element('span', mean, class_='mean'),
        element('span', interval, class_='interval'),
        element('span', row.remark, class_='remark') if row.remark else Html(),
    ]
    return element('div', *cells, class_=f'row {row.kind}'.strip())


def _scale(axis: Axis, ticks: list[tuple[float, str]], name: str, ends: tuple[str, str]) -> Html:
    labels = [text(across(axis.part(tick)), 14, shown, 'middle') for tick, shown in ticks]
    low, high = ends
    titles = [text('50%', 32, name, 'middle', 'title'), text(0, 32, low), text('100%', 32, high, 'end')]
    picture = element('svg', *labels, *titles, height=38, aria_hidden='true')
    return element('div', element('span', class_='name'), picture, class_='row scale')


def _vertical(part: float, kind: str) -> Html:
    return element('line', x1=across(part), y1=0, x2=across(part), y2='100%', class_=kind)
