"""For the tests of losses: photographs, and the leaderboard's parts written down as the competition has them."""

import cv2
import numpy as np
import torch
from skimage import data
from skimage.metrics import structural_similarity
from torch import Tensor

from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import LOSSES

discover_plugins()


def build(name: str, **options):
    torch.manual_seed(0)
    return LOSSES.build(dict(type=name, **options))


def photographs() -> np.ndarray:
    """Three photographs, uint8 (3, 96, 120, 3)."""
    photos = [data.astronaut()[60:252, 120:360], data.coffee()[80:272, 160:400], data.chelsea()[40:232, 100:340]]
    return np.stack([cv2.resize(photo, (120, 96), interpolation=cv2.INTER_AREA) for photo in photos])


def predictions(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """What a middling restorer might return: paler, tinted, noisy; uint8 like the truth."""
    gray = truth.mean(-1, keepdims=True)
    noise = np.random.default_rng(seed).normal(0, 3, truth.shape)
    return np.clip(gray + 0.7 * (truth - gray) + [5, 0, -5] + noise, 0, 255).round().astype(np.uint8)


def holes(number: int, height: int, width: int) -> np.ndarray:
    """Disks and triangles of different sizes, uint8 (number, height, width)."""
    masks = np.zeros((number, height, width), np.uint8)
    for i, mask in enumerate(masks):
        if i % 2:
            cv2.fillPoly(mask, [np.array([[5, 10 + 3 * i], [width - 20, 5], [width // 2, height - 8]])], 1)
        else:
            cv2.circle(mask, (width // 2, height // 2), 12 + 3 * i, 1, -1)
    return masks


def images(array: np.ndarray) -> Tensor:
    """uint8 (N, H, W, 3) -> float32 (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(array).permute(0, 3, 1, 2).float() / 255


def masks(array: np.ndarray) -> Tensor:
    """uint8 (N, H, W) -> float32 (N, 1, H, W)."""
    return torch.from_numpy(array)[:, None].float()


def written(prediction: Tensor) -> np.ndarray:
    """The bytes that would be written: (N, 3, H, W) -> uint8 (N, H, W, 3)."""
    return (prediction.detach() * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def ssim_metric(truth: np.ndarray, prediction: np.ndarray, **options) -> float:
    span = int(prediction.max()) - int(prediction.min())
    return structural_similarity(truth, prediction, channel_axis=-1, data_range=span, **options)


def masked_ssim_metric(truth: np.ndarray, prediction: np.ndarray, hole: np.ndarray, **options) -> float:
    span = int(prediction.max()) - int(prediction.min())
    inside = hole > 0
    return structural_similarity(truth[inside], prediction[inside], channel_axis=-1, data_range=span, **options)


def hue_metric(truth: np.ndarray, prediction: np.ndarray) -> float:
    histograms = []
    for image in (truth, prediction):
        histogram = cv2.calcHist([cv2.cvtColor(image, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180])
        histograms.append(cv2.normalize(histogram, histogram))
    return cv2.compareHist(*histograms, cv2.HISTCMP_CORREL)


def numerical_gradient_agrees(loss, pred: Tensor, target: Tensor, mask: Tensor) -> bool:
    """torch's gradcheck in float64, for losses that are smooth at `pred`."""
    pred = pred.double().requires_grad_()
    return torch.autograd.gradcheck(lambda x: loss(x, target.double(), mask), pred, eps=1e-6, atol=1e-6)
