"""The competition's score written down with skimage and OpenCV, as the organizers describe it: the tests' reference.

Slow, and undefined where the formulas are: it raises or gives NaN there.
"""

import cv2
import numpy as np
from skimage.metrics import structural_similarity


def score(truth: np.ndarray, pred: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """uint8 (H, W, 3), (H, W, 3), (H, W) with > 0 = hole."""
    data_range = pred.max() - pred.min()
    ssim = structural_similarity(truth, pred, channel_axis=-1, data_range=data_range)
    hole = mask > 0
    masked_ssim = structural_similarity(truth[hole], pred[hole], channel_axis=-1, data_range=data_range)
    hue_similarity = cv2.compareHist(hue_histogram(truth), hue_histogram(pred), cv2.HISTCMP_CORREL)
    return {
        'score': 0.2 * ssim + 0.4 * masked_ssim + 0.4 * hue_similarity,
        'ssim': ssim,
        'masked_ssim': masked_ssim,
        'hue_similarity': hue_similarity,
    }


def hue_histogram(image: np.ndarray) -> np.ndarray:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    histogram = cv2.calcHist([hsv], [0], None, [180], [0, 180])
    return cv2.normalize(histogram, histogram)
