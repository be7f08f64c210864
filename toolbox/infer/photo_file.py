"""A person's file as a gray photograph, with what else it carries."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageChops

from toolbox.images.io import MAX_PIXELS, ORIENTATION_TAG, Source, alpha_of, open_image, orientation, upright
from toolbox.images.tones import as_gray_or_rgb, fits_other_pixels

# What EXIF says of the photograph: EXIF proper and GPS; description, camera, resolution, software, time, author,
# copyright. The rest describes the file's own pixels, among it their orientation.
_TABLES = {0x8769, 0x8825}
_DESCRIPTIVE = _TABLES | {270, 271, 272, 282, 283, 296, 305, 306, 315, 33432}

_MOST_PER_INCH = 100_000  # of a scanner; more is nonsense, and does not fit into a PNG


@dataclass(frozen=True)
class PhotoFile:
    """What a file holds, upright.

    Attributes:
        gray: uint8 (H, W), the luma.
        alpha: uint8 (H, W), or None where the file has none.
        metadata: `exif`, `icc_profile` and `dpi` for `toolbox.images.io.write_png`, as far as they fit an upright RGB
            image.
        notes: what of the file is not used, and what was done to its tones, in words.
    """

    gray: np.ndarray
    alpha: np.ndarray | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_photo_file(source: Source | Image.Image, *, max_pixels: int = MAX_PIXELS) -> PhotoFile:
    """Read a photograph of any kind that `toolbox.images.io` reads.

    Args:
        source: a path, an open binary file, or an image that Pillow opened.
        max_pixels: more than this many, as the file's header declares them, are refused before they are decoded.

    Raises:
        UnreadableImage: missing, broken, truncated, too large or no image.
    """
    with open_image(source, max_pixels) as image:
        notes = []
        if _has_further_pictures(image):
            notes.append('the file holds several pictures, the first one is restored')
        lies_on_its_side = _lies_on_its_side(image)
        image.load()
        turn = orientation(image)
        pixels, tone_notes = as_gray_or_rgb(image)
        notes += tone_notes
        if pixels.mode == 'RGB' and not _is_gray(pixels):
            notes.append('a color photo, reduced to gray')
        alpha = alpha_of(image)
        return PhotoFile(
            gray=np.array(upright(pixels.convert('L'), turn)),
            alpha=None if alpha is None else np.array(upright(alpha, turn)),
            metadata=_metadata(image, is_turned=lies_on_its_side or turn >= 5),
            notes=tuple(notes),
        )


def _has_further_pictures(image: Image.Image) -> bool:
    try:
        return getattr(image, 'is_animated', False)
    except Exception:  # a parser of foreign bytes; what is broken behind the first picture does not matter
        return False


def _is_gray(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return ImageChops.difference(red, green).getbbox() is None and ImageChops.difference(red, blue).getbbox() is None


def _metadata(image: Image.Image, is_turned: bool) -> dict[str, Any]:
    profile = image.info['icc_profile'] if fits_other_pixels(image) else b''
    metadata = {'exif': _descriptive_exif(image), 'icc_profile': profile, 'dpi': _resolution(image, is_turned)}
    return {key: value for key, value in metadata.items() if value}


def _lies_on_its_side(image: Image.Image) -> bool:
    """Whether Pillow turns a TIFF by a quarter while it loads it; afterwards the file does not say so any more."""
    try:
        return getattr(image, 'tag_v2', {}).get(ORIENTATION_TAG, 1) >= 5
    except Exception:  # a parser of foreign bytes
        return False


def _resolution(image: Image.Image, is_turned: bool) -> tuple[float, float] | None:
    """Pixels per inch across and down of the upright image; None where the file says nothing that can be true."""
    try:
        across, down = map(float, image.info['dpi'])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not 1 < min(across, down) <= max(across, down) <= _MOST_PER_INCH:  # 1 is what Pillow 12 reads out of nothing
        return None
    return (down, across) if is_turned else (across, down)


def _descriptive_exif(image: Image.Image) -> bytes:
    """EXIF on the photograph itself; empty where there is none, or where it is broken."""
    kept = Image.Exif()
    try:
        exif = image.getexif()
        for tag in sorted(_DESCRIPTIVE & set(exif)):
            kept[tag] = exif.get_ifd(tag) if tag in _TABLES else exif[tag]
        return kept.tobytes() if kept else b''
    except Exception:  # a parser of foreign bytes, like the decoders
        return b''
