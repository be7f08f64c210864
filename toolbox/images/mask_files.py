"""The one reader of masks from files: it takes what can only mean one hole, says what it did, and refuses the rest.

A mask is white (255) in the hole and black elsewhere. People have others: two other grays, soft edges, JPEG, paint on
a transparent layer, another size, black and white the other way round. Each is taken where it cannot be misread.

Imports neither torch nor any heavy library, like `toolbox.images.io`.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from toolbox.images.io import (
    MAX_PIXELS,
    Source,
    UnreadableImage,
    alpha_of,
    open_image,
    orientation,
    shown_source,
    upright,
)
from toolbox.images.tones import as_gray_or_rgb

_MIDDLE = 128
# Gray levels: so near to black or white, a pixel of a mask with soft edges or of a JPEG is as good as decided.
_DECIDED = 48
# The share of undecided pixels that any mask may have, and the share if they are no more than its outline.
_MAX_SOFT, _MAX_SOFT_OUTLINE = 0.05, 0.3
# A hole of this share of the image is one of most of it; the larger share holds for holes that leave the frame alone.
_MOST, _NEARLY_ALL = 0.5, 0.9
_FRAME = 0.75  # the share of the outermost pixels that are white in a mask that is the other way round
# Of a hole that was filled with one gray, this share of the pixels has it, give or take two levels of compression.
_ONE_GRAY, _LEVELS = 0.9, 5
# Gray levels: a mask that differs so little from the photograph is the photograph.
_SAME = 3

REPAIR = 'a mask is white (255) in the hole and black elsewhere'


@dataclass(frozen=True)
class Mask:
    """A hole that was read: uint8 (H, W) in {0, 1}, 1 = hole, and what was done to read it, in words."""

    hole: np.ndarray
    notes: tuple[str, ...] = ()


class _NoMask(ValueError):
    """What something looks like that is no mask."""


def read_mask(
    source: Source, *, photo: np.ndarray | None = None, any_area: bool = False, max_pixels: int = MAX_PIXELS
) -> Mask:
    """Read a mask from an image file of any kind, turned upright.

    Taken as they are: two values, the darker one black or below the middle and the brighter one above it; more values
    where few pixels are undecided, as with soft edges and JPEG (from 128 on: hole). Taken with a note: other two
    values of which one is black; what is painted in one color on a transparent layer; with `photo`, another size of
    the same shape, and a mask the other way round where the photograph has one gray in its black part alone.

    Args:
        source: a path, or an open binary file.
        photo: what the mask belongs to, uint8 (H, W), damaged or not; None where that is not known.
        any_area: whether a hole of most of the image is let through.
        max_pixels: as for `toolbox.images.io.read_rgb`.

    Raises:
        UnreadableImage: no readable image; or no mask, and what it looks like: a photograph, the photograph itself, a
            hole of most of the image, one gray, another shape than the photograph.
    """
    try:
        with open_image(source, max_pixels) as image:
            image.load()
            turn, alpha = orientation(image), alpha_of(image)
            gray = np.array(upright(as_gray_or_rgb(image).picture.convert('L'), turn))
            alpha = None if alpha is None else np.array(upright(alpha, turn))
        mask = _decide(gray, alpha, photo)
        return mask if any_area else _not_of_most(mask, photo)
    except _NoMask as error:
        raise UnreadableImage(shown_source(source), f'no mask: {error}') from None


def mask_from_array(mask: np.ndarray, photo: np.ndarray) -> Mask:
    """A mask that a program gives, judged as `read_mask` judges a file's.

    Args:
        mask: (H, W), bool or of any two values of which 0 is one, or uint8 gray.
        photo: what it belongs to, uint8 (H, W).

    Raises:
        ValueError: no mask, or of another size.
    """
    if mask.shape != photo.shape:
        raise ValueError(f'mask {mask.shape}, the upright photograph is {photo.shape}: both must be the same')
    values = np.unique(mask)
    if len(values) == 1 or (len(values) == 2 and values[0] == 0):
        return Mask((mask != 0).astype(np.uint8))  # all of it, too: a program says what it means
    if mask.dtype != np.uint8:
        raise ValueError(f'mask of {mask.dtype} with {len(values)} values: give zeros and ones, 1 = hole')
    try:
        return _decide(mask, None, photo)
    except _NoMask as error:
        raise ValueError(f'no mask: {error}') from None


def resized(hole: np.ndarray, height: int, width: int) -> np.ndarray:
    """A hole in another size, by the nearest pixel."""
    rows = np.arange(height) * hole.shape[0] // height
    columns = np.arange(width) * hole.shape[1] // width
    return hole[np.ix_(rows, columns)]


def looks_like_a_mask(gray: np.ndarray) -> bool:
    """Whether a gray image, uint8 (H, W), could be a mask and no photograph: black and white and little between."""
    try:
        return bool(_hole_from_gray(gray).hole.any())
    except _NoMask:
        return False


def _decide(gray: np.ndarray, alpha: np.ndarray | None, photo: np.ndarray | None) -> Mask:
    if photo is not None and _is_same(gray, photo):
        raise _NoMask('it is the photograph itself; are two folders swapped?')
    transparent_in_part = alpha is not None and alpha.min() < alpha.max()
    mask = _hole_from_paint(gray, alpha) if transparent_in_part else _hole_from_gray(gray)
    if photo is not None and mask.hole.shape != photo.shape:
        mask = _in_size(mask, *photo.shape)
    return mask


def _is_same(gray: np.ndarray, photo: np.ndarray) -> bool:
    if gray.shape != photo.shape or photo.min() == photo.max() or looks_like_a_mask(photo):
        return False
    return bool(np.abs(gray.astype(np.int16) - photo).mean() < _SAME)


def _hole_from_gray(gray: np.ndarray) -> Mask:
    values = np.flatnonzero(np.bincount(gray.ravel(), minlength=256))
    low, high = int(values[0]), int(values[-1])
    if len(values) == 1:
        if low not in (0, 255):
            raise _NoMask(f'one gray, {low}, all over; {REPAIR}')
        return Mask((gray > 0).astype(np.uint8))
    if len(values) == 2:
        if low < _MIDDLE <= high:
            return Mask((gray >= _MIDDLE).astype(np.uint8))
        if low == 0:
            return Mask((gray > 0).astype(np.uint8), (f'the mask has the values 0 and {high}; {high} is the hole',))
        raise _NoMask(f'two grays, {low} and {high}, of which none is black; {REPAIR}')
    undecided = (gray > _DECIDED) & (gray < 255 - _DECIDED)
    hole = (gray >= _MIDDLE).astype(np.uint8)
    num_soft, outline = np.count_nonzero(undecided), np.count_nonzero(_outline(hole))
    is_outline = num_soft <= min(outline, _MAX_SOFT_OUTLINE * gray.size) and outline <= 0.5 * gray.size
    if low <= _DECIDED and high >= 255 - _DECIDED and (num_soft <= _MAX_SOFT * gray.size or is_outline):
        return Mask(hole, ('the mask has soft edges or was compressed; from 128 on it is the hole',))
    raise _NoMask(
        f'it looks like a photograph: {len(values)} grays from {low} to {high}, {num_soft / gray.size:.0%} of the '
        f'pixels neither black nor white; are two folders swapped? {REPAIR[0].upper()}{REPAIR[1:]}'
    )


def _outline(hole: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels with a pixel of the other kind among their eight neighbors."""
    padded = np.pad(hole, 1, mode='edge')
    height, width = hole.shape
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.maximum.reduce(around) != np.minimum.reduce(around)


