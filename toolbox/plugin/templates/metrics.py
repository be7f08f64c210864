"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check metrics MyPart
3. Use it: --cfg-options metrics.0.type=MyPart
"""

from collections.abc import Sequence
from math import fsum

from torch import Tensor

from toolbox.registry import METRICS


@METRICS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.
    """

    name = 'my_part'
    higher_is_better = False

    def rows(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict[str, float]]:
        """Measure N images: uint8 (N, 3, H, W) twice, and uint8 (N, 1, H, W), 1 = hole -> N rows."""
        errors = (prediction.float() - truth.float()).abs().mean((1, 2, 3)) / 255
        return [{self.name: error} for error in errors.tolist()]

    def reduce(self, rows: Sequence[dict[str, float]]) -> dict[str, float]:
        """Sum up the rows of all images, exactly the same in any order."""
        return {self.name: fsum(row[self.name] for row in rows) / len(rows)}
