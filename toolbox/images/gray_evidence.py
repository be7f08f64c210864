"""What the pixels of a compressed photograph say for a hole of one gray: where it is flat, and what passes for it.

No photograph is flat over five pixels at one value in many places; where one is, as in a sky, the values next to it are
near. Inside a hole compression leaves one value; along its border it rings, and there each pixel is weighed: how much
likelier is its value in the hole than in the rest of the photograph?
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Gray levels within 5x5 pixels of what is flat, and between a seed's pixels and its value.
_FLAT, _ONE_VALUE = 2, 1
# Gray levels between two values that are tried, how many are, and the pixels that a seed has at least.
_APART, _MAX_VALUES, _MIN_SEED = 3, 12, 9
# Gray levels and pixels: what is so near a seed's value is like it, where ringing does no longer reach.
_ALIKE_LEVELS, _BEYOND_RINGING = 6, (9, 13)
# Gray levels: values of the ringing at a border, before it was measured, and between what limits it is then.
_RINGING, _RINGING_LIMITS = 3.0, (1.0, 6.0)
# Gray levels and pixels: where no value around differs more from the hole's, there is no border that would ring.
_CALM, _CALM_WINDOW, _CALM_RINGING = 12, 15, 0.8
# Logarithms: what a pixel can at most say against a hole and for it.
_MOST_AGAINST, _MOST_FOR = -4.0, 3.0
# Pixels around a hole that say what the photograph is like there, and the share of what is said by them.
_AROUND_HOLE, _LOCAL_SHARE = 16, 0.5
# Pixels: parts of a hole lie no further apart, and have this share of the largest one's mean evidence.
_GAP, _PART_SHARE, _MIN_PART, _MAX_PARTS = 20, 0.55, 12, 6
# Of evidence: above it a pixel is taken into a region.
_REGION_BIAS = -0.25


@dataclass
class Seed:
    """A value, the pixels that are flat and have it, bool (H, W), and how likely it is that of a hole, > 0."""

    value: int
    pixels: np.ndarray
    promise: float


def seeds(image: np.ndarray) -> list[Seed]:
    """Flat pixels, by value, the likeliest value of a hole first.

    Args:
        image: uint8 (H, W).
    """
    flat = dilated(image, 5) - _eroded(image, 5) <= _FLAT
    found = [seed for value in _frequent_values(image[flat]) if (seed := _seed(image, flat, value)) is not None]
    return sorted(found, key=lambda seed: -seed.promise)


def _frequent_values(flat_values: np.ndarray) -> Iterator[int]:
    counts = np.convolve(np.bincount(flat_values, minlength=256), np.ones(3, int), mode='same')
    for _ in range(_MAX_VALUES):
        value = int(np.argmax(counts))
        if counts[value] < _MIN_SEED:
            return
        yield value
        counts[max(0, value - _APART) : value + _APART + 1] = 0


def _seed(image: np.ndarray, flat: np.ndarray, value: int) -> Seed | None:
    """The largest flat region of a value counts, and that little beyond the ringing around it is like it."""
    import cv2

    difference = cv2.absdiff(image, np.full_like(image, value))
    pixels = (flat & (difference <= _ONE_VALUE)).astype(np.uint8)
    num, labels, stats, _ = cv2.connectedComponentsWithStats(dilated(pixels, 5), connectivity=8)
    if num < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    region = (labels == largest).astype(np.uint8)
    inner, outer = (dilated(region, 2 * distance + 1) for distance in _BEYOND_RINGING)
    ring = outer > inner
    alike = np.count_nonzero(difference[ring] <= _ALIKE_LEVELS) / max(1, np.count_nonzero(ring))
    promise = (1 - alike) ** 2 * float(np.sqrt(stats[largest, cv2.CC_STAT_AREA]))
    return Seed(value, labels > 0, promise)


def first_evidence(image: np.ndarray, seed: Seed) -> np.ndarray:
    """Evidence before the hole was found; see `evidence_around`."""
    elsewhere = _histogram(image[dilated(seed.pixels.astype(np.uint8), 9) == 0])
    return _log_likelihood_ratio(image, seed.value, 1.0, _RINGING, elsewhere)


def evidence_around(image: np.ndarray, seed: Seed, hole: np.ndarray) -> np.ndarray:
    """The logarithm of how much likelier a pixel's value is in a hole than in the photograph around it.

    Args:
        image: uint8 (H, W).
        seed: what the hole was found by.
        hole: bool (H, W), nearly the hole: its inside says how much it rings, its surroundings what they are like.

    Returns:
        float32 (H, W) in [-4, 3].
    """
    import cv2

    difference = cv2.absdiff(image, np.full_like(image, seed.value))
    inside = _eroded(hole.astype(np.uint8), 3) > 0
    ringing = difference[inside & ~seed.pixels]
    ringing = float(np.minimum(ringing, 12).mean()) if ringing.size else 0.0
    exact = difference[inside & seed.pixels]
    spread = float(np.clip(0.4 + (exact.mean() if exact.size else 0), 0.5, 1.5))
    taken = hole | seed.pixels
    near = dilated(taken.astype(np.uint8), 5) > 0
    around = dilated(hole.astype(np.uint8), 2 * _AROUND_HOLE + 1) > 0
    elsewhere = _histogram(image[~near])
    if (around & ~near).any():
        elsewhere = _LOCAL_SHARE * _histogram(image[around & ~near]) + (1 - _LOCAL_SHARE) * elsewhere
    return _log_likelihood_ratio(image, seed.value, spread, float(np.clip(ringing, *_RINGING_LIMITS)), elsewhere)


def _histogram(values: np.ndarray) -> np.ndarray:
    """(256,): smoothed shares."""
    counts = np.bincount(values, minlength=256) + 0.5
    smooth = np.exp(-0.5 * (np.arange(-24, 25) / 8) ** 2)
    counts = np.convolve(np.pad(counts, 24, mode='reflect'), smooth, mode='valid')
    return counts / counts.sum()


def _log_likelihood_ratio(
    image: np.ndarray, value: int, spread: float, ringing: float, elsewhere: np.ndarray
) -> np.ndarray:
    """float32 (H, W), with ringing only where there is something that rings."""
    import cv2

    calm = dilated(cv2.absdiff(image, np.full_like(image, value)), _CALM_WINDOW) <= _CALM
    at_border, in_calm = (_ratio_by_value(value, spread, r, elsewhere)[image] for r in (ringing, _CALM_RINGING))
    return np.where(calm, in_calm, at_border)


def _ratio_by_value(value: int, spread: float, ringing: float, elsewhere: np.ndarray) -> np.ndarray:
    """(256,) float32, by value: a hole's inside is flat, and its border rings by so many gray levels."""
    distance = np.abs(np.arange(256) - value)
    inside = 0.6 * np.exp(-distance / spread) / (2 * spread) + 0.4 * np.exp(-distance / ringing) / (2 * ringing)
    ratio = np.log(inside / inside.sum() / (0.8 * elsewhere + 0.2 / 256))
    return np.clip(ratio, _MOST_AGAINST, _MOST_FOR).astype(np.float32)


