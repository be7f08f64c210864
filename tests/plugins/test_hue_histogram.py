"""HueHistogram against OpenCV."""

import colorsys

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from plugins.losses.hue_histogram import _SoftHistogram
from tests.plugins.losses_support import build, holes, hue_metric, images, masks, photographs, predictions, written
from toolbox.nn.hue import correlation, hue_and_chroma


@pytest.fixture(scope='module')
def case() -> tuple[np.ndarray, np.ndarray]:
    truth = photographs()
    return truth, predictions(truth)


def value(truth: np.ndarray, prediction: np.ndarray, bandwidth: float) -> float:
    everywhere = torch.ones(1, 1, *truth.shape[:2])
    return (
        1 - build('HueHistogram', bandwidth=bandwidth)(images(prediction[None]), images(truth[None]), everywhere).item()
    )


def test_every_hue_of_bytes_is_opencvs():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    hue, chroma = hue_and_chroma(images(rgb[None]) * 255)
    hue = torch.where(chroma.round() > 0, hue.round() % 180, 0)
    np.testing.assert_array_equal(hue[0].numpy(), cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[0, :, 0])


@given(rgb=st.tuples(*[st.integers(0, 255)] * 3))
@settings(max_examples=200, deadline=None)
def test_a_narrow_histogram_is_opencvs(rgb):
    pixel = np.array(rgb, np.uint8).reshape(1, 1, 3)
    histogram = build('HueHistogram', bandwidth=1e-4).histogram(images(pixel[None]), torch.ones(1, 1, 1, 1))[0]
    expected = cv2.calcHist([cv2.cvtColor(pixel, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180]).ravel()
    np.testing.assert_allclose(histogram, expected, atol=1e-4)


def test_the_value_tends_to_the_metric(case):
    errors = []
    for bandwidth in (2, 0.5, 0.05, 1e-4):
        actual = [value(*pair, bandwidth) for pair in zip(*case, strict=True)]
        errors.append(np.abs(np.subtract(actual, [hue_metric(*pair) for pair in zip(*case, strict=True)])).max())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6


def test_the_value_of_gray_images_is_the_metrics(case):
    truth, _ = case
    gray = np.repeat(truth[..., 1:2], 3, axis=-1)
    assert value(truth[0], gray[0], 1e-4) == pytest.approx(hue_metric(truth[0], gray[0]), abs=1e-6)
    assert value(gray[0], gray[1], 2.0) == hue_metric(gray[0], gray[1]) == 1


@pytest.mark.parametrize('bandwidth', [0.1, 0.7, 2.0, 3.3])
def test_votes_are_kept(bandwidth):
    rgb = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    weight = torch.rand(2, 1, 9, 11, generator=torch.Generator().manual_seed(1))
    histogram = build('HueHistogram', bandwidth=bandwidth).histogram(rgb, weight)
    torch.testing.assert_close(histogram.sum(1), weight.sum((1, 2, 3)))
    assert histogram.min() >= 0


def test_red_spreads_around_the_circle():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    histogram = build('HueHistogram', bandwidth=1.0).histogram(red, torch.ones(1, 1, 1, 1))[0]
    # a triangle of half-width 1 has 3/4 within half a bin of its center
    torch.testing.assert_close(histogram[[179, 0, 1]], torch.tensor([0.125, 0.75, 0.125]), atol=1e-3, rtol=0)


def test_gradients_of_the_histogram_are_the_numerical_ones():
    rng = np.random.default_rng(0)
    hue, votes = torch.tensor(rng.uniform(-30, 150, (2, 9))), torch.tensor(rng.uniform(0.2, 1, (2, 9)))
    for bandwidth in (0.4, 2.0):
        arguments = hue.requires_grad_(), votes.requires_grad_(), bandwidth
        assert torch.autograd.gradcheck(_SoftHistogram.apply, arguments)


def test_gradients_of_the_hue_are_those_of_the_hexagon():
    """OpenCV's fixed point steps in the value; the gradient is that of the smooth hue, here by `colorsys`."""
    rgb = np.random.default_rng(0).uniform(0, 1, (20, 3))
    pixels = torch.tensor(rgb.T.reshape(1, 3, 1, -1)).requires_grad_()
    (hue_and_chroma(255 * pixels)[0] / 180).sum().backward()
    for channel, step in enumerate(1e-6 * np.eye(3)):
        above, below = (np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in rgb + s]) for s in (step, -step))
        np.testing.assert_allclose(pixels.grad[0, channel, 0], (above - below) / 2e-6, rtol=1e-3, atol=1e-3)


def test_correlation_is_opencvs():
    x, y = np.random.default_rng(0).random((2, 180), dtype=np.float32)
    constant = np.full_like(x, 0.5)
    for one, other in ((x, y), (x, x), (x, constant), (constant, constant)):
        expected = cv2.compareHist(one, other, cv2.HISTCMP_CORREL)
        assert correlation(torch.tensor(one)[None], torch.tensor(other)[None]).item() == pytest.approx(
            expected, abs=1e-6
        )


def test_the_loss_on_a_palette_is_one_minus_opencvs_comparison():
    pred, target = np.random.default_rng(0).random((2, 3, 180), dtype=np.float32)
    loss = build('Correlation')(*(torch.tensor(x)[..., None, None] for x in (pred, target)), torch.ones(3, 1, 8, 8))
    compared = [cv2.compareHist(*pair, cv2.HISTCMP_CORREL) for pair in zip(pred, target, strict=True)]
    assert loss.item() == pytest.approx(1 - np.mean(compared), abs=1e-6)
    with pytest.raises(ValueError, match='one shape'):
        build('Correlation')(torch.ones(1, 180, 1, 1), torch.ones(1, 3, 8, 8), torch.ones(1, 1, 8, 8))


def test_a_gray_pixel_has_no_direction_and_one_beside_gray_a_finite_one():
    pred = torch.full((1, 3, 1, 3), 0.5)
    pred[0, 0, 0, 1] += 1e-6
    pred[0, 0, 0, 2] += 0.3 / 255
    pred.requires_grad_()
    target = torch.rand(1, 3, 1, 3, generator=torch.Generator().manual_seed(0))
    build('HueHistogram')(pred, target, torch.ones(1, 1, 1, 3)).backward()
    assert not pred.grad[..., 0].any()
    assert pred.grad.isfinite().all()
    assert pred.grad[..., 2].any()


def test_thirty_steps_on_the_pixels_raise_the_metric(case):
    truth, prediction = case
    pred, mask = images(prediction).requires_grad_(), masks(holes(*truth.shape[:3]))
    loss, optimizer = build('HueHistogram'), torch.optim.Adam([pred], lr=0.005)
    for _ in range(30):
        optimizer.zero_grad()
        loss(pred, images(truth), mask).backward()
        optimizer.step()
    for i in range(3):
        before, after = hue_metric(truth[i], prediction[i]), hue_metric(truth[i], written(pred)[i])
        assert after > before + 0.3 * (1 - before)
