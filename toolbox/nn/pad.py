"""Sides that suit a network: pad to a multiple, crop back."""

import torch
from torch import Tensor


def pad_to_multiple(x: Tensor, multiple: int, several: bool = False) -> Tensor:
    """Extend an image to the right and below, by reflection, until both sides are multiples of `multiple`.

    The reflection repeats as often as it must (torch's own raises when the padding reaches the side), so that any image
    can be extended, one of 1x1 pixels too. `crop_to` undoes it.

    Args:
        x: (N, C, H, W).
        several: make a batch of one image at least two multiples wide: a BatchNorm that trains cannot normalize the one
            value of a channel that would be left at the deepest feature.
    """
    height, width = x.shape[-2:]
    rows, columns = (-(-side // multiple) * multiple for side in (height, width))
    if several and len(x) == 1 and rows == columns == multiple:
        columns *= 2
    if rows > height:
        x = x.index_select(-2, _reflected(height, rows, x.device))
    if columns > width:
        x = x.index_select(-1, _reflected(width, columns, x.device))
    return x


def crop_to(x: Tensor, height: int, width: int) -> Tensor:
    """The upper left height x width pixels of (N, C, H, W)."""
    return x[..., :height, :width]


def _reflected(side: int, length: int, device: torch.device) -> Tensor:
    """Indices 0..side-1, then back and forth without repeating the edge: side 3 gives 0 1 2 1 0 1 2 ..."""
    period = max(2 * (side - 1), 1)
    steps = torch.arange(length, device=device) % period
    return torch.minimum(steps, period - steps) if side > 1 else torch.zeros_like(steps)
