"""Small drawings in SVG: a histogram, and means with their intervals."""

from collections.abc import Mapping

import numpy as np

from toolbox.report.page import Html, element
from toolbox.report.statistics import Interval

_WIDTH, _HEIGHT, _MARGIN, _FOOT = 260, 120, 8, 18
_BINS = 24
_ROW, _LABEL, _VALUE = 30, 200, 190


def histogram(values: np.ndarray, axis: tuple[float, float], label: str) -> Html:
    """How values (n,) are distributed over an axis that spans them, with a line at their mean."""
    low, high = axis
    if high - low < 1e-9:
        low, high = low - 0.005, high + 0.005
    counts, _ = np.histogram(values, bins=_BINS, range=(low, high))
    floor, height = _HEIGHT - _FOOT, _HEIGHT - _FOOT - _MARGIN
    step = (_WIDTH - 2 * _MARGIN) / _BINS
    bars = [
        element(
            'rect',
            x=f'{_MARGIN + number * step + 0.5:.1f}',
            y=f'{floor - height * count / counts.max():.1f}',
            width=f'{step - 1:.1f}',
            height=f'{height * count / counts.max():.1f}',
            class_='bar',
        )
        for number, count in enumerate(counts)
        if count
    ]
    mean = _MARGIN + (values.mean() - low) / (high - low) * (_WIDTH - 2 * _MARGIN)
    marks = [
        element('line', x1=_MARGIN, y1=floor, x2=_WIDTH - _MARGIN, y2=floor, class_='axis'),
        element('line', x1=f'{mean:.1f}', y1=2, x2=f'{mean:.1f}', y2=floor, class_='mark'),
        _text(_MARGIN, _HEIGHT - 4, f'{low:.3f}'),
        _text(_WIDTH - _MARGIN, _HEIGHT - 4, f'{high:.3f}', anchor='end'),
    ]
    return _drawing(_WIDTH, _HEIGHT, [*bars, *marks], f'{label}: mean {values.mean():.4f}')


def intervals(rows: Mapping[str, Interval], label: str) -> Html:
    """A line per name: a dot at the mean and a bar over its interval, all on one axis."""
    low, high = min(row.low for row in rows.values()), max(row.high for row in rows.values())
    space = max(high - low, 1e-6) * 0.08
    width, left, right = 900, _LABEL + 16, 900 - _VALUE

    def position(value: float) -> str:
        return f'{left + (value - low + space) / (high - low + 2 * space) * (right - left):.1f}'

    marks = []
    if low < 0 < high:
        marks.append(element('line', x1=position(0), y1=0, x2=position(0), y2=_ROW * len(rows), class_='axis'))
    for number, (name, row) in enumerate(rows.items()):
        y = _ROW * (number + 0.5)
        shown = name if len(name) <= 30 else name[:29] + '…'
        marks += [
            _text(_LABEL, y + 4, shown, anchor='end', class_='label'),
            element('line', x1=position(row.low), y1=y, x2=position(row.high), y2=y, class_='mark'),
            element('circle', cx=position(row.mean), cy=y, r=4.5, class_='dot'),
            _text(width, y + 4, f'{row.mean:.4f}  [{row.low:.4f}, {row.high:.4f}]', anchor='end', class_='label'),
        ]
    return _drawing(width, _ROW * len(rows), marks, label)


def _drawing(width: int, height: int, content: list[Html], label: str) -> Html:
    return element('svg', *content, viewBox=f'0 0 {width} {height}', role='img', aria_label=label)


def _text(x: float, y: float, text: str, anchor: str = 'start', class_: str | None = None) -> Html:
    return element('text', text, x=x, y=y, text_anchor=anchor, class_=class_)
