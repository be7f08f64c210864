"""A blurred photograph in the hole: the mildest damage."""

import numpy as np

from toolbox.registry import FILLS


@FILLS.register_module()
class Blur:
    """The photograph itself in the hole, blurred by a Gaussian: its details are lost, its shades are left.

    Args:
        min_sigma: least standard deviation of the Gaussian, in pixels.
        max_sigma: greatest; each hole has one, drawn uniformly.
    """

    def __init__(self, min_sigma: float = 4.0, max_sigma: float = 16.0) -> None:
        if not 0 < min_sigma <= max_sigma:
            raise ValueError(f'Blur(min_sigma={min_sigma}, max_sigma={max_sigma}): expected 0 < min_sigma <= max_sigma')
        self.min_sigma = min_sigma
        self.max_sigma = max_sigma

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        import cv2

        sigma = rng.uniform(self.min_sigma, self.max_sigma)
        blurred = cv2.GaussianBlur(gray, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        return np.where(mask > 0, blurred, gray)
