"""Holes that grow during the training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS

# When a hole is enlarged, parts of it may leave the image. The scale is corrected this often before it is good enough.
_MAX_CORRECTIONS = 4


@MASKS.register_module()
class Curriculum:
    """Another generator's holes, scaled to an area whose range grows with the run's progress.

    The range moves linearly from `first_area` to `final_area`, which it reaches at progress `until`; the wanted area is
    drawn uniformly from it. A hole is scaled about its middle, which stays where it is. What leaves the image is lost,
    so that large holes may come out a little smaller than wanted.

    Bengio et al. 2009, 'Curriculum Learning': easy examples first.

    Args:
        generator: config of the mask generator that draws the holes; by default ``dict(type='CompetitionShapes')``.
        first_area: smallest and largest share of the image that a hole covers at first.
        final_area: likewise at progress `until` and after.
        until: the progress, in (0, 1], at which the final range is reached.
    """

    def __init__(
        self,
        generator: Mapping[str, Any] | None = None,
        first_area: Sequence[float] = (0.005, 0.03),
        final_area: Sequence[float] = (0.01, 0.25),
        until: float = 0.5,
    ) -> None:
        for name, area in (('first_area', first_area), ('final_area', final_area)):
            if len(area) != 2 or not 0 < area[0] <= area[1] < 1:
                raise ValueError(f'Curriculum({name}={area}): expected two shares, 0 < smallest <= largest < 1')
        if not 0 < until <= 1:
            raise ValueError(f'Curriculum(until={until}): expected a progress in (0, 1]')
        generator = generator or {'type': 'CompetitionShapes'}
        MASKS.check(generator, where='Curriculum.generator')
        self.generator = MASKS.build(generator)
        self.first_area = tuple(first_area)
        self.final_area = tuple(final_area)
        self.until = until

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray:
        require_room_for_a_hole(height, width)
        mask = self.generator(height, width, rng, progress=progress, gray=gray)
        wanted = rng.uniform(*self._range(progress)) * height * width
        return _scaled_to_area(mask, float(np.clip(wanted, 1, height * width - 1)))

    def _range(self, progress: float) -> tuple[float, float]:
        """Smallest and largest share of the image that a hole may cover now."""
        done = min(1.0, progress / self.until)
        low, high = (
            (1 - done) * first + done * final for first, final in zip(self.first_area, self.final_area, strict=True)
        )
        return low, high


def _scaled_to_area(mask: np.ndarray, wanted: float) -> np.ndarray:
    """The mask scaled to `wanted` pixels, as nearly as a few corrections get; neither empty nor full."""
    best, scale = mask, 1.0
    for _ in range(_MAX_CORRECTIONS):
        area = np.count_nonzero(best)
        scale *= np.sqrt(wanted / area)
        scaled = _scaled(mask, scale)
        if not scaled.any() or scaled.all():
            break
        if abs(np.count_nonzero(scaled) - wanted) >= abs(area - wanted):
            break
        best = scaled
    return best


def _scaled(mask: np.ndarray, scale: float) -> np.ndarray:
    """The mask scaled about the middle of its bounding box; edges are interpolated, so that they stay smooth."""
    import cv2

    left, top, width, height = cv2.boundingRect(mask)
    shift = (1 - scale) * np.array([left + (width - 1) / 2, top + (height - 1) / 2])
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return (cv2.warpAffine(255 * mask, matrix, mask.shape[::-1]) > 127).astype(np.uint8)
