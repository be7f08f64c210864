"""The one place that reads and writes image files.

Whatever a file holds, what comes out is upright (EXIF orientation applied), 8 bits deep and gray or RGB:

- More than 8 bits are scaled, never clipped, and the profile of a gray file is applied: `toolbox.images.tones`.
- Alpha is dropped, not composited: the color stored below it is what a photograph showed, and a backdrop would be
  an invention. The color that a palette or a color key calls transparent stays, too. `toolbox.infer.photo_file`
  carries the alpha beside the gray.
- CMYK is converted without a profile, and a color file's profile is not applied.
- Of an animation or a file with several pages, the first.

What is no regular file (a pipe, a device) is refused before it is opened: to open one can take for ever. Imports
neither torch nor any heavy library, so that tools can look at paths before they load one.
"""

import functools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from toolbox.images.formats import why_unidentified
from toolbox.images.tones import as_gray_or_rgb
from toolbox.system.digests import new_digest
from toolbox.system.files import in_one_move
from toolbox.system.words import without_addresses

# Formats of photographs, and the suffixes by which folders are searched for them. The list keeps out what Pillow
# opens by running another program (EPS) or what is no picture (PDF, MPEG, HDF5).
_FORMATS = ('AVIF', 'BMP', 'GIF', 'ICO', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')
IMAGE_SUFFIXES = frozenset(
    ('.avif', '.bmp', '.gif', '.ico', '.j2k', '.jfif', '.jp2', '.jpe', '.jpeg', '.jpg')
    + ('.mpo', '.pbm', '.pgm', '.png', '.pnm', '.ppm', '.tif', '.tiff', '.webp')
)

# Half a gigabyte as RGB. Pillow itself refuses images of more than twice its `MAX_IMAGE_PIXELS`, 178.9 megapixels.
MAX_PIXELS = 170_000_000

# Editors write megabytes of text and large profiles into PNG, which Pillow takes for a bomb from one megabyte on.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 64 * 2**20

_Z_RLE = 3  # zlib.h
ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Source = str | os.PathLike | BinaryIO


class UnreadableImage(ValueError):
    """A file that cannot be used as an image.

    Attributes:
        path: the file, as it was given.
        reason: why, in words.
    """

    def __init__(self, path: str, reason: str) -> None:
        reason = without_addresses(reason)
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}'


