"""Small drawings in SVG, one per module; none needs a script."""

from toolbox.report.charts.histogram import histogram
from toolbox.report.charts.intervals import intervals

__all__ = ['histogram', 'intervals']
