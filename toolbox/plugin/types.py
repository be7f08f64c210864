"""The data that travels between the parts: batches, what a layout returns, what finders and detectors answer.

Image tensors are float32 (N, C, H, W), RGB order, in [0, 1]; masks are (N, 1, H, W) in {0, 1} and **1 = hole**.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toolbox.images.color import luma, to_float


@dataclass(frozen=True)
class Failure:
    """A file that could not be used, and why, in words."""

    path: str
    reason: str


@dataclass
class Batch:
    """Photographs of one size on their way through the house.

    The loader makes batches of bytes, `to` moves them to a device as bytes and turns them into floats there.

    Attributes:
        names: N names that identify the photographs.
        damaged: (N, 1, H, W), the gray input with its hole filled by damage.
        mask: (N, 1, H, W), the hole as the restorer is told: the drawn one in training, the finder's elsewhere.
        gray: (N, 1, H, W), the true gray.
        rgb: (N, 3, H, W), the true colors.
        hole: (N, 1, H, W), the true hole, for losses and metrics only.
        failures: photographs that could not be read while the batch was made, and that others stand in for.
    """

    names: list[str]
    damaged: Tensor
    mask: Tensor
    gray: Tensor
    rgb: Tensor
    hole: Tensor
    failures: list[Failure] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def _map(self, convert: Callable[[str, Tensor], Tensor]) -> 'Batch':
        tensors = {key: value for key, value in vars(self).items() if isinstance(value, Tensor)}
        converted: dict[str, Any] = {key: convert(key, value) for key, value in tensors.items()}
        return replace(self, **converted)

    def pin_memory(self) -> 'Batch':
        """Called by the data loader when it pins."""
        return self._map(lambda _, tensor: tensor.pin_memory())

    def to(self, device: torch.device | str) -> 'Batch':
        """The batch on a device, as floats: bytes travel, the conversion happens there."""

        def convert(key: str, tensor: Tensor) -> Tensor:
            tensor = tensor.to(device, non_blocking=True)
            if tensor.dtype != torch.uint8:
                return tensor
            return tensor.float() if key in ('mask', 'hole') else to_float(tensor)

        return self._map(convert)

    @classmethod
    def blank(cls, height: int = 64, width: int = 64, num_images: int = 1) -> 'Batch':
        """Mid-gray images with a square hole, to ask a part what it makes of a batch."""
        hole = torch.zeros(num_images, 1, height, width)
        hole[..., : (height + 1) // 2, : (width + 1) // 2] = 1
        gray = torch.full((num_images, 1, height, width), 0.5)
        return cls(['blank'] * num_images, gray, hole, gray, gray.expand(-1, 3, -1, -1), hole)


@dataclass
class Restored:
    """What a stage layout returns.

    Floats nominally in [0, 1], not clipped: gradients survive, and the writer clips once. ``restored[name]`` is what a
    loss on `name` sees; on `gray`, where a layout restores none of its own, the luma of its colors.

    Attributes:
        rgb: (N, 3, H, W).
        gray: (N, 1, H, W), or None where a layout restores no gray of its own.
        extra: further predictions that a loss may be put `on`, by name.
    """

    rgb: Tensor
    gray: Tensor | None = None
    extra: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        if name == 'rgb':
            return self.rgb
        if name == 'gray':
            return luma(self.rgb) if self.gray is None else self.gray
        return self.extra[name]


@dataclass(frozen=True)
class Phase:
    """One turn of a layout that trains its networks in turns (`phases()`, in order).

    What does not train is frozen: no gradients, and eval mode, so that batch normalization keeps its statistics.

    Attributes:
        share: of the run's steps, in (0, 1]; the shares of a layout's phases add up to 1.
        trainable: names of the networks that train, as the layout's attributes.
        losses: names of the targets whose losses count; None for all.
    """

    share: float
    trainable: tuple[str, ...]
    losses: tuple[str, ...] | None = None


@dataclass
class Found:
    """A finder's answer: mask uint8 (H, W) in {0, 1}, possibly empty, and its confidence in [0, 1].

    Of an empty mask, the confidence is that of the likeliest region, which was turned down; 0: there was none.
    """

    mask: np.ndarray
    confidence: float


@dataclass(frozen=True)
class Output:
    """What a layout wants of a network: a map of some resolution, or one vector for the whole photograph.

    A network computes no more than its outputs need: its decoder stops at the finest stride asked for, and a vector
    needs none.

    Attributes:
        channels: how many.
        stride: of a map, (N, channels, H / stride, W / stride), a power of two; None for a vector, (N, channels, 1, 1).
        dropout: share of the features that is left out before the last layer, while training.
        from_zero: whether it begins at zero everywhere: a residual that adds nothing, a distribution that is flat.
    """

    channels: int
    stride: int | None = 1
    dropout: float = 0.0
    from_zero: bool = False


@dataclass
class Outliers:
    """What a detector says of N images.

    Attributes:
        label: int64 (N,), the image's cluster, from 0; -1 = noise, in no cluster.
        score: float32 (N,) in [0, 1], how much the image is an outlier.
        keep: bool (N,), by the detector's rule on the score.
    """

    label: np.ndarray
    score: np.ndarray
    keep: np.ndarray


@dataclass
class Choice:
    """Options that were left open and that a detector chose by the data, with the reason in words."""

    options: dict[str, object]
    reason: str
