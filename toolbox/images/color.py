"""The one place that converts between color, gray, bytes and floats.

Gray is ITU-R BT.601 luma. For bytes it is rounded exactly as ``PIL.Image.convert('L')`` rounds it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

# Pillow's 16-bit fixed-point weights (libImaging/Convert.c); they add up to 65536.
_RED, _GREEN, _BLUE = 19595, 38470, 7471
LUMA_WEIGHTS = (_RED / 65536, _GREEN / 65536, _BLUE / 65536)
# So many pixels stay in a core's cache with the intermediate results of `replace_luma`.
_STRIP_PIXELS = 2**15


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


def replace_luma(rgb: Tensor, gray: Tensor, where: Tensor | None = None) -> Tensor:
    """`with_luma`, without gradients: bit for bit the same, on CPU in a fraction of the time.

    On CPU one thread goes through the image in strips that stay in its cache; for torch, each step is a pass through
    memory, for which it wakes all threads.

    Args:
        rgb: (N, 3, H, W), finite, not necessarily in [0, 1].
        gray: (N, 1, H, W) in [0, 1], the luma to have.
        where: bool (N, 1, H, W), which pixels get it, the others stay as they are; None: all.

    Returns:
        (N, 3, H, W), in [0, 1] where the luma was replaced.
    """
    rgb, gray = rgb.detach(), gray.detach()
    if not all(image.device.type == 'cpu' and image.dtype == torch.float32 for image in (rgb, gray)):
        replaced = with_luma(rgb, gray).to(rgb.dtype)
        return replaced if where is None else torch.where(where, replaced, rgb)
    return _replace_luma_in_strips(rgb, gray, where)


@torch.compiler.disable  # NumPy's
def _replace_luma_in_strips(rgb: Tensor, gray: Tensor, where: Tensor | None) -> Tensor:
    result = torch.empty(rgb.shape)
    height, width = rgb.shape[-2:]
    rows = max(1, _STRIP_PIXELS // width)
    stays = None if where is None else ~where.numpy()
    for image in range(len(rgb)):
        colors, target, out = rgb[image].numpy(), gray[image, 0].numpy(), result[image].numpy()
        for start in range(0, height, rows):
            strip = slice(start, start + rows)
            _write_with_luma(colors[:, strip], target[strip], out[:, strip])
            if stays is not None:
                np.copyto(out[:, strip], colors[:, strip], where=stays[image, :, strip])
    return result


def _write_with_luma(rgb: np.ndarray, gray: np.ndarray, out: np.ndarray) -> None:
    """`with_luma` of (3, H, W) and (H, W), float32, into (3, H, W).

    Of the channels that run into one wall, the one furthest from gray has the least room in proportion: two divisions
    are enough for three channels. Differences and quotients round monotonously, so that the bits are the same.
    """
    one, tiny = np.float32(1), np.float32(1e-9)
    red, green, blue = map(np.float32, LUMA_WEIGHTS)
    own, term = red * rgb[0], green * rgb[1]
    own += term
    own += np.multiply(blue, rgb[2], out=term)
    above = np.maximum(rgb[0], rgb[1], out=term)
    above = np.maximum(above, rgb[2], out=above)
    above -= own
    white_room = one - gray
    white_room /= np.maximum(above, tiny)
    np.copyto(white_room, one, where=above <= 0)  # no channel runs into white
    below = np.minimum(rgb[0], rgb[1], out=term)
    below = np.minimum(below, rgb[2], out=below)
    np.subtract(own, below, out=below)
    black_room = gray / np.maximum(below, tiny)
    np.copyto(black_room, one, where=below < 0)
    scale = np.minimum(white_room, black_room, out=white_room)
    np.minimum(scale, one, out=scale)
    for channel, result in zip(rgb, out, strict=True):
        np.subtract(channel, own, out=result)
        result *= scale
        result += gray
        np.maximum(result, 0, out=result)
        np.minimum(result, one, out=result)


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


# CIE XYZ of sRGB's primaries (IEC 61966-2-1), each row divided by the white point's, D65.
_XYZ_FROM_RGB = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)
_RGB_FROM_XYZ = tuple(map(tuple, np.linalg.inv(np.array(_XYZ_FROM_RGB)).tolist()))
_LAB_KNEE = 6 / 29


def lab_from_rgb(rgb: Tensor) -> Tensor:
    """CIE L*, a*, b* (D65) of sRGB: (N, 3, H, W) in [0, 1] -> (N, 3, H, W); L* in [0, 100].

    Equal to ``skimage.color.rgb2lab`` to rounding.
    """
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = _mixed(linear, _XYZ_FROM_RGB)
    root = xyz.clamp(min=_LAB_KNEE**3) ** (1 / 3)
    x, y, z = torch.where(xyz > _LAB_KNEE**3, root, xyz / (3 * _LAB_KNEE**2) + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def rgb_from_lab(lab: Tensor) -> Tensor:
    """sRGB of CIE L*, a*, b* (D65), drawn to the gamut channel by channel; (N, 3, H, W) in and out, [0, 1]."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    xyz = torch.where(f > _LAB_KNEE, f**3, 3 * _LAB_KNEE**2 * (f - 4 / 29))
    linear = _mixed(xyz, _RGB_FROM_XYZ).clamp(0, 1)
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curved, 12.92 * linear)


def _mixed(image: Tensor, weights: Sequence[Sequence[float]]) -> Tensor:
    """Weighted sums of three channels, (N, 3, H, W) in and out.

    Sums instead of a matrix product: GPUs would round it to ten bits (TF32), and its matrix would have to travel there
    with each call, which waits for all that was asked of the GPU before.
    """
    x, y, z = image.unbind(1)
    return torch.stack([a * x + b * y + c * z for a, b, c in weights], dim=1)


def to_float(image: Tensor) -> Tensor:
    """Bytes 0..255 to float32 in [0, 1]."""
    return image.to(torch.float32).div_(255)


def to_uint8(image: Tensor) -> Tensor:
    """Floats to the nearest byte; what lies outside [0, 1] is clipped. Inverse of `to_float`."""
    return image.detach().float().mul(255).round_().clamp_(0, 255).to(torch.uint8)
