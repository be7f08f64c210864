"""From the mean of predictions to the bytes of the photograph: post-processing, full size, known luma."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from toolbox.images.color import gray_from_rgb, replace_luma, to_float, to_uint8
from toolbox.plugin.contracts import PixelwisePostProcess, PostProcess

# Full-size images are finished in strips of about this many pixels, whatever their size.
_STRIP_PIXELS = 2**21


def post_process(rgb: Tensor, damaged: Tensor, mask: Tensor, steps: Sequence[PostProcess]) -> Tensor:
    """Apply a recipe's post-processing, as validation does.

    Args:
        rgb: float32 (N, 3, H, W); may be overwritten.
        damaged, mask: uint8 (N, 1, H, W).
        steps: those that are `pixelwise` get large images in strips, which takes less memory and changes nothing.
    """
    num, _, height, width = rgb.shape
    for step in steps:
        if not (isinstance(step, PixelwisePostProcess) and step.pixelwise) or num * height * width <= _STRIP_PIXELS:
            rgb = step(rgb, to_float(damaged), mask.float())
            continue
        for rows in _strips(height, num * width):
            part = (..., rows, slice(None))
            rgb[part] = step(rgb[part], to_float(damaged[part]), mask[part].float())
    return rgb


def to_photo_size(rgb: Tensor, gray: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, bool]:
    """The bytes of a photograph: enlarged to its size where it was restored at a smaller one, known luma kept.

    Where the size is the photograph's already, the bytes are those of `rgb`, unless a pixel outside the hole is off
    the known luma by more than one level: such pixels get the known luma. Where it is not, colors are enlarged
    bilinearly and every pixel outside the hole gets the luma of the photograph. In the hole color and luma are the
    prediction's.

    Args:
        rgb: float32 (3, h, w), post-processed.
        gray: uint8 (H, W), the photograph.
        mask: uint8 (H, W), 1 = hole.

    Returns:
        uint8 (H, W, 3), and whether `rgb` at the photograph's size did not have the known luma.
    """
    height, width = gray.shape
    enlarged = rgb.shape[-2:] != gray.shape
    if enlarged:
        rgb = _widened(rgb, width)
    output = np.empty((height, width, 3), np.uint8)
    mended = False
    for rows in _strips(height, width):
        known_gray, hole = gray[rows], mask[rows] > 0
        colors = _rows_of(rgb, rows, height) if enlarged else rgb[:, rows]
        pixels = _bytes(colors)
        off = ~hole if enlarged else ~hole & _is_off(pixels, known_gray)
        if off.any():
            target = to_float(torch.from_numpy(known_gray).to(rgb.device))
            kept = _bytes(replace_luma(colors[None], target[None, None])[0])
            pixels = np.where(off[..., None], kept, pixels)
            mended |= not enlarged
        output[rows] = pixels
    return output, mended


def _is_off(pixels: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """bool (H, W): where the luma is more than one level off."""
    return np.abs(gray_from_rgb(pixels).astype(np.int16) - gray) > 1


def _bytes(rgb: Tensor) -> np.ndarray:
    """float (3, H, W) to uint8 (H, W, 3)."""
    if rgb.device.type != 'cpu':
        return cv2.merge(list(to_uint8(rgb).cpu().numpy()))
    return cv2.merge([_channel_bytes(channel) for channel in rgb.numpy()])


def _channel_bytes(values: np.ndarray) -> np.ndarray:
    """`to_uint8` in one thread: waking torch's for each of these short steps costs more than it gains."""
    scaled = values * np.float32(255)
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)


def _strips(height: int, width: int) -> Iterator[slice]:
    rows = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def _widened(rgb: Tensor, width: int) -> Tensor:
    """Bilinear enlargement goes along the axes one by one: across, here, and down, strip by strip, in `_rows_of`."""
    return functional.interpolate(rgb[None], (rgb.shape[1], width), mode='bilinear', align_corners=False)[0]


def _rows_of(rgb: Tensor, rows: slice, height: int) -> Tensor:
    """Some rows of (3, h, W) enlarged to `height` as torch's bilinear interpolation places them."""
    small = rgb.shape[1]
    center = (torch.arange(rows.start, rows.stop, device=rgb.device) + 0.5) * (small / height) - 0.5
    center = center.clamp(0, small - 1)
    above = center.floor().long()
    below = (above + 1).clamp_max(small - 1)
    return torch.lerp(rgb[:, above], rgb[:, below], (center - above)[:, None])
