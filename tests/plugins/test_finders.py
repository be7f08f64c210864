"""The finder of constant regions, on photographs that installed packages carry."""

import io

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from PIL import Image, ImageDraw
from skimage import data
from sklearn.datasets import load_sample_images

from toolbox.images.color import gray_from_rgb
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import FILLS, FINDERS, MASKS
from toolbox.plugin.types import Found

discover_plugins()

SIDE = 288
CODECS = [('JPEG', {'quality': 95}), ('JPEG', {'quality': 85}), ('JPEG', {'quality': 75}), ('WEBP', {'quality': 80})]
HOLES = [
    lambda pen: pen.rectangle([60, 90, 120, 150], fill=1),
    lambda pen: pen.ellipse([90, 60, 170, 110], fill=1),
    lambda pen: pen.polygon([(40, 60), (150, 90), (70, 170)], fill=1),
    lambda pen: pen.polygon([(40, 40), (220, 180), (230, 60), (60, 190)], fill=1),
]


@pytest.fixture(scope='module')
def photographs() -> list[np.ndarray]:
    """The gray photographs that installed packages carry, each uint8 (H, W) with sides of at least 288 px."""
    images = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), *load_sample_images().images]
    images += [data.stereo_motorcycle()[0], np.array(Image.open(get_sample_data('grace_hopper.jpg', asfileobj=False)))]
    return [gray_from_rgb(image) for image in images]


