"""Means with their intervals."""

from collections.abc import Collection, Mapping

from toolbox.report.charts.axis import Axis
from toolbox.report.charts.rows import Bar, bars
from toolbox.report.page import Html
from toolbox.scoring.intervals import Interval


def intervals(rows: Mapping[str, Interval], name: str, label: str, *, quiet: Collection[str] = ()) -> Html:
    """A line per name: a dot at the mean and a bar over its interval, all on one axis.

    Args:
        rows: in order, by name; NaN bounds are no interval.
        name: of the values, the axis' title.
        label: of the whole, for those who do not see it.
        quiet: names that are drawn without color: what the others are held against.
    """
    axis = Axis.around([value for row in rows.values() for value in (row.mean, row.low, row.high)])
    drawn = []
    for title, row in rows.items():
        interval = f'[{row.low:.4f}, {row.high:.4f}]' if row.known else 'no interval'
        told = (f'{row.mean:.4f}', interval)
        drawn.append(Bar(title, row.mean, row.low, row.high, told, kind='even' if title in quiet else 'shown'))
    return bars({'': drawn}, axis, name, label)
