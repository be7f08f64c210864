"""The masks' benchmark draws what it says it draws, and says so."""

import sys

import numpy as np
import pytest

from benchmarks.masks import benchmark_masks, published_polygon


def test_all_generators_are_timed():
    result = benchmark_masks(size=64, repeats=1)
    assert 'RandomPolygon' in result.ours
    assert result.ratio > 0
    assert 'times as fast' in str(result)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match='at least 64'):
        benchmark_masks(size=32)


def test_published_polygons_lie_in_boxes_of_50_pixels():
    mask, num_corners = published_polygon(80, 90)
    assert mask.shape == (80, 90)
    assert np.count_nonzero(mask) > 625
    assert 3 <= num_corners <= 20


def test_a_missing_polygenerator_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, 'polygenerator', None)
    with pytest.raises(ValueError, match='pip install polygenerator'):
        published_polygon(64, 64)
