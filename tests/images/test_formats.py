"""Files that cannot be opened as images, and why; and those that can, whatever else is in them."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tests.support import scene
from toolbox.images.io import UnreadableImage, read_gray, read_rgb, read_size
from toolbox.images.mask_files import read_mask

COLORS = scene(0, 24, 40)


def in_memory(image: Image.Image, fmt: str = 'PNG', **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, fmt, **options)
    return file


def test_pipes_devices_and_links_to_nowhere_are_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe.png')  # to open one waits for a writer, for ever
    (tmp_path / 'dangling.png').symlink_to(tmp_path / 'gone.png')
    (tmp_path / 'loop.png').symlink_to(tmp_path / 'loop.png')
    reasons = {
        tmp_path / 'pipe.png': 'no regular file',
        Path('/dev/zero'): 'no regular file',
        tmp_path / 'dangling.png': 'a link to a file that is not there',
        tmp_path / 'loop.png': 'Too many levels of symbolic links',
    }
    for path, reason in reasons.items():
        for read in (read_rgb, read_gray, read_mask, read_size):
            with pytest.raises(UnreadableImage, match=reason):
                read(path)


@pytest.mark.parametrize('after', [False, True])
def test_megabytes_of_text_do_not_cost_the_pixels(after: bool) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text('history', 'edited ' * 500_000, zip=True)
    info.add_itxt('more', 'edited ' * 500_000, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    content = in_memory(Image.fromarray(COLORS), pnginfo=info, icc_profile=profile + bytes(2_000_000)).getvalue()
    if after:  # texts may follow the pixels
        text = content.index(b'zTXt') - 4
        end = content.index(b'IDAT') - 4
        content = content[:text] + content[end:-12] + content[text:end] + content[-12:]
    assert np.array_equal(read_rgb(io.BytesIO(content)), COLORS)
    info.add_text('bomb', 'x' * (70 * 2**20), zip=True)
    with pytest.raises(UnreadableImage, match='larger than 64 MB'):
        read_rgb(in_memory(Image.fromarray(COLORS), pnginfo=info))


def gray_with_alpha_tiff() -> bytes:
    """16 bits of gray and 16 of alpha, which Pillow has no mode for."""
    pixels = np.zeros((4, 5, 2), '<u2').tobytes()
    entries = [(256, 3, 5), (257, 3, 4), (258, 3, None), (262, 3, 1), (273, 4, 8), (277, 3, 2), (279, 4, len(pixels))]
    entries += [(338, 3, 2)]
    directory = struct.pack('<H', len(entries))
    for tag, kind, value in entries:
        if value is None:
            directory += struct.pack('<HHIHH', tag, kind, 2, 16, 16)
        else:
            directory += struct.pack('<HHII', tag, kind, 1, value)
    return b'II*\0' + struct.pack('<I', 8 + len(pixels)) + pixels + directory + bytes(4)


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'HEIC, the format of phones: convert it first'),
        (
            gray_with_alpha_tiff(),
            r'TIFF of a kind that cannot be read \(gray with alpha, 16\+16 bits\): save it with 8',
        ),
        (b'II*\0\xff\xff\xff\x0f', 'TIFF that cannot be read: its table of contents is broken'),
        (b'\xff\x0a\xff\x07', 'JPEG XL'),
        (b'version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'),
        (b'<!DOCTYPE html><html>', 'a web page'),
        (b'8BPS\0\1', 'a Photoshop document'),
    ],
)
def test_what_is_no_image_is_called_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / 'photo.png').write_bytes(content)
    for source in (tmp_path / 'photo.png', io.BytesIO(content)):
        with pytest.raises(UnreadableImage, match=reason):
            read_rgb(source)
