"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check finders MyPart
3. Use it: --cfg-options data.finder.type=MyPart
"""

import numpy as np

from toolbox.contracts import Found
from toolbox.registry import FINDERS


@FINDERS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        min_area: a hole below this share of the image is taken for none.
    """

    def __init__(self, min_area: float = 0.01) -> None:
        if not 0 <= min_area <= 1:
            raise ValueError(f'MyPart(min_area={min_area}): expected a share in [0, 1]')
        self.min_area = min_area

    def __call__(self, damaged: np.ndarray) -> Found:
        """uint8 (H, W) -> mask, uint8 (H, W) in {0, 1}, possibly empty, and a confidence in [0, 1]."""
        counts = np.bincount(damaged.ravel(), minlength=256)
        commonest = int(counts.argmax())
        share = counts[commonest] / damaged.size
        if share < self.min_area:
            return Found(np.zeros_like(damaged), 0.0)
        return Found((damaged == commonest).astype(np.uint8), float(share))
