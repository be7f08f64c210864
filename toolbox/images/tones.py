"""From what a file stores to tones: 8 bits, black 0 and white 255, spaced as sRGB spaces them.

Read here are the depth of a gray file, which end of it is white, and the curve that its profile or its gamma describes.

- Integers of more than 8 bits have the first white of 8, 10, 12, 14 and 16 bits that holds them all: cameras and
  scanners write 12 bits into 16, where a nominal white of 65535 would show almost black. Less than 16 bits is said in
  a note. In JPEG 2000, which declares its bits, white is 65535.
- Floats have the first white of 1, 255 and 65535 that holds them all.
- Values beyond those, or below 0, belong to no photograph's scale: they are stretched from their minimum to their
  maximum, with a note.
- A TIFF whose white is zero is turned round; Pillow does so for 8 bits and fewer alone.
- A gray file with a profile, or a gamma in a PNG, is converted to sRGB's curve, with a note. A color file is not: its
  pixels stay as the camera wrote them, and a note says so where its tones look different with the profile.

Imports neither torch nor any heavy library.
"""

import functools
import io
from typing import NamedTuple

import numpy as np
from PIL import Image

_INTEGER_WHITES = {255: 8, 1023: 10, 4095: 12, 16383: 14, 65535: 16}
_FLOAT_WHITES = (1, 255, 65535)
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 3
_GAMMA_OF_SRGB, _GAMMA_TOLERANCE = 1 / 2.2, 0.02  # what programs write who mean sRGB
_ALIKE = 2  # levels of 255; what rounding makes of sRGB's own profile
_NOTED = 8  # levels of 255, from which on a color file's tones are said to look different
_MODES_OF_PROFILES = {b'GRAY': 'L', b'RGB ': 'RGB'}  # by the color space in an ICC header


class Tones(NamedTuple):
    """A picture in mode L or RGB, 8 bits deep, and what was done to its tones that a person may want to know."""

    picture: Image.Image
    notes: tuple[str, ...] = ()


def as_gray_or_rgb(image: Image.Image) -> Tones:
    """A loaded image of any mode in mode L or RGB, 8 bits deep, without alpha; see the module.

    Raises:
        ValueError: values that are not finite.
    """
    mode = image.mode
    if mode.startswith(('I', 'F')):
        return _from_deep(image)
    if mode in ('1', 'L', 'LA'):
        gray, (curve, notes) = image.convert('L'), _curve(image)
        return Tones(gray if curve is None else gray.point(np.rint(curve * 255).astype(int).tolist()), notes)
    if mode == 'LAB':
        return Tones(_rgb_from_lab(image))
    if mode == 'RGB':
        return Tones(image, _color_notes(image))
    if mode in ('RGBa', 'La', 'PA') or image.has_transparency_data:
        image = image.convert('RGBA')  # also where a palette holds the alpha
    return Tones(image.convert('RGB'), _color_notes(image))


def fits_other_pixels(image: Image.Image) -> bool:
    """Whether an image's color profile still means the same beside RGB pixels whose grays are those of this image.

    It does not where it is a gray's or a CMYK's, where it was applied, or where its neutral colors are none of equal
    red, green and blue.
    """
    profile = image.info.get('icc_profile') or b''
    if profile[16:20] != b'RGB ':
        return False
    axis = _neutral_axis(profile)
    if axis is None:
        return False
    is_gray = image.mode.startswith(('I', 'F')) or image.mode in ('1', 'L', 'LA')
    return bool(np.ptp(axis, axis=1).max() <= _NOTED) and not (is_gray and _curve(image)[0] is not None)


def _from_deep(image: Image.Image) -> Tones:
    values = np.asarray(image)
    curve, notes = _curve(image)
    low, high, depth_notes = _range(values, declared=image.format == 'JPEG2000')

    def tones(values: np.ndarray) -> np.ndarray:
        shares = (values.astype(np.float64) - low) / max(high - low, 1e-12)
        if _white_is_zero(image):
            shares = 1 - shares
        if curve is not None:
            shares = np.interp(shares, np.linspace(0, 1, len(curve)), curve)
        return np.rint(shares.clip(0, 1) * 255).astype(np.uint8)

    if values.dtype.kind == 'u' and values.dtype.itemsize == 2:
        pixels = tones(np.arange(65536))[values.astype(np.uint16, copy=False)]
    else:
        pixels = tones(values)
    return Tones(Image.fromarray(pixels), (*depth_notes, *notes))


