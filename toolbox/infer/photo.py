"""A photograph and its hole, at full size and at the size that a model works at."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

from toolbox.data.transforms import reduced_shape


class Scale(NamedTuple):
    """How a model's training sized photographs: the config's `data.size` and `data.reduce`."""

    size: int
    reduce: bool

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which a photograph of this size is restored."""
        return reduced_shape(height, width, self.size) if self.reduce else (height, width)


@dataclass
class PreparedPhoto:
    """What is restored.

    Attributes:
        gray: uint8 (H, W), damage and all.
        mask: uint8 (H, W) in {0, 1}, 1 = hole.
        alpha, metadata, notes: see `toolbox.infer.photo_file.PhotoFile`.
        working: damaged gray and mask at the size of each scale that was asked for.
    """

    gray: np.ndarray
    mask: np.ndarray
    alpha: np.ndarray | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    working: dict[Scale, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def prepare(self, scale: Scale) -> None:
        """Fill in `working` for a scale."""
        shape = scale.shape(*self.gray.shape)
        self.working[scale] = reduced(self.gray, self.mask, shape)


def reduced(gray: np.ndarray, mask: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A damaged gray image and its mask at another, smaller size, as training sees them.

    Known pixels are averages over areas, of known pixels alone: the damage does not bleed into its surroundings. The
    mask, and inside it the damage, move by nearest neighbor.

    Args:
        gray: uint8 (H, W).
        mask: uint8 (H, W) in {0, 1}.
        shape: height and width to have.
    """
    if shape == gray.shape:
        return gray, mask
    size = shape[::-1]
    average = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    if not mask.any():
        return average, np.zeros(shape, np.uint8)
    hole = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    known = np.float32(1) - mask
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    known *= gray
    total = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    partly = (share > 1e-3) & (share < 1 - 1e-6)
    average[partly] = np.rint(total[partly] / share[partly]).clip(0, 255).astype(np.uint8)
    damage = cv2.resize(gray, size, interpolation=cv2.INTER_NEAREST)
    return np.where(hole > 0, damage, average), hole
