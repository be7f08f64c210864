"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check postprocess MyPart
3. Use it: --cfg-options model.postprocess.0.type=MyPart
"""

from torch import Tensor

from toolbox.registry import POSTPROCESS


@POSTPROCESS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        low, high: colors are kept in this range.
    """

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        if not 0 <= low < high <= 1:
            raise ValueError(f'MyPart(low={low}, high={high}): expected 0 <= low < high <= 1')
        self.low = low
        self.high = high

    def __call__(self, rgb: Tensor, damaged: Tensor, mask: Tensor) -> Tensor:
        """Correct rgb (N, 3, H, W), given damaged and mask (N, 1, H, W). A second time changes nothing."""
        return rgb.clamp(self.low, self.high)
