"""The leaderboard's score: ``0.2 ssim + 0.4 masked_ssim + 0.4 hue_similarity``, exact per image.

One definition serves training, testing, ablations and the scoring of submissions: `score_images` measures images and
`summarize` reduces the rows of any number of them. The parts and the rules for the cases that the formulas leave
undefined are described in docs/score.md.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

# The leaderboard's formula.
WEIGHTS = {'ssim': 0.2, 'masked_ssim': 0.4, 'hue_similarity': 0.4}

_WINDOW = 7


def score_images(prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict]:
    """Score N restored images.

    Args:
        prediction: uint8 (N, 3, H, W), RGB.
        truth: uint8 (N, 3, H, W), RGB.
        hole: uint8 or bool (N, 1, H, W); any value but zero is hole.

    Returns:
        One row per image, in order: `score`, `ssim`, `masked_ssim`, `hue_similarity` (floats) and `notes`, the edge
        rules that applied (a tuple of str, nearly always empty).
    """
    images = (tensor.permute(0, 2, 3, 1).cpu().numpy() for tensor in (prediction, truth, hole))
    return [_score_image(*image) for image in zip(*images, strict=True)]


def summarize(rows: Sequence[Mapping]) -> dict[str, float]:
    """Means over images, whatever the order of the rows: `score`, `ssim`, `masked_ssim`, `hue_similarity`, and `n`."""
    if not rows:
        raise ValueError('no images were scored: expected at least one row')
    means = {key: math.fsum(row[key] for row in rows) / len(rows) for key in ('score', *WEIGHTS)}
    return {**means, 'n': len(rows)}


def _score_image(prediction: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> dict:
    notes = []
    data_range = int(prediction.max()) - int(prediction.min())
    inside = hole[..., 0] > 0
    parts = {'ssim': _ssim(truth, prediction, data_range)}
    if inside.any():
        parts['masked_ssim'] = _ssim(truth[inside], prediction[inside], data_range)
    else:
        parts['masked_ssim'] = 1.0
        notes.append('no hole')
    if data_range == 0:
        notes.append('constant prediction')
    parts['hue_similarity'] = _hue_similarity(truth, prediction)
    score = sum(weight * parts[key] for key, weight in WEIGHTS.items())
    return {'score': score, **parts, 'notes': tuple(notes)}


def _ssim(truth: np.ndarray, prediction: np.ndarray, data_range: int) -> float:
    from skimage.metrics import structural_similarity

    if data_range == 0:
        return float(np.array_equal(truth, prediction))
    side = min(*truth.shape[:-1], _WINDOW)
    window = side if side % 2 else side - 1
    if window == 1:
        x, y, c1 = truth.astype(float), prediction.astype(float), (0.01 * data_range) ** 2
        return float(np.mean((2 * x * y + c1) / (x**2 + y**2 + c1)))
    return float(structural_similarity(truth, prediction, channel_axis=-1, data_range=data_range, win_size=window))


def _hue_similarity(truth: np.ndarray, prediction: np.ndarray) -> float:
    import cv2

    histograms = []
    for image in (truth, prediction):
        hue = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
        histogram = cv2.calcHist([hue], [0], None, [180], [0, 180])
        histograms.append(cv2.normalize(histogram, histogram))
    return float(cv2.compareHist(*histograms, cv2.HISTCMP_CORREL))
