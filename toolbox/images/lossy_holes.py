"""Holes of one gray in photographs that were compressed afterwards: blocks, ringing, one gray no longer.

In JPEG, WebP and AVIF the inside of a hole stays flat, its border rings, and a photograph has flat areas as well. What
`toolbox.images.gray_evidence` finds likely is explained by drawn shapes, and what has no sharp border is doubted.
"""

from dataclasses import dataclass

import numpy as np

from toolbox.images.fitted_shapes import FittedShape, fit_crossing_polygon, fit_shape, refit, worth_of
from toolbox.images.gray_evidence import Seed, dilated, evidence_around, first_evidence, region_around, seeds

# Seeds that shapes are fitted to, and the largest share of the image that one covers.
_MAX_FITTED, _MAX_SEED = 3, 0.3
# Of the likeliest seed's promise: what is worth a fit.
_WORTH_A_FIT = 0.25
# Of evidence: where a pixel says neither, it is out for a shape, whose straight borders need no help.
_SHAPE_BIAS = 0.3
# Evidence that a corner must bring: so much, and this share of all there is.
_CORNER_COST, _CORNER_SHARE = 12.0, 0.01
# Parts that a polygon has besides the main one, and the corners that each has at least.
_MAX_PARTS, _MIN_CORNERS = 6, 3
# Gray levels from the hole's value of what counts as flat in its inside.
_FLAT = 3
# Pixels: larger images are searched in a reduced copy, and the border then drawn in full size.
_SIDE = 768
# Gray levels around the hole's value that its border has in full size.
_REACH = 8
# Black and white areas of photographs are clipped, so that they are as flat and as sharp as a hole.
_DARKEST, _BRIGHTEST = 3, 229
# Highlights are nearly as flat: from this value on, half of the promise counts.
_HIGHLIGHT = 128
# What a part of a crossing polygon must have: a share of the main shape's evidence per pixel, a step, no near ring.
_PART_SHARE, _PART_STEP, _PART_RING = 0.7, 0.8, 0.2
# Where confidence is 0 and where it is 1. Halfway lies what separated holes that were found from flat areas of
# photographs on those that the constants were chosen on (docs/benchmarks.md).
_BAD_TO_GOOD = {
    'evidence': (1.8, 2.2),
    'near_ring': (0.215, 0.115),
    'agreement': (0.86, 0.96),
    'flat_share': (0.67, 0.77),
    'step': (0.78, 0.9),
    'contrast': (12.0, 18.0),
    'promise': (10.0, 20.0),
}
# Gray levels from a hole's value within which its ringing stays, one and two pixels outside.
_RINGING = 8


@dataclass
class LossyHole:
    """A hole: bool (H, W), its gray value, and what speaks for it.

    Attributes:
        evidence: its pixels' mean, at most 3.
        near_ring: the share of the pixels two to four pixels outside that would pass for the hole's.
        agreement: intersection over union with what evidence alone finds in and near the hole.
        flat_share: of its inside, what is as flat as a hole should be.
        step: how much of the difference to the pixels three and four pixels outside there is two pixels outside. Drawn
            borders are steps; the borders of a photograph's flat areas fade.
        contrast: that difference, in gray levels.
        promise: that of the seed, see `toolbox.images.gray_evidence.Seed`, half of it in highlights.
    """

    mask: np.ndarray
    value: int
    evidence: float
    near_ring: float
    agreement: float
    flat_share: float
    step: float
    contrast: float
    promise: float

    @property
    def confidence(self) -> float:
        """In [0, 1]: as much as the weakest of the seven says; 0 for what may be clipped."""
        if not _DARKEST <= self.value <= _BRIGHTEST:
            return 0.0
        shares = [(getattr(self, name) - bad) / (good - bad) for name, (bad, good) in _BAD_TO_GOOD.items()]
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
    candidates = [seed for seed in seeds(image) if np.count_nonzero(seed.pixels) <= _MAX_SEED * image.size]
    holes = []
    for seed in candidates[:_MAX_FITTED]:
        if seed.promise < _WORTH_A_FIT * candidates[0].promise:
            break
        hole = _hole_around(image, seed)
        if hole is not None and np.count_nonzero(hole.mask) >= min_area:
            holes.append(hole)
    return sorted(holes, key=lambda hole: -hole.confidence * hole.promise)


def _hole_around(image: np.ndarray, seed: Seed) -> LossyHole | None:
    """A seed's region, explained by shapes: by the first, it is told better what the hole and what is around it."""
    evidence = first_evidence(image, seed)
    region = region_around(evidence, seed.pixels)
    if region is None:
        return None
    main = _main_shape(evidence, region, seed)
    if main is None:
        return None
    evidence = evidence_around(image, seed, main.pixels)
    biased = evidence - _SHAPE_BIAS
    main = refit(biased, main, _corner_cost(biased, main.pixels))
    own_seed = seed.pixels & (dilated(main.pixels.astype(np.uint8), 5) > 0)
    region = region_around(evidence, own_seed, thinnest=2)
    if region is None:
        return None
    mask = _with_parts(image, seed.value, biased, region, main)
    return _measured(image, seed, evidence, region, mask)


