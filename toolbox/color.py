"""The one place that converts between color, gray, bytes and floats.

Gray is ITU-R BT.601 luma. For bytes it is rounded exactly as ``PIL.Image.convert('L')`` rounds it.
"""

import numpy as np
import torch
from torch import Tensor

# Pillow's 16-bit fixed-point weights (libImaging/Convert.c); they add up to 65536.
_RED, _GREEN, _BLUE = 19595, 38470, 7471
LUMA_WEIGHTS = (_RED / 65536, _GREEN / 65536, _BLUE / 65536)


def gray_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """Luma of an image, equal to ``PIL.Image.convert('L')`` in every pixel.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        uint8 (H, W).
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f'expected a uint8 image (H, W, 3), got {rgb.dtype} {rgb.shape}')
    luma = rgb[..., 0] * np.uint32(_RED)
    luma += rgb[..., 1] * np.uint32(_GREEN)
    luma += rgb[..., 2] * np.uint32(_BLUE)
    luma += np.uint32(0x8000)
    return (luma >> 16).astype(np.uint8)


def luma(rgb: Tensor) -> Tensor:
    """Unrounded luma of float images: (N, 3, H, W) -> (N, 1, H, W), in the range of the input."""
    red, green, blue = LUMA_WEIGHTS
    return red * rgb[:, 0:1] + green * rgb[:, 1:2] + blue * rgb[:, 2:3]


def with_luma(rgb: Tensor, gray: Tensor) -> Tensor:
    """The colors of `rgb` with another luma, inside the gamut.

    The difference in luma is added to all channels; where that leaves [0, 1], the color is drawn towards its gray,
    along a line of constant luma, just as far as it must be.

    Args:
        rgb: (N, 3, H, W), not necessarily in [0, 1].
        gray: (N, 1, H, W) in [0, 1], the luma to have.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    chroma = rgb - luma(rgb)
    room = torch.where(chroma > 0, 1 - gray, gray)  # from gray to the wall that the channel runs into
    scale = (room / chroma.abs().clamp_min(1e-9)).amin(1, keepdim=True).clamp_max(1)
    return (gray + scale * chroma).clamp(0, 1)


def chroma_from_rgb(rgb: Tensor) -> Tensor:
    """Cb and Cr of ITU-R BT.601: (N, 3, H, W) in [0, 1] -> (N, 2, H, W) in [-0.5, 0.5]."""
    red, _, blue = LUMA_WEIGHTS
    gray = luma(rgb)
    return torch.cat([(rgb[:, 2:3] - gray) / (2 - 2 * blue), (rgb[:, 0:1] - gray) / (2 - 2 * red)], dim=1)


def rgb_from_chroma(gray: Tensor, chroma: Tensor) -> Tensor:
    """The colors with luma (N, 1, H, W) and chroma (N, 2, H, W), possibly outside [0, 1]."""
    weight_red, weight_green, weight_blue = LUMA_WEIGHTS
    blue = (2 - 2 * weight_blue) * chroma[:, 0:1]
    red = (2 - 2 * weight_red) * chroma[:, 1:2]
    green = -(weight_red * red + weight_blue * blue) / weight_green
    return gray + torch.cat([red, green, blue], dim=1)


def to_float(image: Tensor) -> Tensor:
    """Bytes 0..255 to float32 in [0, 1]."""
    return image.to(torch.float32).div_(255)


def to_uint8(image: Tensor) -> Tensor:
    """Floats to the nearest byte; what lies outside [0, 1] is clipped. Inverse of `to_float`."""
    return image.detach().float().mul(255).round_().clamp_(0, 255).to(torch.uint8)
