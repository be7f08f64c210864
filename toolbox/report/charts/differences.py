"""Differences to a baseline with their intervals, one below the other: a forest plot."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from toolbox.report.charts.axis import Axis
from toolbox.report.charts.rows import Bar, bars
from toolbox.report.page import Html


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


def differences(groups: Mapping[str, Sequence[Difference]], name: str, label: str) -> Html:
    """A line per row, all on one axis with zero on it: filled dots are sure, their color says better or worse.

    Args:
        groups: rows by heading; '' is no heading.
        name: of what the differences are in: the axis' title.
        label: of the whole, for those who do not see it.
    """
    rows = [row for group in groups.values() for row in group]
    axis = Axis.around([0.0, *(value for row in rows for value in (row.mean, row.low, row.high))])
    drawn = {heading: [_bar(row) for row in group] for heading, group in groups.items()}
    return bars(drawn, axis, name, label, signed=True, ends=('← worse', 'better →'))


def _bar(row: Difference) -> Bar:
    known = math.isfinite(row.low) and math.isfinite(row.high)
    interval = f'[{signed(row.low)}, {signed(row.high)}]' if known else 'no interval'
    kind = 'even' if not row.sure else 'better' if row.mean > 0 else 'worse'
    return Bar(row.name, row.mean, row.low, row.high, (signed(row.mean), interval), row.remark, kind)


def signed(value: float) -> str:
    """A difference: +0.0123, with a minus sign as wide as the plus."""
    return f'{value:+.4f}'.replace('-', '−')  # noqa: RUF001
