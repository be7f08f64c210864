"""Tones of gray files: which end is white, how deep they are, and the curve that a profile or a gamma describes."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import read_gray, read_rgb
from toolbox.infer.photo_file import read_photo_file

GRAY = gray_from_rgb(scene(0, 24, 40))
COLORS = scene(0, 24, 40)
DEEP = GRAY.astype(np.uint16) * 257


def in_memory(image: Image.Image, fmt: str = 'PNG', **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, fmt, **options)
    return file


def gray_profile(gamma: float) -> bytes:
    """An ICC profile of a gray display, version 2.4: white point, curve and description (ICC.1:2001-04, section 6)."""

    def fixed(*numbers: float) -> bytes:
        return b''.join(struct.pack('>i', round(number * 65536)) for number in numbers)

    white = fixed(0.9642, 1.0, 0.8249)
    tags = {
        b'wtpt': b'XYZ ' + bytes(4) + white,
        b'kTRC': b'curv' + bytes(4) + struct.pack('>IH', 1, round(gamma * 256)) + bytes(2),
        b'desc': b'desc' + bytes(4) + struct.pack('>I', 5) + b'gray\0' + bytes(78 + 1),
    }
    table, data, start = struct.pack('>I', len(tags)), b'', 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack('>II', start + len(data), len(content))
        data += content
    header = struct.pack('>I4sI4s4s4s', start + len(data), b'lcms', 0x02400000, b'mntr', b'GRAY', b'XYZ ')
    header += struct.pack('>6H', 2024, 1, 1, 0, 0, 0) + b'acsp' + bytes(28) + white
    return header.ljust(128, b'\0') + table + data


def in_srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
def test_a_tiff_whose_white_is_zero_is_no_negative(dtype: type) -> None:
    white = 1 if dtype == np.float32 else 65535
    stored = white - (DEEP.astype(np.float64) / 65535 * white)
    file = in_memory(Image.fromarray(stored.astype(dtype)), 'TIFF', tiffinfo={262: 0})
    with Image.open(file) as image:
        assert image.tag_v2[262] == 0
    assert np.array_equal(read_gray(file), GRAY)
    assert np.array_equal(read_photo_file(file).gray, GRAY)


def test_eight_bits_with_white_at_zero_are_turned_once() -> None:
    file = in_memory(Image.fromarray(GRAY), 'TIFF', tiffinfo={262: 0})
    assert np.array_equal(read_gray(file), GRAY)


@pytest.mark.parametrize('bits', [8, 10, 12, 14])
@pytest.mark.parametrize('fmt', ['PNG', 'TIFF'])
def test_fewer_bits_in_sixteen_are_scaled_with_a_note(bits: int, fmt: str) -> None:
    white = 2**bits - 1
    stored = np.rint(np.linspace(0, white, 40 * 24)).astype(np.uint16).reshape(24, 40)
    photo = read_photo_file(in_memory(Image.fromarray(stored), fmt))
    assert np.array_equal(photo.gray, np.rint(stored / white * 255))
    assert photo.notes == (f'16-bit values that need {bits} bits alone: white was taken to be {white}',)


def test_all_sixteen_bits_have_no_note() -> None:
    assert read_photo_file(in_memory(Image.fromarray(DEEP))).notes == ()
    assert read_photo_file(in_memory(Image.fromarray(DEEP * 0))).notes == ()
    stretched = read_photo_file(in_memory(Image.fromarray(DEEP.astype(np.float32) * 9), 'TIFF'))
    assert stretched.notes == ('values of no known scale, stretched from the darkest to the brightest',)


@pytest.mark.parametrize('gamma', [1.0, 1.8])
@pytest.mark.parametrize(('stored', 'fmt'), [(GRAY, 'PNG'), (GRAY, 'TIFF'), (DEEP, 'PNG'), (DEEP, 'TIFF')])
def test_a_gray_profile_is_applied_with_a_note(gamma: float, stored: np.ndarray, fmt: str) -> None:
    photo = read_photo_file(in_memory(Image.fromarray(stored), fmt, icc_profile=gray_profile(gamma)))
    assert np.abs(photo.gray - in_srgb((GRAY / 255) ** gamma)).max() <= 1
    assert np.abs(photo.gray.astype(int) - GRAY).max() > 15
    assert photo.notes == ('its color profile was applied: the tones are those of sRGB',)
    assert photo.metadata == {}  # beside an output the profile would be applied once more


def test_a_gamma_of_a_png_is_applied_to_grays() -> None:
    def chunk(gamma: float) -> PngImagePlugin.PngInfo:
        info = PngImagePlugin.PngInfo()
        info.add(b'gAMA', struct.pack('>I', round(gamma * 100_000)))
        return info

    photo = read_photo_file(in_memory(Image.fromarray(GRAY), pnginfo=chunk(1.0)))
    assert np.abs(photo.gray - in_srgb(GRAY / 255)).max() <= 1
    assert photo.notes == ('its gamma of 1 was applied: the tones are those of sRGB',)
    usual = read_photo_file(in_memory(Image.fromarray(GRAY), pnginfo=chunk(0.45455)))
    assert np.array_equal(usual.gray, GRAY)
    assert usual.notes == ()
    colors = read_photo_file(in_memory(Image.fromarray(COLORS), pnginfo=chunk(1.0)))
    assert np.array_equal(colors.gray, GRAY)
    assert 'a gamma that differs from that of sRGB; it is not applied' in colors.notes


def test_the_profile_of_a_color_file_is_told_and_kept() -> None:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    file = in_memory(Image.fromarray(COLORS), icc_profile=plain)
    assert np.array_equal(read_rgb(file), COLORS)
    assert read_photo_file(file).notes == ('a color photo, reduced to gray',)
    linear = bytearray(plain)
    for curve in _curves(plain):
        linear[curve : curve + 16] = b'curv' + bytes(4) + struct.pack('>IHH', 1, 256, 0)  # a gamma of 1
    photo = read_photo_file(in_memory(Image.fromarray(COLORS), icc_profile=bytes(linear)))
    assert np.array_equal(photo.gray, GRAY)
    assert 'a color profile whose tones differ from those of sRGB; it is not applied' in photo.notes
    assert photo.metadata == {'icc_profile': bytes(linear)}  # known pixels look as they did


def _curves(profile: bytes) -> list[int]:
    """Where the three tone curves of a profile begin."""
    count = struct.unpack('>I', profile[128:132])[0]
    tags = [struct.unpack('>4sII', profile[132 + 12 * i : 144 + 12 * i]) for i in range(count)]
    return [offset for name, offset, _ in tags if name in (b'rTRC', b'gTRC', b'bTRC')]


def test_a_broken_profile_does_not_cost_the_pixels() -> None:
    for profile in (b'nonsense', gray_profile(1.0)[:150], bytes(16) + b'GRAY' + bytes(200)):
        assert np.array_equal(read_gray(in_memory(Image.fromarray(GRAY), icc_profile=profile)), GRAY)
