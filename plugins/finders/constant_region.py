"""Finds a hole that was filled with one gray value."""

import numpy as np

from toolbox.contracts import Found
from toolbox.registry import FINDERS


@FINDERS.register_module()
class ConstantRegion:
    """The largest 4-connected region of one gray value.

    Args:
        min_area: a region below this share of the image is no hole.
    """

    def __init__(self, min_area: float = 0.002) -> None:
        if not 0 <= min_area <= 1:
            raise ValueError(f'ConstantRegion(min_area={min_area}): expected a share of the image in [0, 1]')
        self.min_area = min_area

    def __call__(self, damaged: np.ndarray) -> Found:
        from skimage.measure import label

        regions = label(damaged, background=-1, connectivity=1)
        area = np.bincount(regions.ravel())
        largest = int(area.argmax())
        if area[largest] < max(2, self.min_area * damaged.size):
            return Found(np.zeros_like(damaged), 0.0)
        runner_up = np.delete(area, largest).max(initial=0)
        return Found((regions == largest).astype(np.uint8), float(1 - runner_up / area[largest]))
