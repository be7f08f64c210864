"""Distance to the nearest neighbors."""

import numpy as np

from toolbox.cleaning.remoteness import Remoteness
from toolbox.contracts import Outliers
from toolbox.registry import DETECTORS


@DETECTORS.register_module()
class KNNDistance:
    """Outliers are far from their nearest neighbors in the full embedding; the reduction is not looked at.

    All images are one cluster, 0, but those that are dropped: they are noise, -1. The score is that of
    `toolbox.cleaning.remoteness.Remoteness`: 0.5 means 3.3 spreads farther away than the median image.

    Source: Ramaswamy, Rastogi & Shim, Efficient Algorithms for Mining Outliers from Large Data Sets, SIGMOD 2000, with
    the mean over the neighbors of Angiulli & Pizzuti, PKDD 2002.

    Args:
        n_neighbors: how many neighbors; larger groups of strangers that resemble one another escape.
        threshold: images of this score and more are dropped.

    Example:
        >>> embedding = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
        >>> embedding[7] += 100
        >>> np.flatnonzero(~KNNDistance(seed=0).fit(embedding, embedding).keep).tolist()
        [7]
    """

    def __init__(self, seed: int, n_neighbors: int = 10, threshold: float = 0.5) -> None:
        if n_neighbors < 1 or not 0 < threshold <= 1:
            raise ValueError(
                f'KNNDistance(n_neighbors={n_neighbors}, threshold={threshold}): expected 1 or more, and a score in '
                '(0, 1]'
            )
        self.seed = seed
        self.n_neighbors = n_neighbors
        self.threshold = threshold

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge images by (N, D) embeddings."""
        self._remoteness = Remoteness(embedding, _no_groups(embedding), self.seed, self.n_neighbors)
        return self._judged(self._remoteness.scores)

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge further images."""
        return self._judged(self._remoteness.of(embedding, _no_groups(embedding)))

    def _judged(self, score: np.ndarray) -> Outliers:
        keep = score < self.threshold
        return Outliers(np.where(keep, 0, -1).astype(np.int64), score, keep)


def _no_groups(embedding: np.ndarray) -> np.ndarray:
    return np.full(len(embedding), -1)
