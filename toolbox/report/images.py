"""Pictures inside a page: scaled down and packed into data URIs."""

import base64
import io

import numpy as np
from PIL import Image

_QUALITY = 88
# Errors of this many gray levels and more have the scale's last color.
ERROR_SCALE = 64
# White is no error; then pale yellow, orange, deep red, nearly black.
_ERROR_COLORS = np.array([(255, 255, 255), (254, 224, 144), (244, 109, 67), (165, 15, 50), (40, 5, 25)], float)
_OUTLINE = (0, 150, 170)


def data_uri(image: np.ndarray, longest_side: int = 240) -> str:
    """A JPEG of uint8 (H, W) or (H, W, 3), as an address that contains it; larger images are scaled down."""
    picture = Image.fromarray(image)
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    picture.save(content, 'JPEG', quality=_QUALITY, subsampling=0)
    return 'data:image/jpeg;base64,' + base64.b64encode(content.getvalue()).decode('ascii')


def error_map(output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None = None) -> np.ndarray:
    """Mean absolute error over the channels in color, with the hole outlined.

    Args:
        output: uint8 (H, W, 3).
        truth: uint8 (H, W, 3).
        hole: (H, W), not zero in the hole.

    Returns:
        uint8 (H, W, 3).
    """
    error = np.abs(output.astype(np.int16) - truth).mean(axis=2)
    position = np.minimum(error / ERROR_SCALE, 1) * (len(_ERROR_COLORS) - 1)
    stops = np.arange(len(_ERROR_COLORS))
    colored = np.stack([np.interp(position, stops, channel) for channel in _ERROR_COLORS.T], axis=-1)
    colored = colored.round().astype(np.uint8)
    if hole is not None:
        colored[_border(hole > 0)] = _OUTLINE
    return colored


def _border(region: np.ndarray) -> np.ndarray:
    """The pixels just outside a region, (H, W) bool: what is inside stays visible."""
    padded = np.pad(region, 1)
    grown = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~region
