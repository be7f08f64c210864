"""SSIM and MaskedSSIM against the leaderboard's own calls."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from skimage.metrics import structural_similarity

from tests.plugins.losses_support import (
    build,
    holes,
    images,
    masked_ssim_metric,
    masks,
    photographs,
    predictions,
    ssim_metric,
    written,
)


@pytest.fixture(scope='module')
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, prediction, hole; the middle prediction has a narrow data range."""
    truth = photographs()
    prediction = predictions(truth)
    prediction[1] = prediction[1] // 6 + 200
    return truth, prediction, holes(*truth.shape[:3])


def value(loss: str, truth: np.ndarray, prediction: np.ndarray, hole: np.ndarray, **options) -> float:
    """1 - the loss of one image."""
    return 1 - build(loss, **options)(images(prediction[None]), images(truth[None]), masks(hole[None])).item()


def test_ssim_is_the_leaderboards(case):
    for truth, prediction, hole in zip(*case, strict=True):
        assert value('SSIM', truth, prediction, hole) == pytest.approx(ssim_metric(truth, prediction), abs=1e-6)


def test_gaussian_ssim_is_wangs(case):
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1)
    for truth, prediction, hole in zip(*case, strict=True):
        expected = structural_similarity(truth, prediction, **options)
        actual = value('SSIM', truth, prediction, hole, window='gaussian', data_range=1.0)
        assert actual == pytest.approx(expected, abs=1e-6)


def test_ssim_of_an_image_smaller_than_the_window(case):
    truth, prediction, hole = (array[0, 40:45, 50:57] for array in case)
    expected = ssim_metric(truth, prediction, win_size=5)
    assert value('SSIM', truth, prediction, hole) == pytest.approx(expected, abs=1e-6)


def test_masked_ssim_is_the_leaderboards(case):
    for truth, prediction, hole in zip(*case, strict=True):
        expected = masked_ssim_metric(truth, prediction, hole)
        assert value('MaskedSSIM', truth, prediction, hole) == pytest.approx(expected, abs=1e-6)


def test_masked_ssim_of_a_batch_is_the_mean(case):
    truth, prediction, hole = (array.copy() for array in case)
    hole[1] = 0
    hole[1, 30, 40:45] = 1
    hole[2] = 1
    expected = [
        masked_ssim_metric(truth[0], prediction[0], hole[0]),
        masked_ssim_metric(truth[1], prediction[1], hole[1], win_size=5),
        masked_ssim_metric(truth[2], prediction[2], hole[2]),
    ]
    loss = build('MaskedSSIM')(images(prediction), images(truth), masks(hole))
    assert 1 - loss.item() == pytest.approx(np.mean(expected), abs=1e-6)


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    density=st.floats(0, 1),
    levels=st.integers(2, 256),
    seed=st.integers(0, 999),
)
@settings(max_examples=80, deadline=None)
def test_masked_ssim_of_any_hole(height, width, density, levels, seed):
    rng = np.random.default_rng(seed)
    truth, prediction = rng.integers(0, levels, (2, height, width, 3), dtype=np.uint8)
    hole = (rng.random((height, width)) < density).astype(np.uint8)
    area = int(hole.sum())
    actual = value('MaskedSSIM', truth, prediction, hole)
    if area == 0:
        assert actual == 1
    elif prediction.min() == prediction.max():
        assert np.isfinite(actual)
    elif area >= 3:
        window = min(7, area - 1 + area % 2)
        assert actual == pytest.approx(masked_ssim_metric(truth, prediction, hole, win_size=window), abs=1e-5)
    else:  # windows of one pixel: luminance alone
        x, y = truth[hole > 0].astype(float), prediction[hole > 0].astype(float)
        c1 = (0.01 * (int(prediction.max()) - int(prediction.min()))) ** 2
        assert actual == pytest.approx(((2 * x * y + c1) / (x**2 + y**2 + c1)).mean(), abs=1e-5)


def test_masked_ssim_has_gradients_in_the_hole_alone(case):
    truth, prediction, hole = case
    pred, mask = images(prediction).requires_grad_(), masks(hole)
    build('MaskedSSIM')(pred, images(truth), mask).backward()
    assert (pred.grad * (1 - mask)).abs().max() == 0
    assert ((pred.grad * mask).abs().amax((1, 2, 3)) > 0).all()


def test_an_empty_hole_costs_nothing(case):
    truth, prediction, hole = case
    pred = images(prediction).requires_grad_()
    loss = build('MaskedSSIM')(pred, images(truth), torch.zeros_like(masks(hole)))
    loss.backward()
    assert loss == 0
    assert not pred.grad.any()


def test_two_extreme_pixels_do_not_pay(case):
    """The data range hangs on them, but the gradient does not push known pixels to the extremes."""
    truth, prediction, hole = case
    pred = images(prediction)
    pred[:, :, 0, 0], pred[:, :, -1, -1] = 0.01, 0.99
    pred.requires_grad_()
    for loss in (build('SSIM', region='hole'), build('MaskedSSIM')):
        loss(pred, images(truth), masks(hole)).backward()
    assert not pred.grad[:, :, 0, 0].any()
    assert not pred.grad[:, :, -1, -1].any()


def test_thirty_steps_on_the_pixels_raise_the_metric(case):
    truth, prediction, hole = case
    pred = images(prediction).requires_grad_()
    loss, optimizer = build('MaskedSSIM'), torch.optim.Adam([pred], lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        loss(pred, images(truth), masks(hole)).backward()
        optimizer.step()
    for i in range(3):
        before = masked_ssim_metric(truth[i], prediction[i], hole[i])
        after = masked_ssim_metric(truth[i], written(pred)[i], hole[i])
        assert after > before + 0.3 * (1 - before)
