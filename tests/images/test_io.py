"""Reading and writing image files, against files that Pillow writes here."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import UnreadableImage, allow_pixels, read_gray, read_rgb, read_size, write_png
from toolbox.system.paths import REPOSITORY

COLORS = scene(0, 24, 40)
GRAY = gray_from_rgb(COLORS)


def in_memory(image: Image.Image, fmt: str = 'PNG', **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, fmt, **options)
    return file


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_color_png_round_trip(tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / 'round trip ü 図.png'
    write_png(path, pixels)
    assert np.array_equal(read_rgb(path), pixels)
    assert np.array_equal(read_gray(path), gray_from_rgb(pixels))


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_gray_png_round_trip(tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / 'gray.png'
    write_png(path, pixels)
    assert np.array_equal(read_gray(path), pixels)
    assert np.array_equal(read_rgb(path), np.stack([pixels] * 3, axis=-1))


def test_writing_takes_views_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    write_png(tmp_path / 'flipped.png', COLORS[:, ::-1])
    assert np.array_equal(read_rgb(tmp_path / 'flipped.png'), COLORS[:, ::-1])
    assert os.listdir(tmp_path) == ['flipped.png']


@pytest.mark.parametrize('image', [COLORS.astype(np.float32), COLORS[..., :2], COLORS[None], GRAY > 3])
def test_writing_refuses_other_arrays(tmp_path: Path, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match='expected uint8'):
        write_png(tmp_path / 'x.png', image)
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'x.png'
    write_png(path, GRAY)

    def half_a_file(self: Image.Image, file: BinaryIO, **options) -> None:
        file.write(b'\x89PNG')
        raise OSError('No space left on device')

    monkeypatch.setattr(Image.Image, 'save', half_a_file)
    with pytest.raises(OSError, match='No space'):
        write_png(path, COLORS)
    assert np.array_equal(read_gray(path), GRAY)
    assert os.listdir(tmp_path) == ['x.png']


def test_what_is_read_can_be_written_to() -> None:
    image = read_rgb(in_memory(Image.fromarray(COLORS)))
    image[0, 0] = 0  # torch.from_numpy, too, wants memory of its own
    assert image.dtype == np.uint8


@pytest.mark.parametrize('mode', ['L', 'RGB', '1', 'I;16'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_uncompressed_tiffs_on_disk_are_turned_as_others_are(orientation: int, mode: str, tmp_path: Path) -> None:
    stored = Image.fromarray(COLORS).convert('L')
    stored = stored.convert('I;16') if mode == 'I;16' else stored.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / 'raw.tif', exif=exif)
    stored.save(tmp_path / 'packed.tif', exif=exif, compression='tiff_lzw')
    np.testing.assert_array_equal(read_rgb(tmp_path / 'raw.tif'), read_rgb(tmp_path / 'packed.tif'))


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
def test_orientation_is_undone(orientation: int, fmt: str) -> None:
    stored_from_upright = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright[orientation](COLORS)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {'JPEG': dict(quality=100, subsampling=0), 'WEBP': dict(lossless=True)}.get(fmt, {})
    upright = read_rgb(in_memory(stored, fmt, exif=exif, **lossless))
    assert upright.shape == COLORS.shape
    assert np.abs(upright.astype(int) - COLORS).max() <= (6 if fmt == 'JPEG' else 0)


@pytest.mark.filterwarnings('ignore:Corrupt EXIF data')
def test_broken_metadata_does_not_cost_the_pixels() -> None:
    for exif in (b'Exif\0\0II*\0\xff\xff\xff\xff', b'Exif\0\0garbage', b'Exif\0\0MM\0*\0\0\0\x08\xff\xff'):
        assert read_rgb(in_memory(Image.fromarray(COLORS), 'JPEG', exif=exif)).shape == COLORS.shape


@pytest.mark.parametrize(
    'image',
    [
        Image.fromarray(np.dstack([COLORS, GRAY])),
        Image.fromarray(np.dstack([COLORS, np.zeros_like(GRAY)])),
    ],
    ids=['translucent', 'invisible'],
)
def test_alpha_is_dropped_and_the_color_below_it_stays(image: Image.Image) -> None:
    assert np.array_equal(read_rgb(in_memory(image)), COLORS)


def test_gray_with_alpha() -> None:
    image = Image.fromarray(np.dstack([GRAY, GRAY]))
    assert image.mode == 'LA'
    assert np.array_equal(read_gray(in_memory(image)), GRAY)


def test_palette_with_and_without_transparency() -> None:
    image = Image.fromarray(COLORS).quantize(16)
    expected = np.array(image.convert('RGB'))
    assert np.array_equal(read_rgb(in_memory(image)), expected)
    assert np.array_equal(read_rgb(in_memory(image, transparency=3)), expected)
    assert np.array_equal(read_rgb(in_memory(image, transparency=bytes(range(16)))), expected)
    assert np.array_equal(read_rgb(in_memory(image, 'GIF', transparency=3)), expected)


def test_color_key_transparency() -> None:
    key = tuple(COLORS[0, 0].tolist())
    assert np.array_equal(read_rgb(in_memory(Image.fromarray(COLORS), transparency=key)), COLORS)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(GRAY), transparency=int(GRAY[0, 0]))), GRAY)


def test_one_bit() -> None:
    image = Image.fromarray(GRAY > 100)
    assert np.array_equal(read_gray(in_memory(image)), np.where(GRAY > 100, 255, 0))


def test_sixteen_bits_are_scaled() -> None:
    deep = np.arange(0, 65536, 7, np.uint16)[: 96 * 96].reshape(96, 96)
    expected = np.rint(deep / 257)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(deep))), expected)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(deep), 'TIFF')), expected)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(deep.astype(np.int32)), 'TIFF')), expected)
    assert np.array_equal(read_rgb(in_memory(Image.fromarray(deep)))[..., 1], expected)


@pytest.mark.parametrize('white', [1, 255, 65535])
def test_floats_have_the_first_white_that_holds_them(white: int) -> None:
    values = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(values), 'TIFF')).ravel(), np.arange(256))


@pytest.mark.parametrize(('low', 'high'), [(-3, 5), (0, 1e6), (-1e6, -2)])
def test_values_of_no_known_scale_are_stretched(low: float, high: float) -> None:
    values = np.linspace(low, high, 256).reshape(16, 16)
    assert np.array_equal(read_gray(in_memory(Image.fromarray(values.astype(np.float32)), 'TIFF')).ravel(), range(256))


def test_values_of_one_kind_only() -> None:
    assert np.array_equal(
        read_gray(in_memory(Image.fromarray(np.full((4, 4), -2, np.float32)), 'TIFF')), np.zeros((4, 4))
    )
    with pytest.raises(UnreadableImage, match='not finite'):
        read_gray(in_memory(Image.fromarray(np.full((4, 4), np.nan, np.float32)), 'TIFF'))


def test_cmyk_and_lab() -> None:
    cmyk = Image.fromarray(COLORS).convert('CMYK')
    assert np.array_equal(read_rgb(in_memory(cmyk, 'TIFF')), COLORS)
    profiles = ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB')
    lab = ImageCms.profileToProfile(Image.fromarray(COLORS), *profiles, outputMode='LAB')
    error = read_rgb(in_memory(lab, 'TIFF')).astype(int) - COLORS
    assert np.abs(error).mean() < 1  # 8 bits of a and b are coarse, and bright colors lie outside


@pytest.mark.parametrize('fmt', ['TIFF', 'PNG', 'WEBP', 'MPO'])
def test_first_frame_of_many(fmt: str) -> None:
    first, second = Image.fromarray(COLORS), Image.fromarray(255 - COLORS)
    options = {'WEBP': dict(lossless=True), 'MPO': dict(quality=100, subsampling=0)}.get(fmt, {})
    file = in_memory(first, fmt, save_all=True, append_images=[second], **options)
    assert np.abs(read_rgb(file).astype(int) - COLORS).max() <= (6 if fmt == 'MPO' else 0)


@pytest.mark.parametrize('fmt', ['PNG', 'JPEG', 'TIFF', 'GIF', 'BMP', 'WEBP', 'JPEG2000'])
def test_truncated_files_are_errors(tmp_path: Path, fmt: str) -> None:
    whole = in_memory(Image.fromarray(scene(1, 64, 64)), fmt).getvalue()
    path = tmp_path / f'cut.{fmt.lower()}'
    for share in (0.02, 0.3, 0.7):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableImage, match='cut'):
            read_rgb(path)


@pytest.mark.filterwarnings('ignore::UserWarning')
@settings(max_examples=200)
@given(st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    fmt = data.draw(st.sampled_from(['PNG', 'JPEG', 'GIF', 'BMP', 'TIFF', 'WEBP']))
    content = bytearray(in_memory(Image.fromarray(scene(2, 12, 12)), fmt).getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_rgb(io.BytesIO(content), max_pixels=100_000)
    except UnreadableImage:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3


def png_header(width: int, height: int) -> bytes:
    header = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    checked = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    return b'\x89PNG\r\n\x1a\n' + checked + struct.pack('>I', 9) + b'IDAT'


def test_bombs_are_refused_by_their_header() -> None:
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(UnreadableImage, match='too large: over 178 megapixels'):
        read_rgb(io.BytesIO(png_header(65535, 65535)))
    with pytest.raises(UnreadableImage, match=r'too large: 300x200 pixels, the limit is 0.059999 megapixels'):
        read_rgb(io.BytesIO(png_header(300, 200)), max_pixels=59_999)
    assert read_rgb(in_memory(Image.new('L', (300, 200))), max_pixels=60_000).shape == (200, 300, 3)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_a_person_may_allow_more_pixels_than_pillow(monkeypatch) -> None:
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1_000_000)
    header = in_memory(Image.new('1', (2000, 1500)))
    with pytest.raises(UnreadableImage, match='over 2 megapixels'):
        read_size(header, max_pixels=4_000_000)
    allow_pixels(4_000_000)
    assert read_size(header, max_pixels=4_000_000) == (1500, 2000)
    allow_pixels(10)
    assert Image.MAX_IMAGE_PIXELS == 2_000_000


def test_reasons_in_words(tmp_path: Path) -> None:
    (tmp_path / 'words.jpg').write_text('not a photograph')
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'program.png').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n')
    reasons = {
        'missing.png': 'no such file',
        '.': 'a folder',
        'words.jpg': 'not an image of a known format',
        'empty.png': 'not an image of a known format',
        'program.png': 'not an image of a known format',  # PostScript would be run, not read
    }
    for name, reason in reasons.items():
        with pytest.raises(UnreadableImage, match=reason) as error:
            read_rgb(tmp_path / name)
        assert error.value.path == str(tmp_path / name)
        assert str(error.value) == f'{error.value.path}: {error.value.reason}'


def test_an_open_file_stays_open(tmp_path: Path) -> None:
    write_png(tmp_path / 'x.png', COLORS)
    with (tmp_path / 'x.png').open('rb') as file:
        assert np.array_equal(read_rgb(file), COLORS)
        assert not file.closed


def test_needs_no_heavy_library() -> None:
    script = 'import sys, toolbox.images.io; print({"torch", "cv2", "skimage", "scipy"} & set(sys.modules))'
    assert subprocess.check_output([sys.executable, '-c', script], cwd=REPOSITORY, text=True) == 'set()\n'
