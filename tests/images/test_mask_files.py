"""The one reader of masks: what it takes, what it says, what it refuses."""

import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageDraw

from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import UnreadableImage
from toolbox.images.mask_files import mask_from_array, read_mask


def stored(image: Image.Image | np.ndarray, kind: str = 'PNG', **options: object) -> io.BytesIO:
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    content.seek(0)
    return content


@st.composite
def holes(draw: st.DrawFn) -> np.ndarray:
    """uint8 (H, W) in {0, 1}: one or two drawn shapes, at most half of the image, each at least 6 px wide."""
    height, width = draw(st.integers(24, 64)), draw(st.integers(24, 64))
    canvas = Image.new('L', (width, height))
    for _ in range(draw(st.integers(1, 2))):
        w, h = draw(st.integers(6, width // 2)), draw(st.integers(6, height // 2))
        x, y = draw(st.integers(0, width - w)), draw(st.integers(0, height - h))
        shape = draw(st.sampled_from(['rectangle', 'ellipse']))
        getattr(ImageDraw.Draw(canvas), shape)([x, y, x + w - 1, y + h - 1], fill=1)
    return np.array(canvas)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first & second) / np.count_nonzero(first | second)


@settings(max_examples=30, deadline=None)
@given(holes(), st.integers(0, 127), st.integers(128, 255))
def test_two_grays_either_side_of_the_middle(hole, low, high):
    mask = read_mask(stored(np.where(hole, high, low).astype(np.uint8)))
    assert np.array_equal(mask.hole, hole)
    assert mask.notes == ()


@settings(max_examples=20, deadline=None)
@given(holes(), st.integers(1, 127))
def test_black_and_any_other_gray(hole, high):
    """Zeros and ones, or a palette of classes: before, an error."""
    mask = read_mask(stored(hole * np.uint8(high)))
    assert np.array_equal(mask.hole, hole)
    assert f'{high} is the hole' in mask.notes[0]


@settings(max_examples=30, deadline=None)
@given(holes(), st.integers(0, 255), st.integers(0, 255))
def test_paint_on_a_transparent_layer(hole, paint, unseen):
    """White under alpha was a hole of the whole image, black paint none."""
    layer = np.stack([np.where(hole, paint, unseen), hole * 255], axis=-1).astype(np.uint8)
    mask = read_mask(stored(Image.fromarray(layer, 'LA')))
    assert np.array_equal(mask.hole, hole)
    assert mask.notes == ('the mask is painted on a transparent layer; paint is hole',)


@settings(max_examples=30, deadline=None)
@given(holes(), st.integers(60, 95))
def test_jpeg_masks(hole, quality):
    mask = read_mask(stored(hole * np.uint8(255), 'JPEG', quality=quality))
    assert iou(mask.hole, hole) > 0.95


@settings(max_examples=30, deadline=None)
@given(holes())
def test_antialiased_masks(hole):
    size = hole.shape[1] // 2, hole.shape[0] // 2
    soft = np.array(Image.fromarray(hole * np.uint8(255)).resize(size, Image.Resampling.BOX))
    mask = read_mask(stored(soft))
    assert np.array_equal(mask.hole, soft >= 128)
    assert ('soft edges' in ''.join(mask.notes)) == bool(((soft > 0) & (soft < 255)).any())


@settings(max_examples=30, deadline=None)
@given(holes(), st.integers(2, 4))
def test_masks_of_another_size(hole, factor):
    """Enlarged is exactly what was drawn; and reduced again, it comes back."""
    photo = np.zeros(np.multiply(hole.shape, factor), np.uint8)
    large = read_mask(stored(hole * np.uint8(255)), photo=photo)
    assert np.array_equal(large.hole, np.kron(hole, np.ones((factor, factor), np.uint8)))
    assert 'the mask had another size; it was resized' in large.notes
    small = read_mask(stored(large.hole * np.uint8(255)), photo=photo[: hole.shape[0], : hole.shape[1]])
    assert np.array_equal(small.hole, hole)


@settings(max_examples=30, deadline=None)
@given(holes(), st.integers(0, 100), st.integers(0, 50))
def test_the_photograph_tells_a_mask_that_is_inverted(hole, fill, seed):
    photo = gray_from_rgb(scene(seed, *hole.shape))
    photo[hole > 0] = fill
    inverted = (1 - hole) * np.uint8(255)
    mask = read_mask(stored(inverted), photo=photo)
    assert np.array_equal(mask.hole, hole)
    assert 'it was inverted' in mask.notes[-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(['scene', 'noise']), st.booleans(), st.integers(24, 64))
def test_photographs_are_no_masks(seed, kind, damaged, side):
    rng = np.random.default_rng(seed)
    gray = gray_from_rgb(scene(seed, side, side)) if kind == 'scene' else rng.integers(0, 256, (side, side), np.uint8)
    if damaged:
        gray[3:12, 5:14] = 0
    with pytest.raises(UnreadableImage, match=r'looks like a photograph: \d+ grays .*folders swapped'):
        read_mask(stored(gray))
    with pytest.raises(UnreadableImage, match='the photograph itself; are two folders swapped'):
        read_mask(stored(gray), photo=gray)
    with pytest.raises(UnreadableImage, match='no mask: it looks like a photograph'):
        read_mask(stored(scene(seed + 1, side, side)), photo=gray)


HOLE = np.zeros((20, 30), np.uint8)
HOLE[5:9, 3:20] = 1


@pytest.mark.parametrize(
    ('given_mask', 'reason'),
    [
        (255 - HOLE * np.uint8(255), '89% of it is hole, as if black and white were exchanged; a mask is white'),
        (np.full((20, 30), 255, np.uint8), 'all of it is hole'),
        (np.full((20, 30), 90, np.uint8), 'one gray, 90, all over'),
        (HOLE * np.uint8(30) + np.uint8(200), 'two grays, 200 and 230, of which none is black'),
        (HOLE * np.uint8(30) + np.uint8(20), 'two grays, 20 and 50, of which none is black'),
        (np.zeros((30, 20), np.uint8), '20x30, the upright photo 30x20; it seems to lie on its side'),
        (np.zeros((20, 40), np.uint8), '40x20, the upright photo 30x20; give a mask of that size'),
    ],
)
def test_what_is_refused_is_told_what_it_looks_like(given_mask, reason):
    with pytest.raises(UnreadableImage, match=f'no mask: {reason}'):
        read_mask(stored(given_mask), photo=gray_from_rgb(scene(1, 20, 30)))


def test_colors_and_transparency_that_disagree():
    layer = np.zeros((20, 30, 2), np.uint8)
    layer[..., 0] = 255 * HOLE
    layer[..., 1] = 255
    layer[:, 10:, 1] = 0
    with pytest.raises(UnreadableImage, match='its colors show one hole, its transparency another'):
        read_mask(stored(Image.fromarray(layer, 'LA')))
    layer[..., 1] = 255
    layer[12:, :, 1] = 0  # outside the hole: both say the same
    assert np.array_equal(read_mask(stored(Image.fromarray(layer, 'LA'))).hole, HOLE)


def test_a_large_hole_is_believed_where_the_photograph_shows_it_or_the_frame_is_free():
    large = np.zeros((40, 40), np.uint8)
    large[2:38, 2:38] = 1
    assert np.array_equal(read_mask(stored(large * np.uint8(255))).hole, large)
    outer = 1 - large
    outer[4:30, 2:38] = 1
    photo = gray_from_rgb(scene(3, 40, 40))
    with pytest.raises(UnreadableImage, match='exchanged'):
        read_mask(stored(outer * np.uint8(255)), photo=photo)
    photo[outer > 0] = 17
    assert np.array_equal(read_mask(stored(outer * np.uint8(255)), photo=photo).hole, outer)


def test_an_undamaged_photograph_has_a_black_mask():
    assert not read_mask(stored(HOLE * np.uint8(0)), photo=gray_from_rgb(scene(2, 20, 30))).hole.any()


def test_masks_from_a_program():
    photo = gray_from_rgb(scene(4, 20, 30))
    for given_mask in (HOLE, HOLE > 0, HOLE * np.uint8(255), HOLE.astype(float)):
        assert np.array_equal(mask_from_array(given_mask, photo).hole, HOLE)
    assert mask_from_array(1 - HOLE, photo).hole.mean() > 0.8  # a program says what it means
    for wrong in (photo, np.linspace(0, 1, 600).reshape(20, 30)):
        with pytest.raises(ValueError, match=r'no mask|mask of float64'):
            mask_from_array(wrong, photo)
