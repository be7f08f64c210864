"""Noise in place of the hole."""

import numpy as np

from toolbox.registry import FILLS


@FILLS.register_module()
class Noise:
    """Every pixel of the hole its own gray, drawn uniformly from low..high, both included."""

    def __init__(self, low: int = 0, high: int = 255) -> None:
        if not 0 <= low <= high <= 255:
            raise ValueError(f'Noise(low={low}, high={high}): expected 0 <= low <= high <= 255')
        self.low = low
        self.high = high

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.where(mask > 0, rng.integers(self.low, self.high, gray.shape, np.uint8, endpoint=True), gray)
