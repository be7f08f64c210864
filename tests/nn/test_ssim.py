"""Structural similarity against skimage."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor

from toolbox.nn.ssim import (
    fitting_size,
    gaussian_window,
    line_window,
    prediction_range,
    resolved_range,
    square_window,
    ssim_terms,
    widened,
)

WANG = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def pair(
    shape: tuple[int, ...], seed: int = 0, base: float = 0.5, spread: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = base + spread * rng.uniform(-1, 1, shape)
    return x, np.clip(x + 0.3 * spread * rng.normal(size=shape), 0, 1)


def similarity(x: np.ndarray, y: np.ndarray, data_range: float, window) -> float:
    luminance, contrast = ssim_terms(
        torch.from_numpy(x)[None, None], torch.from_numpy(y)[None, None], data_range, window
    )
    return (luminance * contrast).mean().item()


@pytest.mark.parametrize('data_range', [1.0, 0.1, 1 / 255])
@pytest.mark.parametrize('size', [3, 5, 7])
def test_square_window_is_skimages(size, data_range):
    x, y = pair((19, 23))
    expected = structural_similarity(x, y, win_size=size, data_range=data_range)
    assert similarity(x, y, data_range, square_window(size)) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize('data_range', [1.0, 0.1])
def test_gaussian_window_is_wangs(data_range):
    x, y = pair((19, 23))
    expected = structural_similarity(x, y, data_range=data_range, **WANG)
    assert similarity(x, y, data_range, gaussian_window(11, x.device)) == pytest.approx(expected, abs=1e-10)


@given(length=st.integers(7, 60), size=st.sampled_from([3, 5, 7]), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_line_window_is_skimages_in_one_dimension(length, size, seed):
    x, y = pair((length,), seed)
    expected = structural_similarity(x, y, win_size=size, data_range=0.8)
    assert similarity(x[None], y[None], 0.8, line_window(size)) == pytest.approx(expected, abs=1e-10)


def test_bright_flat_images_are_rated_exactly_when_widened():
    x, y = (image.astype(np.float32) for image in pair((32, 32), base=0.95, spread=0.01))
    expected = structural_similarity(x.astype(float), y.astype(float), data_range=0.05)
    terms = ssim_terms(
        widened(torch.tensor(x)[None, None]), widened(torch.tensor(y)[None, None]), 0.05, square_window(7)
    )
    assert (terms[0] * terms[1]).mean().item() == pytest.approx(expected, abs=1e-9)


def test_a_window_of_one_pixel_rates_luminance_alone():
    x, y = pair((4, 4))
    c1 = 0.01**2
    expected = ((2 * x * y + c1) / (x**2 + y**2 + c1)).mean()
    assert similarity(x, y, 1.0, square_window(1)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(('available', 'expected'), [(1, 1), (2, 1), (3, 3), (4, 3), (6, 5), (7, 7), (8, 7), (100, 7)])
def test_the_window_shrinks_to_the_largest_odd_size_that_fits(available, expected):
    assert fitting_size(7, available) == expected


def test_data_range_is_that_of_the_written_prediction_and_a_constant_to_the_gradient():
    pred = torch.tensor([[-0.5, 0.2, 1.5], [0.3, 0.4, 0.5], [0.7, 0.7, 0.7]]).view(3, 1, 1, 3).requires_grad_()
    spans = prediction_range(pred)
    torch.testing.assert_close(spans.flatten(), Tensor([1.0, 0.2, 1 / 255]))
    assert not spans.requires_grad
    torch.testing.assert_close(resolved_range(0.3, pred), torch.full((3, 1, 1, 1), 0.3))
