"""How values are distributed."""

import numpy as np

from toolbox.report.charts.axis import Axis
from toolbox.report.charts.frame import TOP, across, down, frame
from toolbox.report.charts.svg import text
from toolbox.report.page import Html, element

_HEIGHT = 110
_BINS = 24


def histogram(values: np.ndarray, axis: tuple[float, float], name: str, counted: str = 'images') -> Html:
    """How values (n,) are distributed over an axis that spans them, with a line at their mean.

    Args:
        values: (n,), finite.
        axis: from where to where.
        name: of the values.
        counted: what n counts.
    """
    low, high = axis
    if high - low < 1e-9:
        low, high = low - 0.005, high + 0.005
    x_axis = Axis(low, high)
    counts, _ = np.histogram(values, bins=_BINS, range=(low, high))
    y_axis = Axis(0, float(counts.max()))
    floor = down(0, _HEIGHT)
    bars = []
    for number, count in enumerate(counts):
        if count:
            top = down(y_axis.part(count), _HEIGHT)
            place = {'x': across(number / _BINS), 'width': across(1 / _BINS), 'y': top, 'height': round(floor - top, 1)}
            bars.append(element('rect', **place, class_='bar'))
    x = across(x_axis.part(values.mean()))
    told = f'mean {values.mean():.4f}'
    marks = [
        element('line', x1=x, y1=TOP - 4, x2=x, y2=floor, class_='mark'),
        text('100%', 12, told, 'end', 'marked'),
    ]
    label = f'{name} of {len(values):,} {counted}: {told}, {values.min():.4f} to {values.max():.4f}'
    content = [*bars, *marks]
    return frame(content, x_axis, y_axis, (name, counted), label, height=_HEIGHT, x_ticks=4, y_ticks=4, whole=('y',))
