"""Finds a hole that was filled with one gray, by the sharpness of its border and by its shape; compressed, too."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from toolbox.contracts import Found
from toolbox.images.drawn_shapes import EIGHT_NEIGHBORS, drawn_shapes
from toolbox.images.lossy_holes import find_lossy_holes, ringing_share
from toolbox.registry import FINDERS

# Gray levels. In a photograph a flat area fades out: the pixels around it are this near. Around a hole they are not.
_NEAR = 2
# The largest share of near pixels at a hole's border. Measured with 400 holes in photographs of 288 px: at most 0.36
# around holes, at least 0.49 around flat areas of the photographs.
_MAX_NEAR_SHARE = 0.45
# Only so many values are looked at closely: with 1,000 holes the right one was the likeliest 999 times, once the next.
_MAX_VALUES = 3
# Pixels. Smaller pieces of one value have too short a border to judge.
_MIN_PIECE = 12
_MIN_DASH = 3  # pixels: Pillow draws sharp corners as dashes; what is smaller happens to have the fill's value
# The share of a hole that may be in doubt: confidence falls to 0 on the way there.
_MAX_DOUBT = 0.01
# The share of a region that a fitted shape may leave out, and the share if that lies in a smooth area: neighbors that
# happen to have the fill's value.
_MAX_LEFT_OUT, _MAX_SMOOTH_LEFT_OUT = 0.01, 0.15
# Pixels around a region in which its fitted shape may lie, as a sharp corner may not have been found to its end.
_MARGIN = 32
_AROUND = np.ones((3, 3), np.uint8)
# From this confidence on, nothing else is looked for, unless there is ringing.
_SURE = 0.5
_RINGING_SHARE = 0.5
# Intersection over union of a compressed hole and an exact one: the same, or enough to confirm it without ringing.
_SAME, _CONFIRMED = 0.9, 0.75
# Of a hole in a compressed image: the largest share of the image (the competition's cover up to 0.14), and what its
# confidence counts beside that of an exact one.
_MAX_LOSSY_AREA, _LOSSY_TRUST = 0.2, 0.9


@FINDERS.register_module()
class ConstantRegion:
    """Regions of one value with a sharp border; rectangles, ellipses and polygons are then fitted to the pixel.

    1. Of the values that fill 2x2 blocks, the few that cover most and border on different values are candidates.
    2. A candidate's hole is every region of that value around which few pixels have nearly the same value: a flat sky
       or a saturated lamp fades out, a hole does not. This takes several regions, as a self-crossing polygon has.
       Regions that touch three sides of the image are its frame.
    3. Parts of a hole that are one pixel thin come along; a neighbor in a smooth area that happens to have the fill's
       value does not.
    4. If a shape as `PIL.ImageDraw` draws it explains the region, the shape is the answer.
    5. Where that leaves a doubt, or the region goes on around it as ringing, the photograph may have been compressed
       after it was damaged: `toolbox.images.lossy_holes` looks for a hole of about one value. The more confident answer
       counts; with ringing, that of `toolbox.images.lossy_holes`.

    Confidence falls with the share of near values at the border, of pixels whose membership was in doubt, and with
    a second candidate; it is at least one half where a shape explains the region. A hole below `min_confidence` is not
    returned: the mask is empty, and the confidence says how likely it was. Without a candidate it is 0.

    Args:
        min_area: a hole covers at least this share of the image.
        fit_shapes: whether to fit shapes (step 4).
        min_confidence: what is less sure is no hole; 0 returns all that is found.
        lossy: whether to look for holes in compressed photographs (step 5).

    Example:
        >>> damaged = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
        >>> damaged[10:30, 20:50] = 40
        >>> int(ConstantRegion()(damaged).mask.sum())
        600
    """

    def __init__(
        self, min_area: float = 0.002, fit_shapes: bool = True, min_confidence: float = 0.5, lossy: bool = True
    ) -> None:
        if not 0 <= min_area <= 1:
            raise ValueError(f'ConstantRegion(min_area={min_area}): expected a share of the image in [0, 1]')
        if not 0 <= min_confidence <= 1:
            raise ValueError(f'ConstantRegion(min_confidence={min_confidence}): expected a number in [0, 1]')
        self.min_area = min_area
        self.fit_shapes = fit_shapes
        self.min_confidence = min_confidence
        self.lossy = lossy

    def __call__(self, damaged: np.ndarray) -> Found:
        found = self._exact(damaged)
        rings = found.mask.any() and ringing_share(damaged, found.mask) >= _RINGING_SHARE
        if self.lossy and (found.confidence < _SURE or rings):
            found = _more_likely(found, _lossy(damaged, max(4, self.min_area * damaged.size)), rings)
        if found.confidence < self.min_confidence:
            return Found(np.zeros_like(damaged), found.confidence)
        return found

    def _exact(self, damaged: np.ndarray) -> Found:
        """The hole of an image that was not compressed since."""
        min_area = max(4, self.min_area * damaged.size)
        candidates = sorted(_candidates(damaged, min_area), key=lambda candidate: candidate.score, reverse=True)
        if not candidates:
            return Found(np.zeros_like(damaged), 0.0)
        best, *others = candidates
        same, near = _same_and_near(damaged, best.value)
        mask, doubt = _with_thin_parts(best.mask, same, near)
        shape = _fitted_shape(mask, same, near) if self.fit_shapes else None
        if shape is not None:
            doubt = np.count_nonzero(mask & ~shape) / np.count_nonzero(shape)
            mask = shape
        rival = others[0].score / best.score if others else 0.0
        confidence = best.sharpness * (1 - rival) * float(np.clip(1 - doubt / _MAX_DOUBT, 0, 1))
        return Found(mask, confidence if shape is None else (1 + confidence) / 2)


def _lossy(damaged: np.ndarray, min_area: float) -> Found:
    """The hole of an image that was compressed after it was damaged."""
    holes = find_lossy_holes(damaged, min_area)
    if not holes:
        return Found(np.zeros_like(damaged), 0.0)
    best = holes[0]
    if best.mask.mean() > _MAX_LOSSY_AREA:
        return Found(np.zeros_like(damaged), 0.0)
    return Found(best.mask.astype(np.uint8), _LOSSY_TRUST * best.confidence)


def _more_likely(exact: Found, compressed: Found, rings: bool) -> Found:
    """Of two answers, of which the exact one is in doubt: with ringing it may hold only blocks inside a hole."""
    if exact.confidence < _SURE:
        if not rings and _iou(exact.mask, compressed.mask) >= _CONFIRMED:
            return Found(exact.mask, max(exact.confidence, compressed.confidence))
        return max(exact, compressed, key=lambda found: found.confidence)
    if compressed.confidence < _SURE or _iou(exact.mask, compressed.mask) >= _SAME:
        return exact
    return compressed


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    return np.count_nonzero(first & second) / max(1, np.count_nonzero(first | second))


@dataclass
class _Candidate:
    """The regions of one value that may be a hole: a mask, uint8 (H, W), and the share of near pixels around it."""

    value: int
    mask: np.ndarray
    near_share: float

    @property
    def sharpness(self) -> float:
        """1 for a border without near values, 0 for the most that is accepted."""
        return 1 - self.near_share / _MAX_NEAR_SHARE

    @property
    def score(self) -> float:
        """Large and sharp is likely."""
        return self.sharpness * np.count_nonzero(self.mask)


def _candidates(damaged: np.ndarray, min_area: float) -> Iterator[_Candidate]:
    """The likeliest values first, judged by all pixels of a value; then by each of its regions."""
    solid = _in_solid_blocks(damaged)
    covered = np.bincount(damaged[solid], minlength=256)
    likelihood = np.where(covered < min_area, 0, covered * (1 - _near_shares(damaged, solid)))
    for value in np.argsort(-likelihood, kind='stable')[:_MAX_VALUES]:
        if likelihood[value] == 0:
            return
        candidate = _sharp_regions(damaged, solid, int(value))
        if np.count_nonzero(candidate.mask) >= min_area:
            yield candidate


def _in_solid_blocks(image: np.ndarray) -> np.ndarray:
    """bool (H, W): whether a pixel belongs to a 2x2 block of one value."""
    across = image[:, 1:] == image[:, :-1]
    down = image[1:] == image[:-1]
    block = across[1:] & across[:-1] & down[:, 1:]
    solid = np.zeros(image.shape, bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            solid[rows, columns] |= block
    return solid


def _near_shares(image: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """For each of 256 values, the share of near values among the other neighbors, below and right, of its blocks."""
    num = np.zeros((256, 2))
    for first, second, counted in ((image[:-1], image[1:], solid[:-1]), (image[:, :-1], image[:, 1:], solid[:, :-1])):
        border = counted & (first != second)
        value, neighbor = first[border].astype(np.int16), second[border]
        is_near = np.abs(value - neighbor) <= _NEAR
        num += np.bincount(2 * value + is_near, minlength=512).reshape(256, 2)
    return num[:, 1] / np.maximum(num.sum(axis=1), 1)


def _sharp_regions(damaged: np.ndarray, solid: np.ndarray, value: int) -> _Candidate:
    """The regions of `value`, of solid blocks, that have a sharp border and are no frame."""
    import cv2

    is_value = solid & (damaged == value)
    regions = is_value.astype(np.uint8)
    num, labels = cv2.connectedComponents(regions, connectivity=8)
    border = np.flatnonzero(cv2.dilate(regions, _AROUND) > regions)
    owner = _largest_around(labels, border)
    difference = np.abs(damaged.ravel()[border].astype(np.int16) - value)
    num_border = np.bincount(owner, minlength=num)
    num_near = np.bincount(owner, weights=(difference > 0) & (difference <= _NEAR), minlength=num)
    near_share = num_near / np.maximum(num_border, 1)

    pixels = np.flatnonzero(is_value)
    region = labels.ravel()[pixels]
    area = np.bincount(region, minlength=num)
    num_sides = np.zeros(num, int)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        num_sides[np.unique(side)] += 1
    chosen = (near_share < _MAX_NEAR_SHARE) & (area >= _MIN_PIECE) & (num_sides < 3)
    chosen[0] = False
    total_near, total_border = num_near[chosen].sum(), num_border[chosen].sum()
    mask = np.zeros_like(regions)
    mask.ravel()[pixels] = chosen[region]
    return _Candidate(value, mask, float(total_near / max(total_border, 1)))


def _largest_around(labels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The largest label among the neighbors of some pixels, which are flat indices into `labels`, int32 (H, W)."""
    import cv2

    padded = cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    row, column = np.divmod(pixels, labels.shape[1])
    center = (row + 1) * padded.shape[1] + column + 1
    return np.max([padded.ravel()[center + y * padded.shape[1] + x] for x, y in EIGHT_NEIGHBORS], axis=0)


