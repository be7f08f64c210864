"""Mask generators: holes at all sizes, the same in any process, distributed as they promise."""

import functools
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from scipy.ndimage import label
from scipy.stats import ks_2samp, kstest
from skimage.draw import polygon2mask

from benchmarks.masks import published_polygon
from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import write_png
from toolbox.plugin.contracts import MaskGenerator
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import MASKS

discover_plugins()

ROOT = Path(__file__).parents[2]
PLAIN = sorted(name for name, plugin in MASKS.module_dict.items() if not hasattr(plugin, 'example_options'))


@functools.cache
def build(name: str) -> MaskGenerator:
    return MASKS.build({'type': name})


@pytest.mark.parametrize('name', PLAIN)
@settings(max_examples=12)
@given(height=st.integers(33, 700), width=st.integers(33, 700), seed=st.integers(0, 2**32), progress=st.floats(0, 1))
def test_holes_at_all_sizes(name: str, height: int, width: int, seed: int, progress: float):
    first, second = (build(name)(height, width, np.random.default_rng(seed), progress=progress) for _ in range(2))
    assert first.shape == (height, width)
    assert first.dtype == np.uint8
    assert set(np.unique(first)) == {0, 1}  # neither empty nor full
    assert np.array_equal(first, second)


def test_another_process_draws_the_same():
    code = 'from tests.plugins.test_masks import digests; print(digests())'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(digests())


def digests() -> dict[str, str]:
    """What each generator draws for five seeds, in short."""
    drawn = {name: [build(name)(65, 90, np.random.default_rng(seed)) for seed in range(5)] for name in PLAIN}
    return {name: hashlib.sha256(np.stack(masks).tobytes()).hexdigest() for name, masks in drawn.items()}


@pytest.mark.parametrize('name', PLAIN)
def test_one_pixel_has_no_room(name: str):
    with pytest.raises(ValueError, match='1x1'):
        build(name)(1, 1, np.random.default_rng(0))


@pytest.fixture(scope='module')
def polygons() -> dict[str, np.ndarray]:
    """Area, box height, box width and number of corners, of masks that the published code and that we draw."""
    random.seed(11)
    rng = np.random.default_rng(11)
    published = [published_polygon(256, 256) for _ in range(1200)]
    ours = [build('RandomPolygon').draw(256, 256, rng) for _ in range(1200)]
    return {
        'published': np.array([[*_measures(mask), num_corners] for mask, num_corners in published]),
        'ours': np.array([[*_measures(mask), len(corners)] for mask, corners in ours]),
    }


def _measures(mask: np.ndarray) -> tuple[int, int, int]:
    rows, columns = np.nonzero(mask)
    return len(rows), np.ptp(rows) + 1, np.ptp(columns) + 1


@pytest.mark.parametrize(('column', 'measure'), list(enumerate(('area', 'box height', 'box width', 'corners'))))
def test_random_polygon_draws_the_published_distribution(polygons: dict[str, np.ndarray], column: int, measure: str):
    assert ks_2samp(polygons['published'][:, column], polygons['ours'][:, column]).pvalue > 0.01, measure


def test_random_polygon_covers_its_polygon_and_the_line_around_it():
    """Against skimage, which takes the pixels whose centers lie inside or on the border."""
    rng = np.random.default_rng(3)
    inside, missed, added = 0, 0, 0
    for _ in range(100):
        mask, corners = build('RandomPolygon').draw(200, 300, rng)
        reference = polygon2mask((200, 300), corners[:, ::-1])
        right, bottom = corners.max(axis=0)  # as in the published code, the far sides of the box are outside
        reference[bottom:], reference[:, right:] = False, False
        inside += reference.sum()
        missed += (reference & (mask == 0)).sum()
        added += (~reference & (mask == 1)).sum()
    assert missed <= 0.001 * inside
    assert added <= 0.03 * inside


@pytest.mark.parametrize('kind', ['simple', 'star', 'convex'])
def test_polygons_do_not_cross_themselves(kind: str):
    """A polygon without crossings is one region, without an even-odd hole in it."""
    generator = MASKS.build({'type': 'RandomPolygon', 'kinds': [kind]})
    rng = np.random.default_rng(4)
    for _ in range(60):
        mask, _ = generator.draw(700, 700, rng)
        assert label(mask, np.ones((3, 3)))[1] == 1


def test_competition_shapes_have_the_measured_areas():
    rng = np.random.default_rng(5)
    areas = np.array([build('CompetitionShapes')(128, 160, rng).mean() for _ in range(600)])
    assert areas.min() >= 0.01
    assert areas.max() <= 0.14
    assert kstest(areas, 'uniform', args=(0.01, 0.13)).statistic < 0.1  # all sizes occur, about equally often


def test_competition_rectangles_and_ellipses_are_what_pillow_draws():
    from PIL import Image, ImageDraw

    for shape in ('rectangle', 'ellipse'):
        generator = MASKS.build({'type': 'CompetitionShapes', 'shapes': [shape]})
        for seed in range(20):
            mask = generator(90, 120, np.random.default_rng(seed))
            rows, columns = np.nonzero(mask)
            canvas = Image.new('L', (120, 90))
            box = [int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())]
            getattr(ImageDraw.Draw(canvas), shape)(box, fill=1)
            assert np.array_equal(mask, np.array(canvas))


def test_some_competition_polygons_fall_apart():
    generator = MASKS.build({'type': 'CompetitionShapes', 'shapes': ['polygon']})
    counts = [label(generator(200, 200, np.random.default_rng(seed)))[1] for seed in range(30)]
    assert max(counts) > 1