def window(photographs: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A window of 288 px of one of the photographs, each equally often."""
    gray = photographs[rng.integers(len(photographs))]
    top, left = rng.integers(np.subtract(gray.shape, SIDE) + 1)
    return gray[top : top + SIDE, left : left + SIDE]


def find(damaged: np.ndarray, **options: object) -> Found:
    return FINDERS.build({'type': 'ConstantRegion', **options})(damaged)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first & second) / max(1, np.count_nonzero(first | second))


def test_competition_holes_are_recovered(photographs: list[np.ndarray]):
    """300 draws: 97 % recovered with an IoU of 0.99, and hardly a wrong one returned."""
    mask, fill = MASKS.build({'type': 'CompetitionShapes'}), FILLS.build({'type': 'ConstantGray', 'high': 100})
    finder = FINDERS.build({'type': 'ConstantRegion'})
    rng = np.random.default_rng(2024)
    right, wrong, exact = [], [], []
    for _ in range(300):
        gray = window(photographs, rng)
        hole = mask(SIDE, SIDE, rng)
        found = finder(fill(gray, hole, rng))
        right.append(iou(found.mask, hole) >= 0.99)
        wrong.append(found.mask.any() and not right[-1])
        exact.append(np.array_equal(found.mask, hole))
    assert np.mean(right) >= 0.97
    assert np.mean(wrong) <= 0.02
    assert np.mean(exact) >= 0.75


def test_photographs_without_a_hole_are_left_alone(photographs: list[np.ndarray]):
    rng = np.random.default_rng(1)
    found = [find(window(photographs, rng)) for _ in range(20)]
    assert not any(answer.mask.any() for answer in found)


def compressed(gray: np.ndarray, kind: str, **options: object) -> np.ndarray:
    content = io.BytesIO()
    Image.fromarray(gray).convert('L' if kind == 'JPEG' else 'RGB').save(content, kind, **options)
    return np.array(Image.open(content).convert('L'))


@pytest.mark.parametrize(('kind', 'options'), CODECS, ids=['95', '85', '75', 'webp'])
def test_holes_in_compressed_photographs(kind: str, options: dict):
    """None was found: blocks and ringing leave no region of one value with a sharp border."""
    gray = gray_from_rgb(data.astronaut())[100 : 100 + SIDE, 60 : 60 + SIDE]
    for draw in HOLES:
        canvas = Image.new('L', (SIDE, SIDE))
        draw(ImageDraw.Draw(canvas))
        hole = np.array(canvas)
        found = find(compressed(np.where(hole, 70, gray).astype(np.uint8), kind, **options))
        assert iou(found.mask, hole) >= 0.9
        assert found.confidence >= 0.5


@pytest.mark.parametrize(('kind', 'options'), CODECS, ids=['95', '85', '75', 'webp'])
def test_competition_holes_in_compressed_photographs(photographs: list[np.ndarray], kind: str, options: dict):
    """Most of 8 draws are right; slivers of polygons and holes as dark as what is around them are left alone."""
    mask, fill = MASKS.build({'type': 'CompetitionShapes'}), FILLS.build({'type': 'ConstantGray', 'high': 100})
    rng = np.random.default_rng(11)
    overlap, is_found = [], []
    for _ in range(8):
        gray = window(photographs, rng)
        hole = mask(SIDE, SIDE, rng)
        found = find(compressed(fill(gray, hole, rng), kind, **options))
        overlap.append(iou(found.mask, hole))
        is_found.append(found.mask.any())
    assert np.count_nonzero(np.array(overlap) >= 0.9) >= 5
    assert not [share for share, returned in zip(overlap, is_found, strict=True) if returned and share < 0.5]


@pytest.mark.parametrize(('kind', 'options'), CODECS, ids=['95', '85', '75', 'webp'])
@pytest.mark.parametrize('gain', [1, 1.8], ids=['as it is', 'clipped'])
def test_compressed_photographs_without_a_hole_are_left_alone(
    photographs: list[np.ndarray], kind: str, options: dict, gain: float
):
    rng = np.random.default_rng(2)
    for _ in range(3):
        gray = np.clip(gain * window(photographs, rng), 0, 255).astype(np.uint8)
        assert not find(compressed(gray, kind, **options)).mask.any()


@pytest.mark.parametrize('filter_', [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX])
def test_holes_in_thumbnails(filter_: Image.Resampling):
    """Drawn at twice the size, made smaller, then compressed: the border is a mixture."""
    gray = gray_from_rgb(data.astronaut())
    for draw in HOLES:
        canvas = Image.new('L', (SIDE, SIDE))
        draw(ImageDraw.Draw(canvas))
        hole = canvas.resize(gray.shape[::-1], Image.Resampling.NEAREST)
        damaged = Image.fromarray(np.where(hole, 70, gray).astype(np.uint8)).resize((SIDE, SIDE), filter_)
        found = find(compressed(np.array(damaged), 'JPEG', quality=90))
        assert iou(found.mask, np.array(canvas)) >= 0.9


def test_the_same_answer_twice():
    damaged = np.where(np.arange(SIDE)[:, None] // 60 == 2, 70, _photograph()).astype(np.uint8)
    damaged[:, :90] = _photograph()[:, :90]
    damaged = compressed(damaged, 'JPEG', quality=80)
    first, second = find(damaged), find(damaged.copy())
    assert first.confidence == second.confidence
    assert np.array_equal(first.mask, second.mask)


def test_what_is_doubtful_is_not_returned_unless_asked_for():
    """Clipped white fills a patch; it was painted, and its confidence thrown away."""
    gray = _photograph()
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    glow = np.clip(520 - 5 * np.hypot(rows - 150, columns - 140), 0, 255)
    gray = np.maximum(gray, glow.astype(np.uint8))
    sure, all_of_it = find(gray), find(gray, min_confidence=0)
    assert not sure.mask.any()
    assert sure.confidence < 0.5
    assert sure.confidence == all_of_it.confidence


def _photograph() -> np.ndarray:
    return gray_from_rgb(data.chelsea())[:SIDE, :SIDE].copy()


def test_a_larger_flat_sky_is_no_hole():
    gray = _photograph()
    depth = np.arange(120)[:, None] + np.arange(SIDE) // 40
    gray[:120] = np.clip(depth - 100, 0, 255)  # black, fading out towards the photograph
    gray[180:210, 100:160] = 61
    found = find(gray)
    hole = np.zeros_like(gray)
    hole[180:210, 100:160] = 1
    assert np.array_equal(found.mask, hole)


def test_a_frame_is_no_hole():
    gray = _photograph()
    gray[:30] = gray[-30:] = 0
    gray[120:170, 90:200] = 25
    hole = np.zeros_like(gray)
    hole[120:170, 90:200] = 1
    assert np.array_equal(find(gray).mask, hole)


def test_neighbors_of_the_same_value_are_cut_away():
    gray = _photograph()
    hole = np.zeros_like(gray)
    hole[80:160, 100:180] = 1
    gray[hole > 0] = 50
    gray[160:163, 120:140] = 50
    gray[100, 180:184] = 50
    found = find(gray)
    assert np.array_equal(found.mask, hole)
    assert np.array_equal(np.unique(find(gray, fit_shapes=False).mask - hole), [0, 1])  # without the fit they stay


def test_a_bow_tie_is_found_whole():
    gray = _photograph()
    canvas = Image.new('L', (SIDE, SIDE))
    ImageDraw.Draw(canvas).polygon([(60, 80), (220, 190), (220, 70), (60, 180)], fill=1)
    hole = np.array(canvas)
    gray[hole > 0] = 33
    found = find(gray)
    assert np.array_equal(found.mask, hole)
    assert found.confidence > 0.5


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (5, 7), (40, 3)])
def test_small_images_are_no_trouble(size: tuple[int, int]):
    rng = np.random.default_rng(0)
    for image in (np.zeros(size, np.uint8), rng.integers(0, 256, size, np.uint8), rng.integers(0, 2, size, np.uint8)):
        found = find(image)
        assert found.mask.shape == size
        assert 0 <= found.confidence <= 1


def test_an_image_of_one_value_has_no_hole():
    found = find(np.full((50, 60), 77, np.uint8))
    assert not found.mask.any()
    assert found.confidence == 0


def test_wrong_options_are_explained():
    with pytest.raises(ValueError, match='share of the image'):
        find(np.zeros((5, 5), np.uint8), min_area=2)
    with pytest.raises(ValueError, match='min_confidence=7'):
        find(np.zeros((5, 5), np.uint8), min_confidence=7)
