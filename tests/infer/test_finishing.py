"""From the mean of predictions to bytes: known luma, enlargement, strips."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from tests.infer.support import damaged_scene
from toolbox.images.color import gray_from_rgb, to_uint8
from toolbox.infer import finishing
from toolbox.infer.finishing import post_process, to_photo_size
from toolbox.plugin.registry import POSTPROCESS


def prediction(seed: int, height: int, width: int) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) * 1.6 - 0.3


def known_luma():
    from toolbox.plugin.discovery import discover_plugins

    discover_plugins()
    return POSTPROCESS.build(dict(type='KnownLuma'))


@given(st.integers(0, 99), st.integers(1, 60), st.integers(1, 60), st.integers(1, 12), st.integers(1, 12))
def test_known_luma_is_kept_to_one_level_whatever_the_sizes(seed, height, width, small_height, small_width):
    gray, mask = damaged_scene(seed, height, width)
    output, _ = to_photo_size(prediction(seed, small_height, small_width), gray, mask)
    difference = np.abs(gray_from_rgb(output).astype(int) - gray)[mask == 0]
    assert output.shape == (height, width, 3)
    assert difference.max(initial=0) <= 1


def test_at_the_photos_size_a_recipe_that_keeps_luma_is_not_touched():
    gray, mask = damaged_scene(1)
    images = (torch.from_numpy(gray)[None, None], torch.from_numpy(mask)[None, None])
    rgb = post_process(prediction(1, 48, 48)[None], *images, [known_luma()])
    output, mended = to_photo_size(rgb[0], gray, mask)
    assert not mended
    assert np.array_equal(output, to_uint8(rgb)[0].permute(1, 2, 0).numpy())


def test_a_recipe_that_does_not_keep_luma_is_mended_outside_the_hole_alone():
    gray, mask = damaged_scene(1)
    rgb = prediction(1, 48, 48)
    output, mended = to_photo_size(rgb, gray, mask)
    assert mended
    raw = to_uint8(rgb).permute(1, 2, 0).numpy()
    assert np.array_equal(output[mask > 0], raw[mask > 0])
    near = (mask == 0) & (np.abs(gray_from_rgb(raw).astype(int) - gray) <= 1)
    assert near.any()
    assert np.array_equal(output[near], raw[near])


def test_enlargement_is_torchs_and_holes_take_it_as_it_is(monkeypatch):
    gray, mask = damaged_scene(2, 90, 130)
    rgb = prediction(2, 30, 43).clamp(0, 1)
    monkeypatch.setattr(finishing, '_STRIP_PIXELS', 130 * 7)  # strips of 7 rows
    output, _ = to_photo_size(rgb, gray, np.ones_like(mask))
    enlarged = torch.nn.functional.interpolate(rgb[None], (90, 130), mode='bilinear', align_corners=False)[0]
    difference = np.abs(output.astype(int) - to_uint8(enlarged).permute(1, 2, 0).numpy())
    assert difference.max() <= 1  # rounding
    assert difference.mean() < 1e-3


def test_strips_change_nothing(monkeypatch):
    gray, mask = damaged_scene(3, 50, 40)
    rgb = prediction(3, 50, 40)
    images = (torch.from_numpy(gray)[None, None], torch.from_numpy(mask)[None, None])
    whole = post_process(rgb[None].clone(), *images, [known_luma()])
    whole_bytes, _ = to_photo_size(whole[0], gray, mask)
    monkeypatch.setattr(finishing, '_STRIP_PIXELS', 1)
    strips = post_process(rgb[None].clone(), *images, [known_luma()])
    assert torch.equal(strips, whole)
    assert np.array_equal(to_photo_size(strips[0], gray, mask)[0], whole_bytes)


@pytest.mark.parametrize('pixelwise', [True, False])
def test_only_what_is_pixelwise_gets_strips(monkeypatch, pixelwise):
    heights = []

    def watch(rgb, damaged, mask):
        heights.append(rgb.shape[2])
        assert damaged.shape[2] == mask.shape[2] == rgb.shape[2]
        assert damaged.max() == mask.max() == 1  # floats in [0, 1]
        return rgb

    watch.pixelwise = pixelwise
    monkeypatch.setattr(finishing, '_STRIP_PIXELS', 40)
    images = torch.full((1, 1, 5, 40), 255, dtype=torch.uint8), torch.ones(1, 1, 5, 40, dtype=torch.uint8)
    post_process(prediction(0, 5, 40)[None], *images, [watch])
    assert heights == ([1] * 5 if pixelwise else [5])