def _corner_cost(biased: np.ndarray, region: np.ndarray) -> float:
    return _CORNER_COST + _CORNER_SHARE * max(0.0, float(biased[region].sum()))


def _main_shape(evidence: np.ndarray, region: np.ndarray, seed: Seed) -> FittedShape | None:
    """The shape of the part of a region that holds most of the seed."""
    labels, largest = _parts(region, seed.pixels)
    part = labels == largest
    inside = seed.pixels & part
    near = part & (dilated(inside.astype(np.uint8), 13) > 0)
    biased = evidence - _SHAPE_BIAS
    own = np.where(region & ~part, 0, biased)
    return fit_shape(own, [part, near, inside], _corner_cost(biased, near))


def _parts(region: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, int]:
    """The parts' labels, int32 (H, W), and that of the part of most weight, any number (H, W); 0 without a part."""
    import cv2

    num, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    weights = np.bincount(labels.ravel(), weights=weight.ravel(), minlength=num)
    weights[0] = 0
    return labels, int(np.argmax(weights))


def _with_parts(image: np.ndarray, value: int, biased: np.ndarray, region: np.ndarray, main: FittedShape) -> np.ndarray:
    """bool (H, W): a polygon and further parts of the region, or one crossing polygon where that says as much.

    Rectangles and ellipses are whole.
    """
    if main.kind != 'polygon':
        return main.pixels
    cost = _corner_cost(biased, main.pixels)
    least_mean = _PART_SHARE * biased[main.pixels].mean()
    taken, num_corners, rest = main.pixels, len(main.corners), region
    for _ in range(_MAX_PARTS):
        rest = rest & (dilated(taken.astype(np.uint8), 3) == 0)
        labels, largest = _parts(rest, np.maximum(biased, 0))
        part = labels == largest
        if not largest or biased[part].sum() < _MIN_CORNERS * cost:
            break
        rest = rest & ~part
        others = np.where(taken, 0, biased)
        shape = fit_shape(others, [part], cost)
        if shape is None or shape.worth <= 0 or biased[shape.pixels].mean() < least_mean:
            continue
        if _step(image, shape.pixels, value)[0] < _PART_STEP or _near_ring(others, shape.pixels) > _PART_RING:
            continue
        taken, num_corners = taken | shape.pixels, num_corners + len(shape.corners)
    mask, worth = taken, worth_of(biased, taken, num_corners, cost)
    for guess in (taken, taken | region):
        crossing = fit_crossing_polygon(biased, guess, cost)
        if crossing is not None and crossing.worth > worth:
            mask, worth = crossing.pixels, crossing.worth
    return mask


def _near_ring(likelihood: np.ndarray, pixels: np.ndarray) -> float:
    """The share of the pixels two to four pixels outside that would pass for the region's."""
    mask = pixels.astype(np.uint8)
    ring = dilated(mask, 9) > dilated(mask, 3)
    return float((likelihood[ring] > 0).mean()) if ring.any() else 1.0


def _measured(image: np.ndarray, seed: Seed, evidence: np.ndarray, region: np.ndarray, mask: np.ndarray) -> LossyHole:
    import cv2

    step, contrast = _step(image, mask, seed.value)
    inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    off = np.abs(image[inside].astype(np.int16) - seed.value)
    nearby = region & (dilated(mask.astype(np.uint8), 9) > 0)
    return LossyHole(
        mask=mask,
        value=seed.value,
        evidence=float(evidence[mask].mean()),
        near_ring=_near_ring(evidence, mask),
        agreement=np.count_nonzero(mask & nearby) / max(1, np.count_nonzero(mask | nearby)),
        flat_share=float((off <= _FLAT).mean()) if inside.any() else 0.0,
        step=step,
        contrast=contrast,
        promise=seed.promise / (2 if seed.value >= _HIGHLIGHT else 1),
    )


def _step(image: np.ndarray, mask: np.ndarray, value: int) -> tuple[float, float]:
    """See `LossyHole`: medians over the pixels at these distances."""
    import cv2

    grown = [dilated(mask.astype(np.uint8), size) > 0 for size in (3, 5, 9)]
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
    near = cv2.blur(cv2.absdiff(image, np.full_like(image, hole.value)), (3, 3)) <= _REACH
    hole.mask = (cv2.erode(mask, window) > 0) | ((cv2.dilate(mask, window) > 0) & near)
    return hole


def ringing_share(damaged: np.ndarray, mask: np.ndarray) -> float:
    """Of the pixels around a hole of one value, those that are so near it that the hole may go on there, compressed."""
    import cv2

    ring = cv2.dilate(mask, np.ones((5, 5), np.uint8)) > mask
    near = cv2.absdiff(damaged, np.full_like(damaged, damaged[mask > 0][0])) <= _RINGING
    return np.count_nonzero(near & ring) / max(1, np.count_nonzero(ring))
