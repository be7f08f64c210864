"""The frame of metrics that are one number per image, and their mean."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor


class MeanMetric:
    """Base of metrics: a subclass sets `name` and `higher_is_better`, and measures one image.

    Each image is measured by itself, on the CPU, so that its value depends on no batch and no device; the mean is
    exact in any order (`math.fsum`).
    """

    name: str
    higher_is_better: bool

    def rows(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict[str, float]]:
        """uint8 (N, 3, H, W) twice and (N, 1, H, W) -> a row per image."""
        images = zip(prediction.cpu(), truth.cpu(), hole.cpu(), strict=True)
        return [{self.name: float(self.measure(*image))} for image in images]

    def measure(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> float:
        """The value of one image: uint8 (3, H, W) twice and (1, H, W), 1 = hole; finite for any image."""
        raise NotImplementedError

    def reduce(self, rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """The mean over images."""
        return {self.name: math.fsum(row[self.name] for row in rows) / len(rows)}
