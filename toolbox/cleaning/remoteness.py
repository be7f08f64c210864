"""How far an image lies from the others: the score behind every statement that something does not belong."""

import numpy as np

# Distances are measured to a sample of the images: linear in their number, and hardly worse than to all of them
# (Sugiyama & Borgwardt, Rapid Distance-Based Outlier Detection via Sampling, NeurIPS 2013).
_REFERENCES = 1024
_ROWS_AT_ONCE = 4096
_TINY = 1e-6  # distances below are rounding
# An image this many spreads farther from its neighbors than the median image has the score 0.5.
_SPREADS_AT_HALF = 3.3
# The spread is that of the images nearer than the median; a normal distribution has 0.6745 deviations between these
# quantiles. Outliers are among the other images, and do not hide behind a spread that they make themselves.
_LOWER, _MIDDLE, _DEVIATIONS = 0.25, 0.5, 0.6745


class Remoteness:
    """Scores images by the distance to their nearest neighbors, compared with that of the other images.

    The distance d of an image is the mean over the farther half of its nearest neighbors, so that a handful of images
    that resemble one another are far from the rest all the same. Of the logarithms of all distances the median m and
    the spread s of the lower half are taken; the image's score is z / (z + 3.3), z = max(0, (log d - m) / s): 0 up to
    the median, 0.5 where it lies 3.3 spreads above, towards 1 far away.

    Args:
        points: (N, D) float32, N >= 2.
        groups: int64 (N,), images of equal group are no neighbors of each other: what makes a larger set of strangers
            that resemble one another stand out. -1: in no group.
        seed: of the sample of images that distances are measured to.
        count: how many neighbors, at most; fewer of few images.
    """

    def __init__(self, points: np.ndarray, groups: np.ndarray, seed: int, count: int = 10) -> None:
        rows = np.arange(len(points))
        if len(points) > _REFERENCES:
            rows = np.sort(np.random.default_rng((seed, len(points))).choice(len(points), _REFERENCES, replace=False))
        self._references, self._groups, self._rows = points[rows], groups[rows], rows
        self._count = min(count, max(3, len(points) // 10), len(points) - 1)
        distances = self._log_distances(points, groups, np.arange(len(points)))
        lower, self._median = np.quantile(distances, (_LOWER, _MIDDLE))
        self._spread = max((self._median - lower) / _DEVIATIONS, 1e-6)
        self.scores = self._scores(distances)

    def of(self, points: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Scores of further images: (M, D) float32 and int64 (M,) -> float32 (M,) in [0, 1]."""
        return self._scores(self._log_distances(points, groups, np.full(len(points), -1)))

    def _scores(self, distances: np.ndarray) -> np.ndarray:
        spreads = np.maximum(0, (distances - self._median) / self._spread)
        return (spreads / (spreads + _SPREADS_AT_HALF)).astype(np.float32)

    def _log_distances(self, points: np.ndarray, groups: np.ndarray, rows: np.ndarray) -> np.ndarray:
        farther_half = slice(self._count // 2, self._count)
        parts = [np.empty(0)]
        for start in range(0, len(points), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            squared = squared_distances(points[part], self._references)
            same = (groups[part, None] == self._groups) & (groups[part, None] >= 0)
            squared[same | (rows[part, None] == self._rows)] = np.inf
            nearest = np.sort(np.partition(squared, self._count - 1, axis=1)[:, : self._count], axis=1)[:, farther_half]
            # An image with nearly all others in its group is as far away as any two are.
            nearest = np.where(np.isfinite(nearest), nearest, squared[np.isfinite(squared)].max(initial=0))
            parts.append(np.log(np.maximum(np.sqrt(nearest).mean(axis=1, dtype=np.float64), _TINY)))
        return np.concatenate(parts)


def squared_distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, (N, D) and (M, D) float32 -> (N, M) float32, never negative."""
    squared = points @ others.T
    squared *= -2
    squared += np.einsum('ij,ij->i', points, points)[:, None]
    squared += np.einsum('ij,ij->i', others, others)
    return np.maximum(squared, 0, out=squared)
