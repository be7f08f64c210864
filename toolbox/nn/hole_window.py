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
    `torch.compile` traces the former; the latter runs as it is, network and all.

    Args:
        network: (N, 2, h, w), the filled gray and the mask -> (N, 1, h, w).
        damaged: (N, 1, H, W) in [0, 1].
        mask: (N, 1, H, W), > 0.5 = hole.
        side: of the window in training, px.

    Returns:
        (N, 1, H, W); known pixels are those of `damaged`.
    """
    if network.training:
        return _restore_together(network, damaged, mask, side)
    return _restore_each(network, damaged, mask, side)


def _restore_together(network: nn.Module, damaged: Tensor, mask: Tensor, side: int) -> Tensor:
    """Training: nothing of it depends on a value that would have to come back from a GPU first."""
    rows, columns = (_window_indices((mask > 0.5).any(axis).squeeze(1), side) for axis in (-1, -2))
    image = torch.arange(len(mask), device=mask.device).view(-1, 1, 1)
    part = (image, rows[:, :, None], columns[:, None, :])  # (N, h, w) of (N, H, W)
    known, holes = damaged[:, 0][part][:, None], mask[:, 0][part][:, None]
    filled = harmonic_fill(known, holes)
    restored = torch.where(holes > 0.5, filled + network(torch.cat([filled, holes], dim=1)), known)
    return damaged[:, 0].index_put(part, restored[:, 0])[:, None]


def _window_indices(lines: Tensor, side: int) -> Tensor:
    """Where windows of `side` pixels around holes lie, along one axis: bool (N, L) -> int64 (N, min(side, L)).

    A line without a hole gets the window around its middle.
    """
    length = lines.shape[1]
    wanted = min(side, length)
    place = torch.arange(length, device=lines.device)
    first = torch.where(lines, place, length).amin(1)
    last = torch.where(lines, place + 1, 0).amax(1)
    is_empty = last == 0
    first, last = (torch.where(is_empty, length // 2, end) for end in (first, last))
    start = ((first + last - wanted) // 2).clamp(0, length - wanted)
    return start[:, None] + torch.arange(wanted, device=lines.device)


@torch.compiler.disable  # each photograph has a window of its own size, and would be compiled anew
def _restore_each(network: nn.Module, damaged: Tensor, mask: Tensor, side: int) -> Tensor:
    hole = mask > 0.5
    gray = damaged.clone()
    for image in range(len(hole)):
        if not hole[image].any():
            continue
        part = (slice(image, image + 1), *_window(hole[image, 0]).part)
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


def _window(hole: Tensor) -> Window:
    """The window around a hole (H, W) that holds a pixel: as large as hole and margin need."""
    ends = [_ends(hole.any(1 - axis)) for axis in (0, 1)]
    margin = max(_SMALLEST_MARGIN, max(last - first for first, last in ends) // 2)
    starts, lengths = [], []
    for (first, last), length in zip(ends, hole.shape, strict=True):
        wanted = min(length, last - first + 2 * margin)
        starts.append(min(max(0, (first + last - wanted) // 2), length - wanted))
        lengths.append(wanted)
    return Window(*starts, *lengths)


def _ends(line: Tensor) -> tuple[int, int]:
    """First index and one past the last that are true."""
    indices = line.nonzero()
    return int(indices[0]), int(indices[-1]) + 1
