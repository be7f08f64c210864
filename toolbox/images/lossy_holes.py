"""Holes of one gray in photographs that were compressed afterwards: blocks, ringing, one gray no longer.

In JPEG, WebP and AVIF the inside of a hole stays flat, its border rings, and a photograph has flat areas as well. So
each pixel is weighed: how much likelier is its value in a hole of some gray than in the rest of this photograph? The
region where that holds is then explained by drawn shapes, and what has no sharp border is doubted.
"""

from dataclasses import dataclass

import numpy as np

from toolbox.images.fitted_shapes import fit_shape

# Gray levels within 3x3 pixels of what is flat after compression, and between two values that are tried.
_FLAT, _APART = 3, 3
_MAX_VALUES, _MAX_FITTED = 10, 2
# Gray levels around a value that its region may have: one after the other is tried, from the core to the ringing.
_REACHES = (1, 3, 8)
_MIN_CORE, _MAX_CORE = 12, 0.3
# Logarithms: what a pixel can at most say against a hole and for it. Where a pixel says neither, it is in for a region
# and out for a shape, whose straight borders need no such help.
_MOST_AGAINST, _MOST_FOR = -4.0, 3.0
_REGION_BIAS, _SHAPE_BIAS = -0.25, 0.2
# Pixels: parts of a hole lie no further apart, and have this share of the largest one's mean evidence.
_GAP, _ALIKE, _MIN_PART, _MAX_PARTS = 20, 0.55, 12, 6
# Pixels: larger images are searched in a reduced copy, and the border then drawn in full size.
_SIDE = 768
# A region's own pixels and those of its shapes are compared by evidence less this: what is hardly for a hole is out.
_STRICTNESS = 0.5
# Black and white areas of photographs are clipped, so that they are as flat and as sharp as a hole.
_DARKEST, _BRIGHTEST = 3, 239
# Of evidence, near ring, agreement, flat share, step and contrast: where confidence is 0, and where it is 1. Halfway
# lies between what was measured of holes that were found and of flat areas of photographs (docs/benchmarks.md).
_BAD_TO_GOOD = ((2.0, 2.4), (0.15, 0.05), (0.65, 0.9), (0.775, 0.95), (0.825, 0.95), (11, 16))
_AROUND = np.ones((3, 3), np.uint8)


@dataclass
class LossyHole:
    """A hole: bool (H, W); and what speaks for it.

    Attributes:
        evidence: its pixels' mean, at most 3.
        near_ring: the share of the pixels two to four pixels outside that would pass for the hole's.
        agreement: intersection over union of the region and the shapes that explain it.
        flat_share: of its inside, what is as flat as a hole should be.
        step: how much of the difference to the pixels three and four pixels outside there is two pixels outside. Drawn
            borders are steps; the borders of a photograph's flat areas fade.
        contrast: that difference, in gray levels.
    """

    mask: np.ndarray
    evidence: float
    near_ring: float
    agreement: float
    flat_share: float
    step: float
    contrast: float
    value: int

    @property
    def confidence(self) -> float:
        """In [0, 1]: as much as the weakest of the six says."""
        values = (self.evidence, self.near_ring, self.agreement, self.flat_share, self.step, self.contrast)
        shares = [(value - bad) / (good - bad) for value, (bad, good) in zip(values, _BAD_TO_GOOD, strict=True)]
        return float(np.clip(min(shares), 0, 1))


