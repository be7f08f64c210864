"""Hues measured and given, against OpenCV on bytes."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from tests.support import scene
from toolbox.images.color import gray_from_rgb, to_uint8
from toolbox.nn.hue import _exact_levels, colored, hue_and_chroma, hue_histogram, matched_hues
from toolbox.scoring.constants import HUE_BINS


def opencv_hue(rgb):
    """uint8 (H, W, 3) to its hues, (H, W)."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 0]


def as_bytes(rgb):
    return np.ascontiguousarray(to_uint8(rgb)[0].permute(1, 2, 0).numpy())


def test_the_histogram_is_opencvs():
    pictures = [scene(seed, 40, 56) for seed in range(4)]
    pictures[3][:20] = pictures[3][:20, :, :1]  # gray has no hue
    rgb = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
    expected = [cv2.calcHist([opencv_hue(picture)], [0], None, [180], [0, 180]).ravel() for picture in pictures]
    np.testing.assert_array_equal(hue_histogram(rgb).numpy(), expected)


@given(
    luma=st.integers(40, 200),
    hue=st.integers(0, HUE_BINS - 1),
    chroma=st.integers(25, 60),
    shift=st.sampled_from([-180, 0]),
)
@settings(max_examples=200, deadline=None)
def test_a_color_has_the_luma_and_to_the_bin_the_hue_it_was_given(luma, hue, chroma, shift):
    gray = torch.full((1, 1, 1, 1), luma / 255)
    rgb = as_bytes(colored(gray, torch.full((1, 1, 1, 1), hue + shift), torch.full((1, 1, 1, 1), chroma / 255)))
    assert opencv_hue(rgb).item() == hue
    assert gray_from_rgb(rgb).item() == luma
    assert rgb.max() - rgb.min() <= chroma


@given(
    luma=st.integers(60, 180),
    hue=st.integers(0, HUE_BINS - 1),
    chroma=st.integers(1, 80),
)
def test_an_exact_color_has_its_hue_however_faint_and_no_more_chroma_than_that_takes(luma, hue, chroma):
    gray = torch.full((1, 1, 1, 1), luma / 255)
    wanted = torch.full((1, 1, 1, 1), chroma / 255)
    rgb = as_bytes(colored(gray, torch.full((1, 1, 1, 1), hue), wanted, exact=True))
    assert opencv_hue(rgb).item() == hue
    assert gray_from_rgb(rgb).item() == luma
    assert int(rgb.max()) - int(rgb.min()) <= max(21, 2 * chroma)


def test_an_exact_color_of_no_chroma_stays_gray():
    gray = torch.rand(1, 1, 4, 4)
    assert torch.equal(colored(gray, torch.zeros_like(gray).long(), torch.zeros_like(gray), exact=True)[:, :1], gray)


def test_at_the_edges_of_the_gamut_color_gives_way_and_luma_stays():
    levels = torch.arange(256.0).view(1, 1, 1, -1).expand(1, 1, HUE_BINS, -1) / 255
    hue = torch.arange(HUE_BINS).view(1, 1, -1, 1).expand(1, 1, -1, 256)
    rgb = as_bytes(colored(levels, hue, torch.ones_like(levels)))
    np.testing.assert_array_equal(gray_from_rgb(rgb), (levels[0, 0] * 255).round().to(torch.uint8))
    np.testing.assert_array_equal(rgb[:, [0, -1]] % 255, 0)
    off = np.abs((opencv_hue(rgb).astype(int) - hue[0, 0].numpy() + 90) % 180 - 90)
    chroma = rgb.max(-1).astype(int) - rgb.min(-1)
    # A color of c levels can be off by half a step of its middle channel, 15 / c bins.
    assert (off * chroma <= 15 + chroma).all()


def test_without_chroma_the_gray_is_left():
    gray = torch.rand(2, 1, 5, 7)
    rgb = colored(gray, torch.full_like(gray, 70).long(), torch.zeros_like(gray))
    torch.testing.assert_close(rgb, gray.expand(-1, 3, -1, -1))


def test_matching_gives_the_histogram_and_keeps_the_order():
    rng = np.random.default_rng(0)
    hue = torch.tensor(rng.uniform(-30, 149, (2, 5000)))
    histogram = torch.tensor(rng.random((2, HUE_BINS)) ** 3)
    matched = matched_hues(hue, histogram)
    for before, after, wanted in zip(hue, matched, histogram, strict=True):
        counts = np.bincount(after.numpy() % HUE_BINS, minlength=HUE_BINS)
        np.testing.assert_allclose(counts, 5000 * wanted / wanted.sum(), atol=1)
        assert (np.diff(after[before.argsort()]) >= 0).all()


def test_matching_an_image_to_its_own_histogram_leaves_its_hues():
    rgb = torch.from_numpy(scene(3)).permute(2, 0, 1)[None] / 255
    hue, _ = hue_and_chroma((rgb * 255).round())
    np.testing.assert_array_equal(matched_hues(hue, hue_histogram(rgb)) % 180, hue.round() % 180)


@pytest.mark.parametrize('bin_', [0, 75, 149, 150, 179])
def test_a_palette_of_one_hue_colors_everything_in_it(bin_):
    histogram = torch.zeros(1, HUE_BINS)
    histogram[0, bin_] = 3
    matched = matched_hues(torch.linspace(-30, 150, 100)[None], histogram)
    assert set((matched % HUE_BINS).flatten().tolist()) == {bin_}


def test_ranks_are_exact_beyond_the_whole_numbers_of_float32():
    each = 50_000  # of all pixels that have a bin, 9 million together
    hue = torch.linspace(-30, 149, each * HUE_BINS)[None]
    matched = matched_hues(hue, torch.full((1, HUE_BINS), each))
    assert (torch.bincount(matched[0] + 30) == each).all()


def test_chromas_that_have_a_hue_to_the_bin():
    for thirtieths, row in enumerate(_exact_levels(torch.device('cpu'))[0].tolist()):
        best = 0
        for levels in range(1, 256):
            if abs(30 * round(thirtieths * levels / 30) / levels - thirtieths) < 0.49:
                best = levels
            assert row[levels] == (best if 2 * best >= levels else levels), (thirtieths, levels)
