"""How values are distributed."""

import numpy as np

from toolbox.report.charts.svg import drawing, text
from toolbox.report.page import Html, element

_WIDTH, _HEIGHT, _MARGIN, _FOOT = 260, 120, 8, 18
_BINS = 24


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
        text(_MARGIN, _HEIGHT - 4, f'{low:.3f}'),
        text(_WIDTH - _MARGIN, _HEIGHT - 4, f'{high:.3f}', anchor='end'),
    ]
    return drawing(_WIDTH, _HEIGHT, [*bars, *marks], f'{label}: mean {values.mean():.4f}')
