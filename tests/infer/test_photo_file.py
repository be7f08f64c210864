"""What is taken from a person's file, and what is said about the rest."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import UnreadableImage, read_rgb, write_png
from toolbox.infer.photo_file import read_photo_file
from toolbox.system.paths import REPOSITORY

COLORS = scene(1, 24, 40)
GRAY = gray_from_rgb(COLORS)
ALPHA = np.tile(np.arange(40, dtype=np.uint8) * 6, (24, 1))
COLOR_NOTE = 'a color photo, reduced to gray'


def in_memory(image: Image.Image, fmt: str = 'PNG', **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, fmt, **options)
    return file


def with_alpha(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    image.putalpha(Image.fromarray(ALPHA))
    return image


@pytest.mark.parametrize('pixels', [GRAY, np.stack([GRAY] * 3, axis=-1)])
def test_gray_is_taken_as_it_is(pixels):
    photo = read_photo_file(in_memory(Image.fromarray(pixels)))
    assert np.array_equal(photo.gray, GRAY)
    assert (photo.alpha, photo.notes, photo.metadata) == (None, (), {})


def test_color_is_reduced_to_luma_with_a_note():
    photo = read_photo_file(in_memory(Image.fromarray(COLORS)))
    assert np.array_equal(photo.gray, GRAY)
    assert photo.notes == (COLOR_NOTE,)


@pytest.mark.parametrize(('pixels', 'fmt'), [(COLORS, 'PNG'), (GRAY, 'PNG'), (COLORS, 'WEBP'), (COLORS, 'TIFF')])
def test_alpha_comes_along(pixels, fmt):
    options = {'lossless': True, 'exact': True} if fmt == 'WEBP' else {}
    photo = read_photo_file(in_memory(with_alpha(pixels), fmt, **options))
    assert np.array_equal(photo.alpha, ALPHA)
    assert np.array_equal(photo.gray, GRAY)


def test_alpha_of_palettes_and_color_keys():
    palette = Image.fromarray(GRAY).convert('P')
    assert np.array_equal(read_photo_file(in_memory(palette, transparency=7)).alpha == 0, np.asarray(palette) == 7)
    key = tuple(int(value) for value in COLORS[3, 5])
    alpha = read_photo_file(in_memory(Image.fromarray(COLORS), transparency=key)).alpha
    assert np.array_equal(alpha == 0, np.equal(COLORS, key).all(axis=-1))


@pytest.mark.parametrize('orientation', range(1, 9))
def test_photo_alpha_and_exif_are_turned_alike(orientation):
    image = with_alpha(GRAY)
    exif = image.getexif()
    exif[0x0112] = orientation
    exif[0x010F] = 'A camera'
    photo = read_photo_file(in_memory(image, exif=exif))
    upright = read_rgb(in_memory(Image.fromarray(ALPHA), exif=exif))[..., 0]
    assert photo.gray.shape == ((24, 40) if orientation < 5 else (40, 24))
    assert np.array_equal(photo.alpha, upright)
    kept = Image.Exif()
    kept.load(photo.metadata['exif'])
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == 'A camera'


def test_what_exif_says_of_the_photograph_is_kept(tmp_path):
    image = Image.fromarray(GRAY)
    exif = image.getexif()
    exif[0x0132] = '2024:05:06 07:08:09'
    exif.get_ifd(0x8769)[0x829A] = 0.125
    exif.get_ifd(0x8825)[1] = 'N'
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    photo = read_photo_file(in_memory(image, 'JPEG', exif=exif, icc_profile=profile))
    write_png(tmp_path / 'out.png', COLORS, ALPHA, photo.metadata)
    with Image.open(tmp_path / 'out.png') as out:
        assert out.mode == 'RGBA'
        assert out.info['icc_profile'] == profile
        written = out.getexif()
        assert written[0x0132] == '2024:05:06 07:08:09'
        assert written.get_ifd(0x8769)[0x829A] == 0.125
        assert written.get_ifd(0x8825)[1] == 'N'


def test_a_layout_of_tiff_pixels_is_no_metadata_of_the_photograph():
    photo = read_photo_file(in_memory(Image.fromarray(GRAY), 'TIFF', description='at sea'))
    kept = Image.Exif()
    kept.load(photo.metadata['exif'])
    assert dict(kept) == {270: 'at sea'}


def test_profiles_of_gray_and_broken_metadata_are_left_out():
    gray_profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    gray_profile[16:20] = b'GRAY'
    photo = read_photo_file(in_memory(Image.fromarray(GRAY), icc_profile=bytes(gray_profile), exif=b'Exif\0\0nonsense'))
    assert photo.metadata == {}


def test_the_first_of_several_pictures():
    frames = [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)]
    photo = read_photo_file(in_memory(frames[0], 'GIF', save_all=True, append_images=frames[1:]))
    assert 'several pictures' in photo.notes[0]
    assert np.array_equal(photo.gray, GRAY)


def test_an_image_that_is_open_already_is_left_as_it_was():
    image = with_alpha(COLORS)
    image.getexif()[0x0112] = 6
    photo = read_photo_file(image)
    assert photo.gray.shape == (40, 24)
    assert image.getexif()[0x0112] == 6
    assert image.size == (40, 24)


def test_broken_files():
    content = in_memory(Image.fromarray(COLORS)).getvalue()
    with pytest.raises(UnreadableImage, match='truncated'):
        read_photo_file(io.BytesIO(content[: len(content) // 2]))


BOMB = """
import io, resource, sys
from toolbox.images.io import UnreadableImage
from toolbox.infer.photo_file import read_photo_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bomb = b'GIF89a' + bytes([255] * 4) + bytes(3) + b',' + bytes(4) + bytes([255] * 4) + bytes(20)
try:
    read_photo_file(io.BytesIO(bomb))
except UnreadableImage as error:
    print(error.reason)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_bomb_takes_no_memory():
    run = subprocess.run([sys.executable, '-c', BOMB], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    reason, kilobytes = run.stdout.splitlines()
    assert 'too large' in reason
    assert int(kilobytes) < 20_000
