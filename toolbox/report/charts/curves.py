"""Lines over epochs with bands around them, each line with its name at its end."""

from collections.abc import Sequence
from typing import NamedTuple

from toolbox.report.charts.axis import Axis
from toolbox.report.charts.frame import TOP, down, frame
from toolbox.report.charts.line_styles import Stroke
from toolbox.report.page import Html, element

_UNITS = 1000  # the drawing is stretched to the place that it has: its own units mean nothing
_LEAST_HEIGHT, _NAME_HEIGHT = 340, 21  # pixels
_LONGEST = 36  # letters of a name; the page cuts what is longer


class Curve(NamedTuple):
    """A line: its name, stroke, and values by x: their mean, lowest and highest."""

    name: str
    stroke: Stroke
    x: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    title: str = ''

    def since(self, x: float) -> 'Curve':
        """Its part from an x on."""
        start = next((number for number, own in enumerate(self.x) if own >= x), len(self.x))
        x, mean, low, high = (values[start:] for values in (self.x, self.mean, self.low, self.high))
        return self._replace(x=x, mean=mean, low=low, high=high)


def curves(lines: Sequence[Curve], x_name: str, y_name: str) -> Html:
    """Lines that have a point at least, on common axes.

    The lines stretch with the page, their texts do not. On a narrow screen the names stand below, as a legend; each
    carries `data-name`, as its line does, so that a script can bring out one of them.
    """
    x_axis = Axis.around([x for line in lines for x in line.x], room=0)
    y_axis = Axis.around([y for line in lines for y in (*line.low, *line.high)])
    height = max(_LEAST_HEIGHT, _NAME_HEIGHT * len(lines))
    plot = frame(
        [_stretched([_line(line, x_axis, y_axis) for line in lines], height)],
        x_axis,
        y_axis,
        (x_name, y_name),
        f'{y_name} over {x_name} of {len(lines)} arms',
        height=height,
        x_ticks=8,
        y_ticks=7,
        whole=('x',),
    )
    longest = min(max(len(line.name) for line in lines), _LONGEST)
    return element('div', plot, _names(lines, y_axis, height), class_='curves', style=f'--letters: {longest}')


def _stretched(content: list[Html], height: int) -> Html:
    """Content in units of its own, between the labels of the axes."""
    box = {'x': 0, 'y': TOP, 'width': '100%', 'height': height}
    return element('svg', *content, viewBox=f'0 0 {_UNITS} {_UNITS}', preserveAspectRatio='none', **box)


def _line(line: Curve, x_axis: Axis, y_axis: Axis) -> Html:
    def points(values: Sequence[float]) -> list[str]:
        return [
            f'{_UNITS * x_axis.part(x):.1f},{_UNITS * (1 - y_axis.part(y)):.1f}'
            for x, y in zip(line.x, values, strict=True)
        ]

    mean = points(line.mean)
    color, dashes = line.stroke
    # A point alone would not be seen: a line of no length with round ends is a dot.
    path = f'M{mean[0]} L{" ".join(mean[1:] or mean)}'
    band = [*points(line.high), *reversed(points(line.low))]
    return element(
        'g',
        element('title', line.title or line.name),
        element('polygon', points=' '.join(band), fill=color, class_='band'),
        element('path', d=path, class_='reach'),
        element('path', d=path, stroke=color, stroke_dasharray=dashes or None, class_='line'),
        data_name=line.name,
    )


def _names(lines: Sequence[Curve], axis: Axis, height: int) -> Html:
    """Each name as close to the end of its line as the others let it."""
    ends = [down(axis.part(line.mean[-1]), height) for line in lines]
    names = []
    for line, y in zip(lines, spread(ends, _NAME_HEIGHT, TOP + height + 8), strict=True):
        color, dashes = line.stroke
        sample = element('line', x1=0, y1=6, x2=24, y2=6, stroke=color, stroke_dasharray=dashes or None, class_='line')
        content = [
            element('svg', sample, width=24, height=12, aria_hidden='true'),
            element('span', line.name, class_='name'),
            element('span', f'{line.mean[-1]:.4f}', class_='value'),
        ]
        place = {'style': f'--y: {y:.1f}px', 'data_name': line.name, 'title': line.title or line.name, 'tabindex': 0}
        names.append(element('li', *content, **place))
    return element('ul', *names, class_='names')


def spread(places: Sequence[float], distance: float, end: float) -> list[float]:
    """Places from 0 to end, moved as little as makes neighbors at least a distance apart, in their own order."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved = list(places)
    groups: list[list[int]] = []

    def settle(group: list[int]) -> float:
        """Where the first of a group begins: around the group's mean place, within the bounds."""
        length = distance * (len(group) - 1)
        start = sum(places[number] for number in group) / len(group) - length / 2
        return max(min(start, end - distance / 2 - length), distance / 2)

    for number in order:
        groups.append([number])
        while len(groups) > 1:
            before, last = groups[-2], groups[-1]
            if settle(before) + distance * len(before) <= settle(last):
                break
            groups[-2:] = [before + last]
    for group in groups:
        start = settle(group)
        for position, number in enumerate(group):
            moved[number] = start + distance * position
    return moved
