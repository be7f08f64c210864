"""Photographs at the size of the models."""

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.infer.support import damaged_scene
from tests.support import scene
from toolbox.data.transforms import PhotoTransform
from toolbox.images.color import gray_from_rgb
from toolbox.infer.photo import Scale, reduced


@given(st.integers(1, 300), st.integers(1, 300), st.integers(8, 64))
def test_the_size_is_that_of_validation(height, width, size):
    crop, _ = PhotoTransform(size, True, training=False)(
        np.zeros((height, width, 3), np.uint8), [], np.random.default_rng(0)
    )
    shape = Scale(size, True).shape(height, width)
    assert crop.shape[:2] == tuple(min(side, size) for side in shape)
    assert min(shape) == min(height, width, size)
    assert Scale(size, False).shape(height, width) == (height, width)


def test_nothing_is_touched_at_the_same_size():
    gray, mask = damaged_scene(0)
    same, same_mask = reduced(gray, mask, gray.shape)
    assert same is gray
    assert same_mask is mask


def test_the_damage_does_not_bleed():
    """A bright photograph with a black hole: no known pixel gets darker than the photograph, no hole pixel brighter."""
    photo = np.full((300, 400), 200, np.uint8)
    mask = np.zeros_like(photo)
    mask[101:187, 133:251] = 1
    damaged, hole = reduced(np.where(mask > 0, np.uint8(0), photo), mask, (75, 100))
    assert set(np.unique(damaged[hole == 0])) == {200}
    assert set(np.unique(damaged[hole > 0])) == {0}
    assert hole.mean() == pytest.approx(mask.mean(), rel=0.05)


def test_away_from_the_hole_it_is_area_averaging():
    gray, mask = gray_from_rgb(scene(0, 240, 320)), np.zeros((240, 320), np.uint8)
    average = cv2.resize(gray, (80, 60), interpolation=cv2.INTER_AREA)
    assert np.array_equal(reduced(gray, mask, (60, 80))[0], average)
    mask[:40, :40] = 1
    far = np.s_[12:, 12:]
    assert np.array_equal(reduced(gray, mask, (60, 80))[0][far], average[far])


def test_a_photo_that_is_all_hole():
    gray, mask = np.full((64, 64), 9, np.uint8), np.ones((64, 64), np.uint8)
    damaged, hole = reduced(gray, mask, (16, 16))
    assert hole.all()
    assert (damaged == 9).all()
