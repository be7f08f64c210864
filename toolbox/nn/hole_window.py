"""A hole restored by a network that sees a window around it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from toolbox.nn.harmonic import harmonic_fill

_SMALLEST_MARGIN = 16


class Window(NamedTuple):
    """Part of an image: from `top` and `left` on, `height` x `width` pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def part(self) -> tuple:
        """The index that cuts it out of (..., H, W)."""
        return (..., slice(self.top, self.top + self.height), slice(self.left, self.left + self.width))


def restore_hole(network: nn.Module, damaged: Tensor, mask: Tensor, side: int) -> Tensor:
    """The gray with its hole filled: harmonically, and by what the network adds to that.

    Training, the network sees one window of `side` pixels for each image, all in one batch. Otherwise the window holds
    the hole and a margin of half its size, and is reduced to 2 `side` pixels where it is larger: the harmonic fill has
    the photograph's resolution, what the network adds has that of the window. An image without a hole costs nothing.

    Args:
        network: (N, 2, h, w), the filled gray and the mask -> (N, 1, h, w).
        damaged: (N, 1, H, W) in [0, 1].
        mask: (N, 1, H, W), > 0.5 = hole.
        side: of the window in training, px.

    Returns:
        (N, 1, H, W); known pixels are those of `damaged`.
    """
    hole = mask > 0.5
    windows = [_window(image[0], side if network.training else None) for image in hole]
    gray = damaged.clone()
    if network.training:
        known, holes = (torch.stack([x[i][w.part] for i, w in enumerate(windows)]) for x in (damaged, mask))
        filled = harmonic_fill(known, holes)
        restored = torch.where(holes > 0.5, filled + network(torch.cat([filled, holes], dim=1)), known)
        for image, window in enumerate(windows):
            gray[image][window.part] = restored[image]
        return gray
    for image, window in enumerate(windows):
        if not hole[image].any():
            continue
        part = (slice(image, image + 1), *window.part)
        filled = harmonic_fill(damaged[part], mask[part])
        added = _added(network, filled, mask[part], 2 * side)
        gray[part] = torch.where(hole[part], filled + added, damaged[part])
    return gray


def _added(network: nn.Module, filled: Tensor, mask: Tensor, largest: int) -> Tensor:
    seen, size = torch.cat([filled, mask], dim=1), filled.shape[-2:]
    if max(size) <= largest:
        return network(seen)
    factor = largest / max(size)
    small = [max(1, round(length * factor)) for length in size]
    added = network(functional.interpolate(seen, small, mode='area'))
    return functional.interpolate(added, size, mode='bilinear', align_corners=False)


def _window(hole: Tensor, side: int | None) -> Window:
    """The window around a hole (H, W): of `side` pixels, or, for None, as large as hole and margin need."""
    ends = [_ends(hole.any(1 - axis)) for axis in (0, 1)]
    margin = max(_SMALLEST_MARGIN, max(last - first for first, last in ends) // 2)
    starts, lengths = [], []
    for (first, last), length in zip(ends, hole.shape, strict=True):
        wanted = min(length, last - first + 2 * margin if side is None else side)
        starts.append(min(max(0, (first + last - wanted) // 2), length - wanted))
        lengths.append(wanted)
    return Window(*starts, *lengths)


def _ends(line: Tensor) -> tuple[int, int]:
    """First index and one past the last that are true; the middle of a line where none is."""
    indices = line.nonzero()
    return (int(indices[0]), int(indices[-1]) + 1) if len(indices) else (len(line) // 2, len(line) // 2)
