"""The mean of what is known in place of the hole."""

import numpy as np

from toolbox.registry import FILLS

# The middle of the range, where an image is all hole.
_NOTHING_KNOWN = 128


@FILLS.register_module()
class Mean:
    """The mean gray of the known pixels, which makes the hole the least conspicuous; 128 where nothing is known.

    Example:
        >>> gray, mask = np.array([[10, 20, 200]], np.uint8), np.array([[0, 0, 1]], np.uint8)
        >>> Mean()(gray, mask, np.random.default_rng(0)).tolist()
        [[10, 20, 15]]
    """

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        known = gray[mask == 0]
        mean = np.rint(known.mean()) if known.size else _NOTHING_KNOWN
        return np.where(mask > 0, np.uint8(mean), gray)
