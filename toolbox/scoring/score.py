"""The leaderboard's score: ``0.2 ssim + 0.4 masked_ssim + 0.4 hue_similarity``, exact per image.

One definition serves training, testing, ablations and the scoring of submissions: `score_images` measures images and
`summarize` reduces the rows of any number of them. The parts, and the rules for cases that the formulas leave
undefined, are described in docs/score.md.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from toolbox.scoring.constants import SSIM_WINDOW
from toolbox.scoring.hue import hue_similarity
from toolbox.scoring.ssim import ssim_of_image, ssim_of_pixels

# The leaderboard's formula.
WEIGHTS = {'ssim': 0.2, 'masked_ssim': 0.4, 'hue_similarity': 0.4}


def score_images(prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict]:
    """Score N restored images.

    Each image is measured by itself: its row does not depend on the batch it came in. Tensors on a GPU are measured
    there, all others on the CPU by one thread; the two agree to rounding in float64.

    Args:
        prediction: uint8 (N, 3, H, W), RGB.
        truth: uint8 (N, 3, H, W), RGB.
        hole: (N, 1, H, W); any value but zero is hole.

    Returns:
        One row per image, in order: `score`, `ssim`, `masked_ssim`, `hue_similarity` (floats) and `notes`, the edge
        rules that applied (a tuple of str, nearly always empty).

    Raises:
        ValueError: on other types or shapes.
    """
    _check(prediction, truth, hole)
    if prediction.device.type != 'cuda':
        prediction, truth, hole = prediction.cpu(), truth.cpu(), hole.cpu()
    return [_score_image(*image) for image in zip(prediction.contiguous(), truth.contiguous(), hole, strict=True)]


def summarize(rows: Sequence[Mapping]) -> dict[str, float]:
    """Means over images, exactly the same for any order of the rows: `score`, the three parts, and the count `n`.

    Raises:
        ValueError: without rows there is no mean.
    """
    if not rows:
        raise ValueError('no images were scored: expected at least one row')
    means = {key: math.fsum(row[key] for row in rows) / len(rows) for key in ('score', *WEIGHTS)}
    return {**means, 'n': len(rows)}


def _score_image(prediction: Tensor, truth: Tensor, hole: Tensor) -> dict:
    darkest, brightest = (int(bound) for bound in torch.aminmax(prediction))
    data_range = brightest - darkest
    inside = hole.flatten().nonzero()[:, 0]
    parts = {
        'ssim': ssim_of_image(prediction, truth, data_range),
        'masked_ssim': ssim_of_pixels(prediction.flatten(1)[:, inside], truth.flatten(1)[:, inside], data_range),
        'hue_similarity': hue_similarity(prediction, truth),
    }
    score = sum(weight * parts[key] for key, weight in WEIGHTS.items())
    return {'score': score, **parts, 'notes': _notes(prediction.shape[1:], len(inside), data_range)}


def _notes(size: Sequence[int], hole_area: int, data_range: int) -> tuple[str, ...]:
    """The edge rules that an image met, in words."""
    rules = {
        'constant prediction': data_range == 0,
        f'side under {SSIM_WINDOW} px': min(size) < SSIM_WINDOW,
        'no hole': hole_area == 0,
        f'hole under {SSIM_WINDOW} px': 0 < hole_area < SSIM_WINDOW,
    }
    return tuple(rule for rule, applies in rules.items() if applies)


def _check(prediction: Tensor, truth: Tensor, hole: Tensor) -> None:
    for name, image in (('prediction', prediction), ('truth', truth), ('hole', hole)):
        if not isinstance(image, Tensor):
            raise ValueError(
                f'{name}: expected a torch tensor (N, C, H, W), got {type(image).__name__}; of an array (H, W, C) make '
                'one by torch.from_numpy(array).permute(2, 0, 1)[None]'
            )
    shape = tuple(prediction.shape)
    if prediction.dtype != torch.uint8 or truth.dtype != torch.uint8:
        raise ValueError(
            f'expected uint8 images, got {prediction.dtype} and {truth.dtype}: use toolbox.images.color.to_uint8'
        )
    if len(shape) != 4 or shape[1] != 3 or 0 in shape[2:]:
        raise ValueError(f'expected a prediction of shape (N, 3, H, W), got {shape}')
    if tuple(truth.shape) != shape:
        raise ValueError(f'prediction {shape} and truth {tuple(truth.shape)} differ in shape')
    if tuple(hole.shape) != (shape[0], 1, *shape[2:]):
        raise ValueError(f'expected a hole of shape {(shape[0], 1, *shape[2:])}, got {tuple(hole.shape)}')