def _same_and_near(image: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (H, W) in {0, 1}, twice: which pixels have the value, and which have nearly the value but not it."""
    import cv2

    difference = cv2.absdiff(image, np.full_like(image, value))
    same = (difference == 0).astype(np.uint8)
    return same, (difference <= _NEAR).astype(np.uint8) - same


def _with_thin_parts(hole: np.ndarray, same: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, float]:
    """The hole with its parts that hold no 2x2 block, and how much of it was in doubt, as a share of its area."""
    import cv2

    num_near = cv2.boxFilter(near, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    plausible = same & (num_near <= 1)  # one such neighbor is a coincidence, two are a smooth area
    _, labels = cv2.connectedComponents(plausible | hole, connectivity=8)
    pixels = np.flatnonzero(labels)
    part = labels.ravel()[pixels]
    pixels = pixels[np.bincount(part)[part] >= _MIN_DASH]
    parts = np.zeros_like(hole)
    parts.ravel()[pixels] = 1
    # Grown by a pixel, parts that are two pixels apart touch.
    num_groups, groups = cv2.connectedComponents(cv2.dilate(parts, _AROUND), connectivity=8)
    belongs = np.zeros(num_groups, bool)
    belongs[groups[hole > 0]] = True
    mask = np.zeros_like(hole)
    mask.ravel()[pixels] = belongs[groups.ravel()[pixels]]

    beside = cv2.dilate(mask, _AROUND) & same & ~mask
    num_thin, num_beside = np.count_nonzero(mask & ~hole), np.count_nonzero(beside)
    # Thin parts are mostly right, so they weigh less. The weight was chosen on 500 holes: it put 6 of 7 wrong masks
    # and 5 % of the right ones below a confidence of one half.
    return mask, (num_thin / 4 + num_beside) / np.count_nonzero(mask)


def _fitted_shape(mask: np.ndarray, same: np.ndarray, near: np.ndarray) -> np.ndarray | None:
    """The shape that `PIL.ImageDraw` draws inside `same` and that covers most of `mask`; None if none covers enough.

    Beyond the mask it holds only pixels of the fill's value: the ends of sharp corners.
    """
    import cv2

    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(top - _MARGIN, 0), top + height + _MARGIN)
    columns = slice(max(left - _MARGIN, 0), left + width + _MARGIN)
    mask_part, same_part, near_part = (image[rows, columns].astype(bool) for image in (mask, same, near))
    best, least_left_out = None, np.inf
    for drawn in drawn_shapes(mask_part, same_part):
        left_out = mask_part & ~drawn
        if np.count_nonzero(left_out) >= least_left_out or (drawn & ~same_part).any():
            continue
        is_smooth = _near_share_around(left_out, same_part, near_part) > _MAX_NEAR_SHARE
        allowed = _MAX_SMOOTH_LEFT_OUT if is_smooth else _MAX_LEFT_OUT
        if np.count_nonzero(left_out) <= allowed * np.count_nonzero(drawn):
            best, least_left_out = drawn, np.count_nonzero(left_out)
        if least_left_out == 0:
            break
    if best is None:
        return None
    shape = np.zeros_like(mask)
    shape[rows, columns] = best
    return shape


def _near_share_around(region: np.ndarray, same: np.ndarray, near: np.ndarray) -> float:
    """The share of near values among the pixels of other values around a region."""
    import cv2

    around = (cv2.dilate(region.astype(np.uint8), _AROUND) > 0) & ~same
    return np.count_nonzero(around & near) / max(1, np.count_nonzero(around))
