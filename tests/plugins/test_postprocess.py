import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from PIL import Image

from toolbox.images.color import chroma_from_rgb, luma, replace_luma, rgb_from_chroma, to_float, to_uint8, with_luma
from toolbox.plugin.checks.postprocess import violations
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import POSTPROCESS

discover_plugins()


def gray_of(rgb):
    """Gray levels of (N, 3, H, W) in [0, 1] as Pillow converts the written image: int (N, H, W)."""
    images = to_uint8(rgb).permute(0, 2, 3, 1).numpy()
    return np.stack([np.asarray(Image.fromarray(image).convert('L')) for image in images]).astype(int)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 5.0, 1e4]))
def test_known_gray_comes_back_for_any_colors(seed, spread):
    """Within one gray level after rounding to bytes, whatever the network said."""
    known_luma = POSTPROCESS.build({'type': 'KnownLuma'})
    generator = torch.Generator().manual_seed(seed)
    rgb = torch.randn(2, 3, 32, 32, generator=generator) * spread
    rgb[..., :8] = torch.randint(-1, 3, (2, 3, 32, 8), generator=generator).float()  # corners of the gamut and beyond
    gray = torch.randint(0, 256, (2, 1, 32, 32), generator=generator, dtype=torch.uint8)
    gray[..., 0, :], gray[..., 1, :] = 0, 255
    corrected = known_luma(rgb, to_float(gray), torch.zeros(2, 1, 32, 32))
    assert corrected.min() >= 0
    assert corrected.max() <= 1
    assert np.abs(gray_of(corrected) - gray[:, 0].numpy().astype(int)).max() <= 1
    assert torch.allclose(known_luma(corrected, to_float(gray), torch.zeros(2, 1, 32, 32)), corrected, atol=1e-5)


def test_the_hole_keeps_its_pixels():
    known_luma = POSTPROCESS.build({'type': 'KnownLuma'})
    rgb, damaged = torch.randn(1, 3, 8, 8), torch.rand(1, 1, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:7] = 1
    corrected = known_luma(rgb, damaged, mask)
    assert torch.equal(corrected[..., 2:5, 3:7], rgb[..., 2:5, 3:7])
    torch.testing.assert_close(luma(corrected)[mask == 0], damaged[mask == 0], atol=1e-6, rtol=0)


def test_colors_that_have_the_luma_stay():
    rgb = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(with_luma(rgb, luma(rgb)), rgb)


def test_only_as_much_saturation_is_lost_as_must_be():
    """A worked case: pure red (luma 0.299) at luma 0.6: 0.6 + s * (0.701, -0.299, -0.299), and s = 0.4 / 0.701."""
    red = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    weight = float(luma(red))
    corrected = with_luma(red, torch.full((1, 1, 1, 1), 0.6)).flatten()
    scale = 0.4 / (1 - weight)
    torch.testing.assert_close(corrected, torch.tensor([1.0, 0.6 - scale * weight, 0.6 - scale * weight]))


def test_corrected_colors_keep_their_hue():
    import cv2

    torch.manual_seed(0)
    rgb = torch.rand(1, 3, 64, 64)
    corrected = with_luma(rgb, torch.rand(1, 1, 64, 64) * 0.6 + 0.2)
    before, after = (cv2.cvtColor(x[0].permute(1, 2, 0).numpy(), cv2.COLOR_RGB2HSV)[..., 0] for x in (rgb, corrected))
    turn = np.abs((before - after + 180) % 360 - 180)
    assert turn.max() < 0.1  # degrees


def test_chroma_is_that_of_skimage_and_goes_with_any_luma():
    from skimage.color import rgb2ycbcr

    torch.manual_seed(0)
    rgb = torch.rand(1, 3, 32, 32)
    reference = (rgb2ycbcr(rgb[0].permute(1, 2, 0).double().numpy())[..., 1:] - 128) / 224
    chroma = chroma_from_rgb(rgb)
    np.testing.assert_allclose(chroma[0].permute(1, 2, 0).numpy(), reference, atol=2e-5)
    torch.testing.assert_close(rgb_from_chroma(luma(rgb), chroma), rgb)
    gray = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(luma(rgb_from_chroma(gray, chroma)), gray)


def test_gradients_are_finite_at_gray_black_and_white():
    rgb = torch.tensor([0.5, 0.0, 1.0]).reshape(1, 1, 1, 3).repeat(1, 3, 1, 1).requires_grad_()
    gray = torch.tensor([0.5, 0.0, 1.0]).reshape(1, 1, 1, 3)
    with_luma(rgb, gray).sum().backward()
    assert rgb.grad.isfinite().all()


@pytest.mark.parametrize(
    ('correct', 'words'),
    [
        (lambda rgb, damaged, mask: rgb * 0.9, 'not idempotent'),
        (lambda rgb, damaged, mask: rgb.clamp_(0, 1), 'changes its input'),
        (lambda rgb, damaged, mask: rgb.mean(1, keepdim=True), 'has shape'),
        (lambda rgb, damaged, mask: rgb.double(), 'float64'),
        (lambda rgb, damaged, mask: rgb.clamp(0, 1) / mask.mean(), 'not finite'),
        (lambda rgb, damaged, mask: rgb * 0 + rgb.mean().round(), 'mixes the images'),
    ],
)
def test_the_contract_check_sees_planted_violations(correct, words):
    problems = list(violations(lambda: correct))
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize('spread', [0, 1e-7, 1, 1e4])
@pytest.mark.parametrize('shape', [(2, 1, 1), (2, 33, 70), (1, 300, 200), (1, 2, 40_000)])
def test_luma_is_replaced_with_the_bits_of_the_differentiable_function(spread, shape):
    num, height, width = shape
    gray = torch.randint(0, 256, (num, 1, height, width)).float() / 255
    rgb = gray.flip(-1) + spread * torch.randn(num, 3, height, width)
    expected = with_luma(rgb, gray)
    assert torch.equal(replace_luma(rgb, gray), expected)
    where = torch.rand(num, 1, height, width) < 0.7
    assert torch.equal(replace_luma(rgb, gray, where), torch.where(where, expected, rgb))
    extremes = torch.randint(0, 2, (num, 1, height, width)).float()
    corners = torch.randint(0, 2, rgb.shape).float()
    assert torch.equal(replace_luma(corners, extremes), with_luma(corners, extremes))
