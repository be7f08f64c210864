"""Drawings, one per module; none needs a script."""

from toolbox.report.charts.curves import Curve, curves
from toolbox.report.charts.differences import Difference, differences, signed
from toolbox.report.charts.histogram import histogram
from toolbox.report.charts.intervals import intervals
from toolbox.report.charts.line_styles import Stroke, strokes
from toolbox.report.charts.scatter import Point, scatter

__all__ = [
    'Curve',
    'Difference',
    'Point',
    'Stroke',
    'curves',
    'differences',
    'histogram',
    'intervals',
    'scatter',
    'signed',
    'strokes',
]
