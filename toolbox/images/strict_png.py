"""Decodes PNG images of which nothing is known but what they should be: 8-bit RGB of a given size.

The header is judged from its bytes, before a decoder sees the file. Imports the standard library, numpy and Pillow.
"""

import io
import struct

import numpy as np
from PIL import Image, UnidentifiedImageError

from toolbox.images.formats import why_unidentified
from toolbox.system.words import without_addresses

_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_HEADER = struct.Struct('>8sI4sIIBB')  # signature; length and type of the first chunk; width, height, depth, color type
_COLOR_TYPES = {0: 'gray', 2: 'RGB', 3: 'palette', 4: 'gray with alpha', 6: 'RGB with alpha'}
_RGB = 2
_OTHER_FILES = {
    b'\xff\xd8\xff': 'a JPEG image',
    b'GIF8': 'a GIF image',
    b'BM': 'a BMP image',
    b'PK\x03\x04': 'a ZIP archive',
}

# An uncompressed RGB pixel takes 3 bytes; a file larger than this holds something else.
_BYTES_PER_PIXEL, _BYTES_OF_METADATA = 4, 2**20


def max_png_bytes(width: int, height: int) -> int:
    """No PNG of a width x height RGB image needs more bytes."""
    return _BYTES_PER_PIXEL * width * height + _BYTES_OF_METADATA


def decode_rgb_png(content: bytes, width: int, height: int) -> np.ndarray:
    """Decode a PNG image: uint8 (H, W, 3).

    Raises:
        ValueError: no PNG, damaged, or not 8-bit RGB of this size; with the repair, without a name.
    """
    _check_header(content, width, height)
    try:
        with Image.open(io.BytesIO(content), formats=['PNG']) as image:
            animated = getattr(image, 'n_frames', 1) > 1
            transparent = 'transparency' in image.info
            pixels = np.asarray(image)
    except UnidentifiedImageError as error:
        raise ValueError(f'damaged: {why_unidentified(io.BytesIO(content), ["PNG"])}; write it again') from error
    except Exception as error:  # decoders of foreign bytes raise nearly everything
        raise ValueError(f'damaged: {without_addresses(str(error)) or type(error).__name__}; write it again') from error
    if animated:
        raise ValueError('an animation; write a single image')
    if transparent:
        raise ValueError("has a transparent color; write it without (image.info.pop('transparency') before saving)")
    return pixels


def _check_header(content: bytes, width: int, height: int) -> None:
    if not content.startswith(_SIGNATURE):
        known = [kind for start, kind in _OTHER_FILES.items() if content.startswith(start)]
        raise ValueError(f'{known[0] if known else "no image"}, whatever its name says; write PNG')
    if len(content) < _HEADER.size or content[12:16] != b'IHDR':
        raise ValueError('damaged: a PNG image that ends in its header; write it again')
    *_, actual_width, actual_height, depth, color_type = _HEADER.unpack_from(content)
    if (actual_width, actual_height) != (width, height):
        raise ValueError(f'{actual_width}x{actual_height}, the truth is {width}x{height}; submit the size of the input')
    if color_type != _RGB:
        kind = _COLOR_TYPES.get(color_type, f'of unknown color type {color_type}')
        raise ValueError(f"{kind}, not RGB; save it as image.convert('RGB')")
    if depth != 8:
        raise ValueError(f'{depth} bits per channel; save 8 bits')
