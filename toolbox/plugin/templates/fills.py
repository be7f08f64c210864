"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check fills MyPart
3. Use it: --cfg-options data.fill.type=MyPart
"""

import numpy as np

from toolbox.registry import FILLS


@FILLS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        low, high: range of the grays, both included.
    """

    def __init__(self, low: int = 0, high: int = 255) -> None:
        if not 0 <= low <= high <= 255:
            raise ValueError(f'MyPart(low={low}, high={high}): expected 0 <= low <= high <= 255')
        self.low = low
        self.high = high

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Paint the hole, from rng alone: uint8 (H, W) -> uint8 (H, W), a copy; mask 0 stays as it is."""
        painted = gray.copy()
        hole = mask > 0
        painted[hole] = rng.integers(self.low, self.high, int(hole.sum()), np.uint8, endpoint=True)
        return painted
