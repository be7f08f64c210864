"""PNG images of unknown origin: 8-bit RGB of the right size, or an error that says what it is instead."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from tests.hostile import SIZE, picture, png, png_header
from toolbox.images.io import UnreadableImage
from toolbox.images.strict_png import decode_rgb_png, max_png_bytes
from toolbox.system.words import without_addresses


def decode(content: bytes) -> np.ndarray:
    return decode_rgb_png(content, SIZE, SIZE)


def test_pixels_come_out_as_they_went_in():
    image = picture(3)
    np.testing.assert_array_equal(decode(png(image)), np.asarray(image))


def test_width_and_height_are_not_confused():
    image = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    assert decode_rgb_png(png(image), width=30, height=20).shape == (20, 30, 3)
    with pytest.raises(ValueError, match='30x20, the truth is 20x30'):
        decode_rgb_png(png(image), width=20, height=30)


def palette_with_rgb_transparency() -> bytes:
    return png(picture(), transparency=(1, 2, 3))


def animation() -> bytes:
    content = io.BytesIO()
    picture(0).save(content, 'PNG', save_all=True, append_images=[picture(1)])
    return content.getvalue()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (png(picture().convert('RGBA')), 'RGB with alpha, not RGB'),
        (png(picture().convert('LA')), 'gray with alpha, not RGB'),
        (png(picture().convert('L')), 'gray, not RGB'),
        (png(picture().convert('1')), 'gray, not RGB'),
        (png(picture().convert('P')), 'palette, not RGB'),
        (png(Image.fromarray(np.zeros((SIZE, SIZE), np.uint16))), 'gray, not RGB'),
        (png_header(SIZE, SIZE, depth=16), '16 bits per channel'),
        (png_header(SIZE, SIZE, color_type=5), 'of unknown color type 5'),
        (palette_with_rgb_transparency(), 'transparent color'),
        (animation(), 'an animation'),
        (png(picture(size=31)), '31x31, the truth is 32x32'),
        (png_header(SIZE, SIZE), 'damaged'),
        (png()[:20], 'ends in its header'),
        (png()[:-700], 'damaged'),
        (b'', 'no image, whatever its name says'),
        (b'GIF89a', 'a GIF image'),
    ],
)
def test_what_is_not_rgb_of_8_bits_is_named(content, message):
    with pytest.raises(ValueError, match=message):
        decode(content)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.integers(0, len(png()) - 1), st.integers(0, 255), min_size=1, max_size=6))
def test_any_damage_is_a_value_error_at_most(changes):
    content = bytearray(png())
    for position, value in changes.items():
        content[position] = value
    with contextlib.suppress(ValueError):
        assert decode(bytes(content)).shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize('size', [1, 7, 64, 300])
def test_the_largest_png_fits_the_limit(size):
    assert len(png(picture(size=size), compress_level=0)) < max_png_bytes(size, size)


@pytest.mark.parametrize('place', range(8, 60))
def test_a_damaged_checksum_is_told_without_an_address(place: int) -> None:
    content = io.BytesIO()
    Image.new('RGB', (9, 9)).save(content, 'PNG')
    damaged = bytearray(content.getvalue())
    damaged[place] ^= 0x10
    try:
        decode_rgb_png(bytes(damaged), 9, 9)
    except ValueError as error:
        told = str(error)
    else:
        told = ''
    assert ' object at 0x' not in told
    assert 'cannot identify' not in told


def test_no_address_of_an_object_is_in_a_message() -> None:
    error = UnreadableImage('a.png', f'cannot identify image file {io.BytesIO()!r}')
    assert str(error) == 'a.png: cannot identify the image file'
    assert without_addresses(f'{object()!r} is odd') == 'the file is odd'
