"""Test-time augmentation: an image seen in several ways, and each prediction turned back."""

from typing import NamedTuple

import torch
from torch import Tensor


class Symmetry(NamedTuple):
    """A symmetry of the square: a flip from left to right if `flipped`, then `turns` quarter turns counterclockwise."""

    flipped: bool = False
    turns: int = 0

    def apply(self, image: Tensor) -> Tensor:
        """(N, C, H, W) seen this way; odd turns exchange H and W."""
        image = image.flip(-1) if self.flipped else image
        return torch.rot90(image, self.turns, (-2, -1))

    def undo(self, image: Tensor) -> Tensor:
        """What `apply` did, undone."""
        image = torch.rot90(image, -self.turns, (-2, -1))
        return image.flip(-1) if self.flipped else image


# By the name that a person types; in the order in which predictions are added up.
SYMMETRIES: dict[str, tuple[Symmetry, ...]] = {
    'none': (Symmetry(),),
    'flip': (Symmetry(), Symmetry(flipped=True)),
    'd4': tuple(Symmetry(flipped, turns) for flipped in (False, True) for turns in range(4)),
}