def region_around(evidence: np.ndarray, seed: np.ndarray, thinnest: int = 3) -> np.ndarray | None:
    """bool (H, W): the region that evidence is for, around a seed, with such parts as a crossing polygon falls into."""
    import cv2

    likely = (cv2.GaussianBlur(evidence, (0, 0), 0.8) > _REGION_BIAS).astype(np.uint8)
    solid = cv2.morphologyEx(likely, cv2.MORPH_OPEN, np.ones((thinnest, thinnest), np.uint8))
    num, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    in_seed = np.bincount(labels[seed], minlength=num)
    in_seed[0] = 0
    if not in_seed.any():
        return None
    largest = int(np.argmax(in_seed))
    area = stats[:, cv2.CC_STAT_AREA]
    mean = np.bincount(labels.ravel(), weights=evidence.ravel(), minlength=num) / np.maximum(area, 1)
    alike = (area >= _MIN_PART) & (mean >= _PART_SHARE * mean[largest])
    alike[0] = False
    chosen = np.arange(num) == largest
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GAP + 1, 2 * _GAP + 1))
    for _ in range(_MAX_PARTS):
        around = cv2.dilate(chosen[labels].astype(np.uint8), disk)
        more = chosen.copy()
        more[np.unique(labels[around > 0])] = True
        more &= alike | chosen
        if np.array_equal(more, chosen):
            break
        chosen = more
    return (dilated(chosen[labels].astype(np.uint8), 3) & likely) > 0


def dilated(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 (H, W): the largest value within a square of `size` pixels around each."""
    import cv2

    return cv2.dilate(image, np.ones((size, size), np.uint8))


def _eroded(image: np.ndarray, size: int) -> np.ndarray:
    import cv2

    return cv2.erode(image, np.ones((size, size), np.uint8))
