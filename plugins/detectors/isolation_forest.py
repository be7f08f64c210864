"""Isolation forest."""

import numpy as np

from toolbox.contracts import Outliers
from toolbox.registry import DETECTORS


@DETECTORS.register_module()
class IsolationForest:
    """Outliers are separated from all others by few random cuts through the reduced embedding.

    All images are one cluster, 0, but those that are dropped: they are noise, -1. The score is the paper's, about 0.5
    for ordinary images. It reads few dimensions best: reduce by PCA.

    Source: Liu, Ting & Zhou, Isolation Forest, ICDM 2008, equation 2; computed by scikit-learn.

    Args:
        n_trees: more make the score steadier.
        threshold: images of this score and more are dropped.
    """

    def __init__(self, seed: int, n_trees: int = 200, threshold: float = 0.6) -> None:
        if n_trees < 1 or not 0 < threshold <= 1:
            raise ValueError(
                f'IsolationForest(n_trees={n_trees}, threshold={threshold}): expected 1 or more, and a score in (0, 1]'
            )
        self.seed = seed
        self.n_trees = n_trees
        self.threshold = threshold

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge images by (N, d) reduced embeddings."""
        from sklearn.ensemble import IsolationForest as Forest

        self._forest = Forest(n_estimators=self.n_trees, random_state=self.seed).fit(reduced)
        return self.predict(reduced, embedding)

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge further images."""
        score = -self._forest.score_samples(reduced)
        keep = score < self.threshold
        return Outliers(np.where(keep, 0, -1).astype(np.int64), score.clip(0, 1).astype(np.float32), keep)