def read_rgb(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The colors of an image file, uint8 (H, W, 3); a gray file has three equal channels.

    Args:
        source: a path, or an open binary file.
        max_pixels: more than this many, as the file's header declares them, are refused before they are decoded.

    Raises:
        UnreadableImage: missing, broken, truncated, too large or no image.
    """
    return np.array(_read(source, max_pixels).convert('RGB'))


def read_gray(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The luma of an image file, uint8 (H, W), as `toolbox.images.color.gray_from_rgb` rounds it. See `read_rgb`."""
    return np.array(_read(source, max_pixels).convert('L'))


def read_size(source: Source, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Height and width of an image as its header declares them, not turned upright. Raises UnreadableImage."""
    with open_image(source, max_pixels) as image:
        width, height = image.size
        return height, width


def allow_pixels(max_pixels: int) -> None:
    """Let Pillow open what a larger `max_pixels` than `MAX_PIXELS` allows: in the whole process, so before threads."""
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, -(-max_pixels // 2))


def write_png(
    path: str | os.PathLike,
    image: np.ndarray,
    alpha: np.ndarray | None = None,
    metadata: dict[str, Any] | None = None,
    quick: bool = False,
) -> tuple[int, str]:
    """Write an image as PNG; at no moment, a power failure included, is there half a file under `path`.

    Args:
        path: its folder exists.
        image: uint8 (H, W) or (H, W, 3).
        alpha: uint8 (H, W), or None.
        metadata: bytes of `exif` and `icc_profile`, pixels per inch (`dpi`, across and down), or None.
        quick: a quarter of the time for about as many bytes: zlib looks for runs alone.

    Returns:
        How many bytes were written, and their digest, as `toolbox.system.digests.digest_of_file` gives it.

    Raises:
        NotWritten: the system does not take it; nothing under `path` has changed.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f'{path}: expected uint8 (H, W) or (H, W, 3), got {image.dtype} {image.shape}')
    picture = Image.fromarray(np.ascontiguousarray(image))
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    compression = {'compress_level': 1, 'compress_type': _Z_RLE} if quick else {}
    with in_one_move(Path(path)) as file:
        written = _Summed(file)
        picture.save(written, format='PNG', **compression, **(metadata or {}))
    return written.num_bytes, written.digest.hexdigest()


@contextmanager
def open_image(source: Source | Image.Image, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """An image whose header was read and whose size is bearable; what goes wrong inside is an UnreadableImage.

    Args:
        source: as for `read_rgb`; or an image that Pillow opened, which stays open.
        max_pixels: as for `read_rgb`.
    """
    try:
        if isinstance(source, Image.Image):
            yield source
            return
        _check_regular(source)
        with Image.open(source, formats=_installed_formats()) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise UnreadableImage(shown_source(source), _too_large(f'{width}x{height} pixels', max_pixels))
            if image.format == 'TIFF':
                # Pillow maps uncompressed gray into memory by the size that it has upright: rows of a wrong length
                # (Pillow 12 and 13). An image without a file name is not mapped.
                image.filename = ''
            yield image
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, checked while it opens the file
        known = f'over {2 * Image.MAX_IMAGE_PIXELS // 1_000_000} megapixels'
        raise UnreadableImage(shown_source(source), _too_large(known, max_pixels)) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(shown_source(source), why_unidentified(source, _installed_formats())) from error
    except Exception as error:  # decoders of broken files raise nearly everything; the type is part of the reason
        raise UnreadableImage(shown_source(source), _reason(error)) from error


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 = upright where the metadata is broken: the pixels are none the worse.

    To be asked once the image is loaded: for some files Pillow turns the pixels itself while it decodes, and drops the
    tag.
    """
    try:
        return image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # a parser of foreign bytes, like the decoders
        return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as EXIF says that it is to be shown."""
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def alpha_of(image: Image.Image) -> Image.Image | None:
    """The alpha channel of a loaded image, mode L, not turned upright; None where it has none."""
    if image.mode.startswith(('I', 'F')) or not image.has_transparency_data:
        return None
    return image.convert('RGBA').getchannel('A')


class _Summed:
    """A file to write that counts and digests what it is given; PNG is written from front to back."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.num_bytes, self.digest = file, 0, new_digest()

    def write(self, content: bytes) -> int:
        self.num_bytes += len(content)
        self.digest.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()


def shown_source(source: Source) -> str:
    """How messages name what `read_rgb` was given."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, 'name', 'image in memory'))


def _read(source: Source, max_pixels: int) -> Image.Image:
    """A decoded, upright image of mode L or RGB."""
    with open_image(source, max_pixels) as image:
        image.load()
        return upright(as_gray_or_rgb(image).picture, orientation(image))


@functools.cache
def _installed_formats() -> tuple[str, ...]:
    """Pillow may have been built without some of the formats."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _check_regular(source: Source) -> None:
    """Raise UnreadableImage for what is at a path and no file that ends; OSError where nothing is."""
    if not isinstance(source, str | os.PathLike):
        return
    try:
        mode = os.stat(source).st_mode
    except FileNotFoundError:
        if os.path.islink(source):
            raise UnreadableImage(shown_source(source), 'a link to a file that is not there') from None
        raise
    if stat.S_ISDIR(mode):
        raise UnreadableImage(shown_source(source), 'a folder, not a file')
    if not stat.S_ISREG(mode):
        raise UnreadableImage(shown_source(source), 'no regular file, but a pipe, a socket or a device')


def _too_large(size: str, max_pixels: int) -> str:
    return f'too large: {size}, the limit is {max_pixels / 1e6:g} megapixels; make the image smaller'


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return 'no such file'
    if 'MAX_TEXT' in str(error):
        return (
            f'its texts or its color profile are larger than {PngImagePlugin.MAX_TEXT_MEMORY // 2**20} MB; save it anew'
        )
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if str(error).startswith('decoder error'):  # Pillow has no words for what libtiff stumbled over
        return f'broken: its pixels cannot be decoded ({error})'
    return str(error) or type(error).__name__
