"""Tiles: their weights, what they leave alone, and no seams."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from tests.infer.support import LocalModel, damaged_scene, member
from toolbox.infer.ensemble import Ensemble
from toolbox.infer.photo import Scale
from toolbox.infer.tiles import tiles
from toolbox.plugin.types import Restored

WHOLE = Scale(32, False)


@given(st.integers(1, 300), st.integers(1, 30), st.integers(1, 12), st.sampled_from([1, 8, 32]))
def test_weights_add_up_to_one_and_tiles_start_on_the_grid(height, width, strides, multiple):
    side = max(2, strides) * multiple
    total = torch.zeros(height, width)
    for tile in tiles(height, width, side, multiple):
        assert tile.rows.start % multiple == tile.columns.start % multiple == 0
        assert 0 < tile.rows.stop - tile.rows.start <= side
        assert 0 < tile.columns.stop - tile.columns.start <= side
        total[tile.rows, tile.columns] += 1 if tile.weight is None else tile.weight
    assert torch.allclose(total, torch.ones_like(total), atol=1e-6)


def test_weights_are_smooth_and_vanish_at_the_borders_of_tiles():
    first, *_ = tiles(64, 512, 256)
    assert first.weight[0, 0] == 1  # the image's border is no tile's border
    assert first.weight[0, -1] < 1e-3
    assert first.weight[0].diff().abs().max() < 0.03


def test_one_tile_is_the_image():
    (tile,) = tiles(100, 70, 128, 32)
    assert tile.weight is None
    assert (tile.rows, tile.columns) == (slice(0, 100), slice(0, 70))


def batch(height: int, width: int) -> dict:
    damaged, mask = damaged_scene(3, height, width)
    return {WHOLE: tuple(torch.from_numpy(image)[None, None] for image in (damaged, mask))}


@pytest.mark.parametrize('tta', ['none', 'd4'])
def test_tiled_equals_untiled_away_from_the_borders_of_tiles(tta):
    model = LocalModel()
    images = batch(256, 320)
    untiled, tiled = (Ensemble([member(model)], tta, tile).means([images], [WHOLE])[0] for tile in (0, 128))
    near_a_border = np.zeros((256, 320), bool)
    for tile in tiles(256, 320, 128, 8):
        for axis, part, length in ((0, tile.rows, 256), (1, tile.columns, 320)):
            for border in {part.start, part.stop} - {0, length}:
                near = slice(max(0, border - model.reach), border + model.reach)
                near_a_border[near if axis == 0 else slice(None), near if axis else slice(None)] = True
    far = torch.from_numpy(~near_a_border)
    assert far.float().mean() > 0.05
    assert (untiled - tiled).abs().amax(1)[0][far].max() < 1e-5


def test_no_seam():
    """Networks that pool globally tint each tile a little differently; the tint goes over without a step."""

    class Tinting(LocalModel):
        def restore(self, damaged, mask):
            return Restored(damaged.mean((2, 3), keepdim=True).expand(-1, 3, *damaged.shape[2:]))

    images = batch(256, 320)
    tinted = Ensemble([member(Tinting())], tile=64).means([images], [WHOLE])[0][0, 0]
    tints = [images[WHOLE][0][..., tile.rows, tile.columns].float().mean() / 255 for tile in tiles(256, 320, 64, 8)]
    contrast = max(tints) - min(tints)
    assert contrast > 0.2
    steepest = torch.pi / 2 / 16  # of a squared sine over an overlap of 16 px
    assert tinted.diff(dim=0).abs().max() < steepest * contrast
    assert tinted.diff(dim=1).abs().max() < steepest * contrast


def test_large_images_are_tiled_without_being_asked():
    areas = []

    class Watching(LocalModel):
        def restore(self, damaged, mask):
            areas.append(damaged.shape[-2] * damaged.shape[-1])
            return super().restore(damaged, mask)

    ensemble = Ensemble([member(Watching(), size=32)])
    ensemble.means([batch(64, 64)], [WHOLE])
    assert areas == [64 * 64]
    ensemble.means([batch(640, 64)], [WHOLE])
    assert len(areas) > 10
    assert max(areas) == 64 * 64


def test_a_tile_smaller_than_two_strides_is_refused():
    with pytest.raises(ValueError, match='give 16 or more'):
        Ensemble([member(LocalModel())], tile=8)
