"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check detectors MyPart
3. Use it: python tools/clean_data.py DIR --out DIR --cfg-options detector.type=MyPart
"""

import numpy as np

from toolbox.contracts import Outliers
from toolbox.registry import DETECTORS


@DETECTORS.register_module()
class MyPart:
    """In one line: what counts as an outlier; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        seed: of everything drawn; the program gives it.
        threshold: images of this score and more are dropped.
    """

    def __init__(self, seed: int, threshold: float = 0.9) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f'MyPart(threshold={threshold}): expected a score in (0, 1]')
        self.threshold = threshold

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge images by reduced (N, d) and full (N, D) embeddings, N >= 10."""
        self._center = np.median(embedding, axis=0)
        self._radius = np.median(np.linalg.norm(embedding - self._center, axis=1)) + 1e-6
        return self.predict(reduced, embedding)

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge further images by what was fitted."""
        distance = np.linalg.norm(embedding - self._center, axis=1) / self._radius
        score = (distance / (distance + 1)).astype(np.float32)
        keep = score < self.threshold
        return Outliers(np.where(keep, 0, -1).astype(np.int64), score, keep)
