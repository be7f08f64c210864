"""The frame of a chart: axes with titles, ticks and a grid, around content that stretches with the page.

Places across are in parts of the width, places down in pixels: the drawing takes the width that the page has for it,
and its text keeps its size.
"""

from collections.abc import Sequence

from toolbox.report.charts.axis import Axis, tick_labels
from toolbox.report.charts.svg import text
from toolbox.report.page import Html, element

TOP, FOOT = 26, 42  # pixels for the title of the y axis; for the ticks and the title of the x axis


def frame(
    content: Sequence[Html],
    x_axis: Axis,
    y_axis: Axis,
    names: tuple[str, str],
    label: str,
    *,
    height: int,
    x_ticks: int = 6,
    y_ticks: int = 6,
    whole: Sequence[str] = (),
) -> Html:
    """A chart.

    Args:
        content: what is drawn on the grid; places from `across` and `down`.
        x_axis, y_axis: what is at the ends of both.
        names: titles of the x and the y axis.
        label: of the whole, for those who do not see it.
        height: between the ends of the y axis, in pixels.
        x_ticks, y_ticks: at most so many.
        whole: the axes, 'x' or 'y', that count and get whole numbers for ticks.
    """
    marks = []
    for tick, shown in _ticks(y_axis, y_ticks, 'y' in whole):
        y = down(y_axis.part(tick), height)
        marks.append(element('line', x1=0, y1=y, x2='100%', y2=y, class_='axis'))
        marks.append(text(-8, y + 4, shown, 'end'))
    floor = TOP + height
    for tick, shown in _ticks(x_axis, x_ticks, 'x' in whole):
        x = across(x_axis.part(tick))
        marks.append(element('line', x1=x, y1=floor, x2=x, y2=floor + 4, class_='tick'))
        marks.append(text(x, floor + 18, shown, 'middle'))
    titles = [text(-38, 12, names[1], class_='title'), text('50%', floor + 38, names[0], 'middle', 'title')]
    drawn = element('svg', *marks, *content, *titles, height=floor + FOOT, role='img', aria_label=label)
    return element('div', drawn, class_='plot')


def across(part: float) -> str:
    """A place on the x axis, 0 to 1, in parts of the width."""
    return f'{100 * part:.2f}%'


def down(part: float, height: int) -> float:
    """A place on the y axis, 0 at its low end, in pixels."""
    return round(TOP + height * (1 - part), 1)


def _ticks(axis: Axis, most: int, whole: bool) -> list[tuple[float, str]]:
    ticks = axis.ticks(most)
    if whole:
        ticks = sorted({float(round(tick)) for tick in ticks if axis.low <= round(tick) <= axis.high})
    return list(zip(ticks, tick_labels(ticks), strict=True))