def _hole_from_paint(gray: np.ndarray, alpha: np.ndarray) -> Mask:
    """From a layer that is transparent in part: what is painted in one color is the hole."""
    painted = gray[alpha >= _MIDDLE]
    if painted.size == 0 or painted.max() - painted.min() <= 2:
        return Mask((alpha >= _MIDDLE).astype(np.uint8), ('the mask is painted on a transparent layer; paint is hole',))
    below = np.where(alpha >= _MIDDLE, gray, 0).astype(np.uint8)
    over_black, alone = _hole_from_gray(below), None
    with suppress(_NoMask):  # colors that nobody sees need not be a mask
        alone = _hole_from_gray(gray)
    if alone is not None and not np.array_equal(alone.hole, over_black.hole):
        raise _NoMask(f'its colors show one hole, its transparency another; save it without transparency: {REPAIR}')
    return Mask(over_black.hole, (*over_black.notes, 'transparent parts of the mask are no hole'))


def _in_size(mask: Mask, height: int, width: int) -> Mask:
    rows, columns = mask.hole.shape
    given, wanted = f'{columns}x{rows}', f'{width}x{height}'
    # The same shape: one side, scaled as the other one was, comes within a pixel.
    if abs(columns * height - width * rows) >= max(columns, rows, width, height):
        turned = '; it seems to lie on its side' if (columns, rows) == (height, width) else ''
        raise _NoMask(f'{given}, the upright photo {wanted}{turned}; give a mask of that size')
    return Mask(resized(mask.hole, height, width), (*mask.notes, 'the mask had another size; it was resized'))


def _not_of_most(mask: Mask, photo: np.ndarray | None) -> Mask:
    """The mask; or, if it holds most of the image, what the photograph says of that."""
    hole = mask.hole
    area = hole.mean()
    frame = np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]])
    if area <= _MOST or (area <= _NEARLY_ALL and frame.mean() < _FRAME):
        return mask
    if photo is not None and not hole.all():
        inside, outside = _is_one_gray(photo[hole > 0]), _is_one_gray(photo[hole == 0])
        if inside and not outside:
            return mask
        if outside and not inside:
            return Mask(1 - hole, (*mask.notes, 'the mask was black in the hole and white elsewhere; it was inverted'))
    what = 'all of it is hole' if hole.all() else f'{area:.0%} of it is hole, as if black and white were exchanged'
    raise _NoMask(f'{what}; {REPAIR}')


def _is_one_gray(values: np.ndarray) -> bool:
    counts = np.convolve(np.bincount(values, minlength=256), np.ones(_LEVELS, int))
    return counts.max() >= _ONE_GRAY * values.size
