"""Holes with the outlines of things: neighboring superpixels of the photograph itself."""

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS

# The photograph is segmented at most this large, as SLIC's time grows with the pixels: at 512 px it gets 1 in 16.
_WORK_SIDE = 128
# Smaller images are not segmented: each pixel is a segment.
_MIN_SIDE = 8


@MASKS.register_module()
class Superpixels:
    """A connected group of superpixels of the photograph, which follows the outlines of what it shows.

    Achanta et al. 2012, 'SLIC Superpixels Compared to State-of-the-Art Superpixel Methods', section 3, as
    `skimage.segmentation.slic` implements it. Without a photograph, and on a flat one, the segments are those of a flat
    image: a grid. In images with a side below 8 px every pixel is a segment.

    Args:
        num_segments: how many superpixels to cut the image into, about.
        min_area: smallest wanted share of the image. The hole grows by neighboring segments until it has the area,
            so it may be larger by a segment.
        max_area: largest wanted share.
        compactness: how much nearness counts beside likeness of gray; larger is squarer. SLIC's m, for grays in [0, 1].
    """

    def __init__(
        self, num_segments: int = 100, min_area: float = 0.02, max_area: float = 0.2, compactness: float = 0.1
    ) -> None:
        if num_segments < 2:
            raise ValueError(f'Superpixels(num_segments={num_segments}): expected at least 2')
        if not 0 < min_area <= max_area < 1:
            raise ValueError(
                f'Superpixels(min_area={min_area}, max_area={max_area}): expected 0 < min_area <= max_area < 1'
            )
        if not compactness > 0:
            raise ValueError(f'Superpixels(compactness={compactness}): expected a number above 0')
        self.num_segments = num_segments
        self.min_area = min_area
        self.max_area = max_area
        self.compactness = compactness

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray:
        require_room_for_a_hole(height, width)
        if gray is None:
            gray = np.full((height, width), 128, np.uint8)
        segments = self._segments(gray)
        areas = np.bincount(segments.ravel())
        neighbors = _neighbors(segments)

        chosen = {int(rng.integers(len(areas)))}
        area = areas[list(chosen)].sum()
        wanted = rng.uniform(self.min_area, self.max_area) * height * width
        while area < wanted and len(chosen) < len(areas) - 1:
            beside = sorted(set().union(*(neighbors[segment] for segment in chosen)) - chosen)
            segment = beside[rng.integers(len(beside))]
            chosen.add(segment)
            area += areas[segment]
        return np.isin(segments, list(chosen)).astype(np.uint8)

    def _segments(self, gray: np.ndarray) -> np.ndarray:
        """int (H, W): the number of each pixel's segment, 0, 1, 2 ..., at least two of them."""
        if min(gray.shape) < _MIN_SIDE:
            return np.arange(gray.size).reshape(gray.shape)

        import cv2
        from skimage.segmentation import slic

        scale = min(1, _WORK_SIDE / max(gray.shape))
        height, width = (max(_MIN_SIDE, round(side * scale)) for side in gray.shape)
        small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA) / 255
        labels = slic(small, self.num_segments, self.compactness, channel_axis=None, start_label=0)
        if labels.max() == 0:  # SLIC may join all it has into one
            labels[:, width // 2 :] = 1
        rows, columns = (np.arange(side) * work // side for side, work in zip(gray.shape, labels.shape, strict=True))
        return np.unique(labels[np.ix_(rows, columns)], return_inverse=True)[1].reshape(gray.shape)


def _neighbors(segments: np.ndarray) -> list[set[int]]:
    """For each segment the segments that share a border with it."""
    across = np.stack([segments[:, 1:].ravel(), segments[:, :-1].ravel()], axis=1)
    down = np.stack([segments[1:].ravel(), segments[:-1].ravel()], axis=1)
    neighbors: list[set[int]] = [set() for _ in range(segments.max() + 1)]
    pairs = np.concatenate([across, down])
    for a, b in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist():
        neighbors[a].add(b)
        neighbors[b].add(a)
    return neighbors
