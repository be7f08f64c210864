"""Shapes that Pillow drew are found again to the pixel."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from toolbox.images.drawn_shapes import drawn_shapes


@pytest.mark.parametrize(
    ('kind', 'corners'),
    [
        ('rectangle', [(12, 20), (70, 55)]),
        ('ellipse', [(12, 20), (70, 55)]),
        ('polygon', [(10, 12), (80, 20), (60, 84)]),
        ('polygon', [(10, 10), (85, 60), (75, 5), (20, 80)]),  # crosses itself
    ],
)
def test_a_drawn_shape_is_among_those_found(kind, corners):
    canvas = Image.new('1', (96, 96))
    getattr(ImageDraw.Draw(canvas), kind)(corners, fill=1)
    mask = np.array(canvas)
    assert any(np.array_equal(shape, mask) for shape in drawn_shapes(mask, mask))


def test_pixels_that_are_missing_are_filled_where_they_are_allowed():
    whole = np.zeros((64, 64), bool)
    whole[10:50, 8:40] = True
    known = whole.copy()
    known[10:12, 8:10] = False
    assert np.array_equal(next(drawn_shapes(known, whole)), whole)