def find_lossy_holes(image: np.ndarray, min_area: float) -> list[LossyHole]:
    """What may be a hole, the likeliest first.

    Args:
        image: uint8 (H, W).
        min_area: pixels that a hole has at least.
    """
    factor = -(-max(image.shape) // _SIDE)
    if factor == 1:
        return _found(image, min_area)
    import cv2

    height, width = image.shape
    small = cv2.resize(image, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    return [_in_full_size(hole, image) for hole in _found(small, min_area / factor**2)]


def _found(image: np.ndarray, min_area: float) -> list[LossyHole]:
    flat = _flat_pixels(image)
    regions = [region for value in _likely_values(image, flat) if (region := _region(image, value, flat, min_area))]
    regions.sort(key=lambda region: -region.promise)
    holes = [_as_hole(image, region) for region in regions[:_MAX_FITTED]]
    return sorted((hole for hole in holes if hole.mask.sum() >= min_area), key=lambda hole: -hole.confidence)


def _flat_pixels(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.dilate(image, _AROUND) - cv2.erode(image, _AROUND) <= _FLAT


def _likely_values(image: np.ndarray, flat: np.ndarray) -> list[int]:
    """The values of most flat pixels, one of neighbors."""
    counts = np.bincount(image[flat], minlength=256)
    counts = np.convolve(counts, np.ones(3, int), mode='same')
    counts[:_DARKEST] = counts[_BRIGHTEST + 1 :] = 0
    values = []
    while len(values) < _MAX_VALUES and counts.max() >= _MIN_CORE:
        value = int(np.argmax(counts))
        values.append(value)
        counts[max(0, value - _APART) : value + _APART + 1] = 0
    return values


@dataclass
class _Region:
    """A region of about one value, bool (H, W); its flat core; evidence, float32 (H, W); how it may turn out."""

    value: int
    pixels: np.ndarray
    core: np.ndarray
    evidence: np.ndarray
    promise: float


def _region(image: np.ndarray, value: int, flat: np.ndarray, min_area: float) -> _Region | None:
    import cv2

    difference = cv2.absdiff(image, np.full_like(image, value))
    cores = [core for reach in _REACHES if (core := _core(difference, reach, flat)) is not None]
    cores = [core for core in cores if _MIN_CORE <= np.count_nonzero(core) <= _MAX_CORE * image.size]
    if not cores or 2 * np.count_nonzero(cores[-1]) < min_area:
        return None
    core, halo = cores[0], cores[-1] & ~cores[0]
    spread = float(np.clip(difference[core].mean() + 0.2, 0.4, 3))
    ringing = float(np.clip(1 + 1.5 * (difference[halo].mean() if halo.any() else 0), 2, 8))
    likelihood = _log_likelihood_ratio(image, value, core, spread, ringing)
    pixels = _connected(likelihood, core)
    if pixels is None or not min_area / 2 <= np.count_nonzero(pixels) <= _MAX_CORE * image.size:
        return None
    promise = float(likelihood[pixels].mean() - 1) * (1 - _near_ring(likelihood, pixels)) ** 2
    promise *= np.sqrt(np.count_nonzero(pixels))  # of two that are alike, the larger one
    return _Region(value, pixels, core, likelihood, promise) if promise > 0 else None


def _core(difference: np.ndarray, reach: int, flat: np.ndarray) -> np.ndarray | None:
    """The connected region within `reach` of the value that holds most of its flat pixels, bool (H, W)."""
    import cv2

    near = cv2.morphologyEx((difference <= reach).astype(np.uint8), cv2.MORPH_OPEN, _AROUND)
    num, labels = cv2.connectedComponents(near, connectivity=8)
    counts = np.bincount(labels[flat & (difference <= 2)], minlength=num)
    counts[0] = 0
    return labels == np.argmax(counts) if counts.any() else None


def _log_likelihood_ratio(image: np.ndarray, value: int, core: np.ndarray, spread: float, ringing: float) -> np.ndarray:
    """For each pixel, float32 (H, W): its value in a hole, flat inside and ringing at its border, or elsewhere."""
    import cv2

    distance = np.abs(np.arange(256) - value)
    inside = 0.7 * np.exp(-distance / spread) / (2 * spread) + 0.3 * np.exp(-distance / ringing) / (2 * ringing)
    elsewhere = image[cv2.dilate(core.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0]
    counts = np.bincount(elsewhere, minlength=256) + 0.5
    smooth = np.exp(-0.5 * (np.arange(-24, 25) / 8) ** 2)
    outside = np.convolve(np.pad(counts, 24, mode='reflect'), smooth, mode='valid')
    outside = 0.8 * outside / outside.sum() + 0.2 / 256
    ratio = np.log(inside / inside.sum() / outside)
    return np.clip(ratio, _MOST_AGAINST, _MOST_FOR)[image].astype(np.float32)


def _connected(likelihood: np.ndarray, core: np.ndarray) -> np.ndarray | None:
    """The region for which the evidence is, around the core, with such parts as a self-crossing polygon falls into."""
    import cv2

    likely = (cv2.GaussianBlur(likelihood, (0, 0), 0.8) > _REGION_BIAS).astype(np.uint8)
    solid = cv2.morphologyEx(likely, cv2.MORPH_OPEN, _AROUND)
    num, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    in_core = np.bincount(labels[core], minlength=num)
    in_core[0] = 0
    if not in_core.any():
        return None
    largest = int(np.argmax(in_core))
    area = stats[:, cv2.CC_STAT_AREA]
    mean = np.bincount(labels.ravel(), weights=likelihood.ravel(), minlength=num) / np.maximum(area, 1)
    alike = (area >= _MIN_PART) & (mean >= _ALIKE * mean[largest])
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
    return (cv2.dilate(chosen[labels].astype(np.uint8), _AROUND) & likely) > 0


def _near_ring(likelihood: np.ndarray, pixels: np.ndarray) -> float:
    """The share of the pixels two to four pixels outside that would pass for the region's."""
    import cv2

    mask = pixels.astype(np.uint8)
    ring = cv2.dilate(mask, np.ones((9, 9), np.uint8)) > cv2.dilate(mask, _AROUND)
    return float((likelihood[ring] > 0).mean()) if ring.any() else 1.0


def _as_hole(image: np.ndarray, region: _Region) -> LossyHole:
    """A region explained by shapes, one for each of its parts."""
    import cv2

    evidence = region.evidence - _SHAPE_BIAS
    num, labels, stats, _ = cv2.connectedComponentsWithStats(region.pixels.astype(np.uint8), connectivity=4)
    corner_cost = 15 + 0.01 * max(0.0, float(evidence[region.pixels].sum()))
    shapes = np.zeros(image.shape, bool)
    for label in sorted(range(1, num), key=lambda label: -stats[label, cv2.CC_STAT_AREA])[:_MAX_PARTS]:
        part = labels == label
        core = part & region.core
        own = np.where((labels > 0) & ~part | shapes, 0, evidence)
        shape = fit_shape(own, [part, core] if core.any() else [part], corner_cost)
        if shape is not None:
            shapes |= shape.pixels
    common, either = np.count_nonzero(shapes & region.pixels), np.count_nonzero(shapes | region.pixels)
    choices = (shapes, region.pixels, shapes | region.pixels)
    mask = max(choices, key=lambda pixels: (region.evidence - _STRICTNESS)[pixels].sum())
    step, contrast = _step(image, mask, region.value)
    inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    off = np.abs(image[inside].astype(np.int16) - region.value)
    return LossyHole(
        mask=mask,
        evidence=float(region.evidence[mask].mean()),
        near_ring=_near_ring(region.evidence, mask),
        agreement=common / max(1, either),
        flat_share=float((off <= 3).mean()) if inside.any() else 0.0,
        step=step,
        contrast=contrast,
        value=region.value,
    )


def _step(image: np.ndarray, mask: np.ndarray, value: int) -> tuple[float, float]:
    """See `LossyHole`: medians over the pixels at these distances."""
    import cv2

    grown = [cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0 for size in (3, 5, 9)]
    difference = cv2.absdiff(image, np.full_like(image, value))
    near, far = difference[grown[1] & ~grown[0]], difference[grown[2] & ~grown[1]]
    if not near.size or not far.size:
        return 0.0, 0.0
    contrast = float(np.median(far))
    return float(np.median(near)) / max(contrast, 1), contrast


def _in_full_size(hole: LossyHole, image: np.ndarray) -> LossyHole:
    """A hole that was found in a reduced copy: enlarged, its border drawn by the pixels of the full size."""
    import cv2

    height, width = image.shape
    size = max(3, 2 * (-(-max(image.shape) // _SIDE)) + 1)
    window = np.ones((size, size), np.uint8)
    mask = cv2.resize(hole.mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    near = cv2.blur(cv2.absdiff(image, np.full_like(image, hole.value)), (3, 3)) <= max(_REACHES)
    hole.mask = (cv2.erode(mask, window) > 0) | ((cv2.dilate(mask, window) > 0) & near)
    return hole
