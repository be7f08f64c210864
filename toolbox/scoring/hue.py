"""Similarity of two images' hue histograms, as OpenCV computes it, made total.

Stands for ``cvtColor(COLOR_RGB2HSV)``, ``calcHist`` of H with 180 bins over [0, 180), ``normalize`` of each histogram
and ``compareHist(HISTCMP_CORREL)``, to the last bit of the hues and the histograms.
"""

import math

import numpy as np
from torch import Tensor

from toolbox.scoring.constants import HUE_BINS
from toolbox.scoring.kernels import kernels_for


def hue_similarity(prediction: Tensor, truth: Tensor) -> float:
    """Correlation in [-1, 1] of the hue histograms of uint8 (3, H, W) images."""
    hue_counts = kernels_for(prediction.device).hue_counts
    return correlation(hue_counts(prediction), hue_counts(truth))


def correlation(counts: np.ndarray, other_counts: np.ndarray) -> float:
    """Correlation of two histograms; 1 where one of them is flat, which is compareHist's rule.

    Args:
        counts: int64 (180,).
        other_counts: int64 (180,).
    """
    flat = any(np.ptp(histogram) == 0 for histogram in (counts, other_counts))
    a, b = _normalized(counts), _normalized(other_counts)
    covariance = a @ b - a.sum() * b.sum() / HUE_BINS
    variances = (a @ a - a.sum() ** 2 / HUE_BINS) * (b @ b - b.sum() ** 2 / HUE_BINS)
    # Below this bound, OpenCV's own, the quotient would be one of rounding errors.
    if flat or variances <= np.finfo(np.float64).eps:
        return 1.0
    return float(covariance / math.sqrt(variances))


def _normalized(counts: np.ndarray) -> np.ndarray:
    """The counts divided by their Euclidean norm in float32, where OpenCV rounds, as float64 (180,)."""
    norm = np.linalg.norm(counts.astype(np.float64))
    return (counts.astype(np.float32) * np.float32(1 / norm)).astype(np.float64)
