"""Fills: what each paints into a hole."""

import cv2
import numpy as np
import pytest

from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import FILLS

discover_plugins()

GRAY = gray_from_rgb(scene(3, 80, 100))
MASK = np.zeros_like(GRAY)
MASK[20:60, 30:90] = 1
HOLE = MASK > 0


def paint(seed: int = 0, **config: object) -> np.ndarray:
    return FILLS.build(config)(GRAY, MASK, np.random.default_rng(seed))


def test_constant_gray_draws_one_value_from_its_range():
    values = set()
    for seed in range(60):
        painted = np.unique(paint(seed, type='ConstantGray', low=10, high=13)[HOLE])
        assert len(painted) == 1
        values.add(int(painted[0]))
    assert values == {10, 11, 12, 13}


def test_noise_fills_its_range_evenly():
    painted = paint(type='Noise', low=100, high=103)[HOLE]
    assert np.bincount(painted)[100:].tolist() == pytest.approx([HOLE.sum() / 4] * 4, rel=0.15)
    assert painted.min() == 100


def test_mean_is_that_of_the_known_pixels():
    painted = paint(type='Mean')[HOLE]
    assert set(painted) == {round(GRAY[~HOLE].mean())}


def test_mean_of_nothing_is_the_middle():
    everything = np.ones_like(MASK)
    painted = FILLS.build({'type': 'Mean'})(GRAY, everything, np.random.default_rng(0))
    assert (painted == 128).all()


def test_blur_loses_detail():
    painted = paint(type='Blur', min_sigma=3, max_sigma=3)
    reference = cv2.GaussianBlur(GRAY, (0, 0), 3, borderType=cv2.BORDER_REPLICATE)
    assert np.array_equal(painted[HOLE], reference[HOLE])
    inner = np.s_[22:58, 32:88]
    assert cv2.Laplacian(painted[inner], cv2.CV_32F).std() < 0.3 * cv2.Laplacian(GRAY[inner], cv2.CV_32F).std()


def test_scratches_are_brighter_or_darker_than_the_photograph():
    painted = paint(type='Scratches', coverage=1.0, bright=1.0)[HOLE]
    assert painted.mean() > 200
    painted = paint(type='Scratches', coverage=1.0, bright=0.0)[HOLE]
    assert painted.mean() < 80


def test_scratches_leave_some_of_the_photograph():
    painted = paint(type='Scratches', coverage=0.3, bleaching=0.0).astype(int)
    assert np.mean(np.abs(painted - GRAY)[HOLE] < 30) > 0.4


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'type': 'ConstantGray', 'low': 9, 'high': 3}, 'low <= high'),
        ({'type': 'Noise', 'high': 256}, '255'),
        ({'type': 'Blur', 'min_sigma': 0}, 'min_sigma'),
        ({'type': 'Scratches', 'bright': 2}, 'bright=2'),
        ({'type': 'Scratches', 'max_width': 0}, '1 pixel'),
    ],
)
def test_wrong_options_are_explained(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        FILLS.build(options)
