"""What a file is that Pillow does not take for an image: its true kind, and what to do about it.

Imports neither torch nor any heavy library.
"""

import os
from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image

HEIC = 'HEIC, the format of phones: convert it first (heif-convert a.heic a.jpg; or let the phone share it as JPEG)'
_BRANDS = {b'avif': 'AVIF, which this installation of Pillow cannot read: pip install --upgrade pillow'}
_BRANDS |= dict.fromkeys((b'heic', b'heix', b'hevc', b'hevx', b'heim', b'heis', b'mif1', b'msf1'), HEIC)
_BRANDS |= {b'crx ': "a camera's raw file (CR3): develop it first", b'qt  ': 'a video', b'isom': 'a video'}
_BEGINNINGS = {
    b'\xff\x0a': 'JPEG XL: convert it first (djxl a.jxl a.png)',
    b'\0\0\0\x0cJXL ': 'JPEG XL: convert it first (djxl a.jxl a.png)',
    b'8BPS': 'a Photoshop document: save it as PNG or TIFF first',
    b'gimp xcf': 'a GIMP document: export it as PNG first',
    b'%PDF': 'a PDF document',
    b'PK\3\4': 'a ZIP archive',
    b'version https://git-lfs': 'a Git LFS pointer, not the file itself: git lfs pull',
    b'<!doctype': 'a web page',
    b'<html': 'a web page',
    b'<svg': 'a drawing (SVG): export it as PNG first',
    b'<?xml': 'XML, perhaps a drawing (SVG)',
}
_HEAD = 32  # bytes
_WIDTH, _BITS, _PHOTOMETRIC, _SAMPLES = 256, 258, 262, 277  # tags of TIFF 6.0


def why_unidentified(source: str | os.PathLike | BinaryIO, formats: Sequence[str]) -> str:
    """Why Pillow does not know a file, in words.

    Args:
        source: what it refused; a path, or an open binary file.
        formats: those it was asked to try.
    """
    unknown = f'not an image of a known format ({", ".join(formats)})'
    if not isinstance(source, str | os.PathLike):
        source.seek(0)
        return _why(source, formats) or unknown
    with open(source, 'rb') as file:
        return _why(file, formats) or unknown


def _why(file: BinaryIO, formats: Sequence[str]) -> str:
    head = file.read(_HEAD)
    if head[4:8] == b'ftyp' and head[8:12] in _BRANDS:
        return _BRANDS[head[8:12]]
    for beginning, kind in _BEGINNINGS.items():
        if head.lower().startswith(beginning.lower()):
            return kind
    if head.startswith((b'II*\0', b'MM\0*')) and 'TIFF' in formats:
        return _of_tiff(file, head)
    for name in formats:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(head) is not True:
            continue
        file.seek(0)
        try:
            factory(file, '')
        except Exception as error:  # a parser of foreign bytes
            return f'{name} that cannot be read: {error or type(error).__name__}'
    return ''


def _of_tiff(file: BinaryIO, head: bytes) -> str:
    """The pixels that a TIFF declares and Pillow has no mode for."""
    from PIL import TiffImagePlugin

    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(head[:8])
        file.seek(tags.next)
        tags.load(file)
        bits, samples = tags.get(_BITS, (1,)), tags.get(_SAMPLES, 1)
        gray, readable = tags.get(_PHOTOMETRIC) in (0, 1), _WIDTH in tags
    except Exception:  # a parser of foreign bytes
        readable = False
    if not readable:
        return 'TIFF that cannot be read: its table of contents is broken'
    what = 'gray with alpha' if gray and samples == 2 else f'{samples} channels'
    return (
        f'TIFF of a kind that cannot be read ({what}, {"+".join(map(str, bits))} bits): save it with 8 bits, or as PNG'
    )
