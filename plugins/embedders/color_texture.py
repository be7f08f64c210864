"""Colors, edges and texture of an image by hand-made descriptors: no weights, no network."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from toolbox.registry import EMBEDDERS

_LAB_RANGES = ((0, 100), (-60, 60), (-60, 60))
# Neighbors on a circle, and its radius in px: fine and coarse texture.
_LBP_SCALES = ((8, 1), (16, 3))
# Weights of color, edges and texture, each divided by the median distance between two photographs. Texture counts most:
# photographs differ in color and layout more than a photograph differs from a page of text, but hardly in texture.
_COLOR, _EDGES, _TEXTURE = 0.25 / 1.09, 0.25 / 1.47, 1 / 0.235


@EMBEDDERS.register_module()
class ColorTexture:
    """Histogram of colors (CIELAB), histograms of oriented gradients, local binary patterns.

    A square root turns Euclidean distances between histograms into Hellinger distances. The three parts are weighted so
    that texture decides.

    Sources: Dalal & Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005, section 6; Ojala,
    Pietikainen & Maenpaa, Multiresolution Gray-Scale and Rotation Invariant Texture Classification with Local Binary
    Patterns, PAMI 2002, section 2; Arandjelovic & Zisserman, Three Things Everyone Should Know to Improve Object
    Retrieval, CVPR 2012, section 2 (the square root).

    Args:
        side: images are resized to this square, px; a multiple of 4.
        color_bins: bins of lightness, a* and b*.
        batch_size: images per call; it changes nothing but the rhythm of work.

    Example:
        >>> embedder = ColorTexture()
        >>> embedder(embedder.prepare(np.zeros((20, 30, 3), np.uint8))[None]).dtype
        dtype('float32')
    """

    def __init__(self, side: int = 128, color_bins: Sequence[int] = (6, 8, 8), batch_size: int = 64) -> None:
        if side < 16 or side % 4:
            raise ValueError(f'ColorTexture(side={side}): expected a multiple of 4, 16 or more')
        if len(color_bins) != 3 or min(color_bins) < 1:
            raise ValueError(f'ColorTexture(color_bins={color_bins}): expected three numbers of bins, like (6, 8, 8)')
        self.side = side
        self.color_bins = tuple(color_bins)
        self.batch_size = batch_size
        self.identity = f'ColorTexture 1, {side} px, {"x".join(map(str, color_bins))} bins'

    def prepare(self, rgb: np.ndarray) -> np.ndarray:
        """The descriptor of one image: uint8 (H, W, 3) -> float32 (D,)."""
        from skimage.color import rgb2lab

        square = Image.fromarray(rgb).resize((self.side, self.side), Image.Resampling.BOX, reducing_gap=3)
        gray = np.asarray(square.convert('L'))
        parts = (
            _COLOR * np.sqrt(self._colors(rgb2lab(np.asarray(square)))),
            _EDGES * np.sqrt(self._edges(gray)),
            _TEXTURE * np.sqrt(_texture(gray)),
        )
        return np.concatenate(parts).astype(np.float32)

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        """The work was done by `prepare`, in the workers."""
        return prepared

    def _colors(self, lab: np.ndarray) -> np.ndarray:
        lab = lab.reshape(-1, 3).clip(*np.transpose(_LAB_RANGES))
        return np.histogramdd(lab, self.color_bins, _LAB_RANGES)[0].ravel() / len(lab)

    def _edges(self, gray: np.ndarray) -> np.ndarray:
        from skimage.feature import hog

        cell = self.side // 4
        return hog(gray / 255, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(4, 4))


def _texture(gray: np.ndarray) -> np.ndarray:
    from skimage.feature import local_binary_pattern

    histograms = []
    for neighbors, radius in _LBP_SCALES:
        codes = local_binary_pattern(gray, neighbors, radius, method='uniform')
        histograms.append(np.bincount(codes.astype(np.int64).ravel(), minlength=neighbors + 2) / codes.size)
    return np.concatenate(histograms)
