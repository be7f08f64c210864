"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check masks MyPart
3. Use it: --cfg-options data.mask.type=MyPart
"""

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS


@MASKS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        max_side: the hole's sides are at most this share of the image's.
    """

    def __init__(self, max_side: float = 0.4) -> None:
        if not 0 < max_side < 1:
            raise ValueError(f'MyPart(max_side={max_side}): expected a share in (0, 1)')
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
        """Draw a hole, from rng alone: uint8 (height, width) in {0, 1}, 1 = hole, never empty, never full.

        `progress` in [0, 1] is the run's, `gray` the photograph, uint8 (height, width).
        """
        require_room_for_a_hole(height, width)
        mask = np.zeros((height, width), np.uint8)
        mask[self._span(height, rng), self._span(width, rng)] = 1
        return mask

    def _span(self, side: int, rng: np.random.Generator) -> slice:
        length = int(rng.integers(1, max(1, int(side * self.max_side)), endpoint=True))
        start = int(rng.integers(0, side - length, endpoint=True))
        return slice(start, start + length)
