"""Colors as a distribution over classes of chroma: squares of CIE Lab's a*b* plane that sRGB reaches.

Source: Zhang et al., Colorful Image Colorization, 2016, sections 2.1 (classes), 2.2 (rebalancing) and 2.3 (annealed
mean).
"""

from functools import lru_cache

import torch
from torch import Tensor

from toolbox.images.color import chroma_from_rgb, lab_from_rgb, rgb_from_lab
from toolbox.nn.hue import hue_histogram
from toolbox.scoring.constants import HUE_BINS

BIN_SIZE = 10
_NEIGHBORS, _SIGMA = 5, 5.0
_REACH = 110  # no color of sRGB has an a* or b* beyond it
_SMALLEST_TEMPERATURE = 1e-3


@lru_cache(maxsize=1)
def class_centers() -> Tensor:
    """The classes' a* and b*, float32 (classes, 2): multiples of 10 to which a color of sRGB rounds."""
    level = torch.linspace(0, 1, 86)  # every third byte
    face = torch.cartesian_prod(level, level, torch.tensor([0.0, 1.0]))  # what the gamut's surface does not reach ...
    rgb = torch.cat([face.roll(shift, dims=1) for shift in range(3)]).T[None, ..., None]  # ... its inside does not
    bins = (lab_from_rgb(rgb)[0, 1:, :, 0] / BIN_SIZE).round().long().T
    return (torch.unique(bins, dim=0) * BIN_SIZE).float()


@torch.compiler.assume_constant_result
def class_centers_on(device: torch.device) -> Tensor:
    """`class_centers` on a device, sent there once: a GPU that is sent something each time is waited for each time."""
    return _class_centers_on(device)


def num_classes() -> int:
    """How many classes there are."""
    return len(class_centers())


def encode(rgb: Tensor) -> Tensor:
    """The distribution that stands for known colors: each is spread over its five nearest classes.

    The weights are Gaussian in the distance, of sigma 5 (Zhang et al., section 2.1).

    Args:
        rgb: (N, 3, H, W) in [0, 1].

    Returns:
        (N, classes, H, W); sums over classes are 1.
    """
    nearest, weight = _soft_encoding_on(rgb.device)
    ab = lab_from_rgb(rgb)[:, 1:].round().long().clamp(-_REACH, _REACH) + _REACH
    cell = ab[:, 0] * (2 * _REACH + 1) + ab[:, 1]
    encoded = rgb.new_zeros(len(rgb), num_classes(), *rgb.shape[2:])
    return encoded.scatter_(1, nearest[cell].movedim(-1, 1), weight[cell].movedim(-1, 1).to(rgb.dtype))


def mean_chroma(logits: Tensor, gray: Tensor, temperature: float = 1.0) -> Tensor:
    """The annealed mean of the classes as chroma, at a gray.

    Args:
        logits: (N, classes, H, W).
        gray: (N, 1, H, W) in [0, 1]; a color's lightness is its gray's.
        temperature: 1 for the mean, towards 0 for the likeliest class; Zhang et al. choose 0.38 (section 2.3).

    Returns:
        Cb and Cr of ITU-R BT.601, (N, 2, H, W) in [-0.5, 0.5].
    """
    probability = (logits / max(temperature, _SMALLEST_TEMPERATURE)).softmax(dim=1)
    return chroma_of(torch.einsum('nqhw,qc->nchw', probability, class_centers_on(logits.device)), gray)


def chroma_of(ab: Tensor, gray: Tensor) -> Tensor:
    """Cb and Cr (N, 2, H, W) of a* and b* (N, 2, H, W) at a gray (N, 1, H, W) in [0, 1]."""
    lightness = lab_from_rgb(gray.expand(-1, 3, -1, -1))[:, :1]
    return chroma_from_rgb(rgb_from_lab(torch.cat([lightness, ab], dim=1)))


@lru_cache(maxsize=1)
def class_hues() -> Tensor:
    """Which hues a class's colors have, at several lightnesses: shares, float32 (classes, 180).

    The class around gray has any hue.
    """
    centers = class_centers()
    total = torch.zeros(len(centers), HUE_BINS)
    offsets = torch.linspace(-0.4, 0.4, 5) * BIN_SIZE
    for lightness in (35.0, 50.0, 65.0, 80.0):
        for da in offsets:
            for db in offsets:
                ab = centers + torch.stack([da, db])
                lab = torch.cat([torch.full((len(ab), 1), lightness), ab], dim=1)[..., None, None]
                total += hue_histogram(rgb_from_lab(lab))
    total[(centers == 0).all(1)] = 1
    return total / total.sum(1, keepdim=True)


@lru_cache(maxsize=1)
def _soft_encoding() -> tuple[Tensor, Tensor]:
    """For each a*, b* in whole numbers, its nearest classes int64 (cells, 5) and their weights float32 (cells, 5)."""
    line = torch.arange(-_REACH, _REACH + 1.0)
    cells = torch.cartesian_prod(line, line)
    distance, nearest = torch.cdist(cells, class_centers()).topk(_NEIGHBORS, largest=False)
    weight = torch.exp(-0.5 * (distance / _SIGMA) ** 2).clamp(min=1e-12)
    return nearest, weight / weight.sum(1, keepdim=True)


@lru_cache(maxsize=8)
def _class_centers_on(device: torch.device) -> Tensor:
    return class_centers().to(device)


@lru_cache(maxsize=8)
def _soft_encoding_on(device: torch.device) -> tuple[Tensor, Tensor]:
    nearest, weight = _soft_encoding()
    return nearest.to(device), weight.to(device)