def _range(values: np.ndarray, declared: bool) -> tuple[float, float, tuple[str, ...]]:
    """What is black, what is white, and a note where that is a guess; `declared`: integers are of 16 bits, surely."""
    is_float = values.dtype.kind == 'f'
    if is_float and not np.isfinite(values).all():
        raise ValueError('holds values that are not finite')
    low, high = float(values.min()), float(values.max())
    whites = _FLOAT_WHITES if is_float else (65535,) if declared else _INTEGER_WHITES
    white = next((white for white in whites if low >= 0 and high <= white), 0)
    if not white:
        return low, high, ('values of no known scale, stretched from the darkest to the brightest',)
    if is_float or white == 65535 or high == 0:
        return 0, white if high else 65535, ()
    return 0, white, (f'16-bit values that need {_INTEGER_WHITES[white]} bits alone: white was taken to be {white}',)


def _white_is_zero(image: Image.Image) -> bool:
    tags = getattr(image, 'tag_v2', None)
    return tags is not None and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _curve(image: Image.Image) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The tones that a gray file's 256 levels, 0 to 1, stand for, float64 (256,) in [0, 1]; None: they are tones."""
    profile = image.info.get('icc_profile')
    if profile:
        axis = _neutral_axis(profile)
        if axis is None or np.abs(axis[:, 1] - np.arange(256)).max() <= _ALIKE:
            return None, ()
        return axis[:, 1] / 255, ('its color profile was applied: the tones are those of sRGB',)
    gamma = _gamma(image)
    if gamma is None:
        return None, ()
    linear = np.linspace(0, 1, 256) ** (1 / gamma)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    return curve, (f'its gamma of {gamma:g} was applied: the tones are those of sRGB',)


def _gamma(image: Image.Image) -> float | None:
    """A PNG's gAMA where it means something else than sRGB."""
    gamma = image.info.get('gamma')
    if not isinstance(gamma, float) or gamma <= 0 or 'srgb' in image.info:
        return None
    return None if abs(gamma - _GAMMA_OF_SRGB) <= _GAMMA_TOLERANCE else gamma


def _color_notes(image: Image.Image) -> tuple[str, ...]:
    """What a color file's profile or gamma would change and does not."""
    profile = image.info.get('icc_profile')
    axis = _neutral_axis(profile) if profile else None
    if axis is not None and np.abs(axis - np.arange(256)[:, None]).max() > _NOTED:
        return ('a color profile whose tones differ from those of sRGB; it is not applied',)
    if not profile and _gamma(image) is not None:
        return ('a gamma that differs from that of sRGB; it is not applied',)
    return ()


@functools.lru_cache(maxsize=16)
def _neutral_axis(profile: bytes) -> np.ndarray | None:
    """What 256 equal levels of all channels are in sRGB: float64 (256, 3) in [0, 255]; None for no usable profile."""
    from PIL import ImageCms

    mode = _MODES_OF_PROFILES.get(profile[16:20])
    if mode is None:
        return None
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(mode)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # Optimized, LittleCMS is up to ten levels off in the darks of a linear profile.
        flags = ImageCms.Flags.NOOPTIMIZE
        converted = ImageCms.profileToProfile(
            ramp, source, ImageCms.createProfile('sRGB'), outputMode='RGB', flags=flags
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):  # a broken profile does not cost the pixels
        return None
    return np.asarray(converted)[0].astype(np.float64)


def _rgb_from_lab(image: Image.Image) -> Image.Image:
    """CIELAB to sRGB; Pillow's own `convert` cannot."""
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile('LAB'), ImageCms.createProfile('sRGB')
    return ImageCms.profileToProfile(image, lab, srgb, outputMode='RGB')