def test_boxes_keep_their_sides():
    generator = MASKS.build({'type': 'Boxes', 'max_boxes': 1, 'min_side': 0.2, 'max_side': 0.3})
    for seed in range(30):
        area, height, width = _measures(generator(100, 50, np.random.default_rng(seed)))
        assert area == height * width
        assert 20 <= height <= 30
        assert 10 <= width <= 15


def test_brush_strokes_keep_to_the_largest_area():
    generator = MASKS.build({'type': 'BrushStrokes', 'max_area': 0.2})
    assert max(generator(96, 96, np.random.default_rng(seed)).mean() for seed in range(30)) <= 0.2


def test_superpixels_follow_the_photograph():
    """Most of a hole's border lies on the outline of what the photograph shows, where there is one to follow."""
    gray = np.full((96, 96), 40, np.uint8)
    gray[:, 48:] = 200
    generator = MASKS.build({'type': 'Superpixels', 'num_segments': 16, 'min_area': 0.05, 'max_area': 0.06})
    for seed in range(10):
        mask = generator(96, 96, np.random.default_rng(seed), gray=gray)
        crosses = (mask[:, 47] & mask[:, 48]).mean()
        assert crosses < 0.5, seed


def test_mask_folder_takes_what_is_usable(tmp_path: Path):
    write_png(tmp_path / 'a empty.png', np.zeros((10, 10), np.uint8))
    half = np.zeros((10, 20), np.uint8)
    half[:, :10] = 255
    write_png(tmp_path / 'b half.png', half)
    generator = MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path)})
    for seed in range(4):
        mask = generator(30, 40, np.random.default_rng(seed))
        assert np.array_equal(mask, np.repeat([[1] * 20 + [0] * 20], 30, axis=0))


def test_mask_folder_says_what_is_missing(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match='no image file'):
        MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path)})
    with pytest.raises(FileNotFoundError, match='no such folder'):
        MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path / 'none')})
    write_png(tmp_path / 'empty.png', np.zeros((10, 10), np.uint8))
    generator = MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path)})
    with pytest.raises(ValueError, match='255 in the hole'):
        generator(20, 20, np.random.default_rng(0))


def test_mask_folder_is_no_folder_of_photographs(tmp_path: Path):
    """They were taken for masks, thresholded at 128."""
    for seed in range(3):
        write_png(tmp_path / f'{seed}.png', scene(seed))
    with pytest.raises(ValueError, match='looks like a photograph'):
        MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path)})


def test_mask_folder_takes_paint_on_a_transparent_layer(tmp_path: Path):
    """White under alpha was a hole of the whole image, and passed over."""
    layer = np.full((10, 20, 2), 255, np.uint8)
    layer[:, 10:, 1] = 0
    Image.fromarray(layer, 'LA').save(tmp_path / 'a.png')
    mask = MASKS.build({'type': 'MaskFolder', 'root': str(tmp_path)})(10, 20, np.random.default_rng(0))
    assert np.array_equal(mask, layer[..., 1] // 255)


def test_mixture_keeps_its_weights():
    generator = MASKS.build(
        {
            'type': 'Mixture',
            'generators': [
                {'type': 'CompetitionShapes', 'min_area': 0.01, 'max_area': 0.05},
                {'type': 'CompetitionShapes', 'min_area': 0.1, 'max_area': 0.14},
            ],
            'weights': [3, 1],
        }
    )
    rng = np.random.default_rng(6)
    large = np.mean([generator(64, 64, rng).mean() > 0.07 for _ in range(800)])
    assert large == pytest.approx(0.25, abs=0.05)


def test_mixture_names_the_place_of_a_mistake():
    with pytest.raises(ValueError, match=r'Mixture\.generators\[1\].*RandomPolygon'):
        MASKS.build({'type': 'Mixture', 'generators': [{'type': 'Boxes'}, {'type': 'RandomPolygone'}]})
    with pytest.raises(ValueError, match='one per generator'):
        MASKS.build({'type': 'Mixture', 'generators': [{'type': 'Boxes'}], 'weights': [1, 2]})


def test_curriculum_grows():
    generator = build('Curriculum')

    def areas(progress: float) -> np.ndarray:
        return np.array([generator(128, 128, np.random.default_rng(s), progress=progress).mean() for s in range(80)])

    first, middle, last = areas(0.0), areas(0.25), areas(0.5)
    assert first.max() < 0.035
    assert first.mean() < middle.mean() < last.mean()
    assert np.array_equal(last, areas(1.0))


@pytest.mark.parametrize('name', PLAIN)
def test_a_photograph_is_welcome(name: str):
    gray = gray_from_rgb(scene(1, 60, 80))
    mask = build(name)(60, 80, np.random.default_rng(0), gray=gray)
    assert 0 < mask.sum() < mask.size


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'type': 'RandomPolygon', 'kinds': ['round']}, 'simple'),
        ({'type': 'RandomPolygon', 'min_corners': 2}, '3 <= min_corners'),
        ({'type': 'CompetitionShapes', 'max_area': 1}, 'max_area < 1'),
        ({'type': 'CompetitionShapes', 'shapes': ['star']}, 'rectangle'),
        ({'type': 'Boxes', 'max_side': 1.0}, 'max_side < 1'),
        ({'type': 'BrushStrokes', 'max_area': 0.01}, 'max_area'),
        ({'type': 'Superpixels', 'num_segments': 1}, 'at least 2'),
        ({'type': 'Curriculum', 'until': 0}, 'until'),
        ({'type': 'Curriculum', 'generator': {'type': 'Box'}}, 'Curriculum.generator'),
    ],
)
def test_wrong_options_are_explained(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        MASKS.build(options)
