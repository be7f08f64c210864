"""Axis-parallel boxes: the plainest damage, and the one of many inpainting papers."""

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS


@MASKS.register_module()
class Boxes:
    """One or several axis-parallel boxes, which may overlap.

    A box's sides are drawn uniformly between a smallest and a largest share of the image's sides, and are at least one
    pixel. Boxes that together cover the whole image are redrawn.

    Args:
        min_boxes: fewest boxes.
        max_boxes: most boxes.
        min_side: smallest side of a box, as a share of the image's side.
        max_side: largest side, likewise.

    Example:
        >>> mask = Boxes(max_boxes=1)(64, 64, np.random.default_rng(0))
        >>> mask.shape, mask.dtype, bool(0 < mask.mean() < 0.2)
        ((64, 64), dtype('uint8'), True)
    """

    def __init__(self, min_boxes: int = 1, max_boxes: int = 3, min_side: float = 0.1, max_side: float = 0.4) -> None:
        if not 1 <= min_boxes <= max_boxes:
            raise ValueError(
                f'Boxes(min_boxes={min_boxes}, max_boxes={max_boxes}): expected 1 <= min_boxes <= max_boxes'
            )
        if not 0 < min_side <= max_side < 1:
            raise ValueError(f'Boxes(min_side={min_side}, max_side={max_side}): expected 0 < min_side <= max_side < 1')
        self.min_boxes = min_boxes
        self.max_boxes = max_boxes
        self.min_side = min_side
        self.max_side = max_side

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
        while True:
            mask = np.zeros((height, width), np.uint8)
            for _ in range(rng.integers(self.min_boxes, self.max_boxes, endpoint=True)):
                mask[self._span(height, rng), self._span(width, rng)] = 1
            if not mask.all():
                return mask

    def _span(self, side: int, rng: np.random.Generator) -> slice:
        # Rounding down keeps a single box from covering the image, so that redrawing comes to an end.
        length = max(1, int(side * rng.uniform(self.min_side, self.max_side)))
        start = int(rng.integers(side - length, endpoint=True))
        return slice(start, start + length)
