"""One gray value for the whole hole: the damage of the competition's images."""

import numpy as np

from toolbox.registry import FILLS


@FILLS.register_module()
class ConstantGray:
    """One gray value, drawn uniformly from low..high, both included.

    The competition's inputs hold values from 0 to about 100; the published solution trained on 0 to 255.
    """

    def __init__(self, low: int = 0, high: int = 255) -> None:
        if not 0 <= low <= high <= 255:
            raise ValueError(f'ConstantGray(low={low}, high={high}): expected 0 <= low <= high <= 255')
        self.low = low
        self.high = high

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        value = rng.integers(self.low, self.high, endpoint=True)
        return np.where(mask > 0, np.uint8(value), gray)
