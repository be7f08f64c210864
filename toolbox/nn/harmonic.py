"""Holes filled as smoothly as their rim allows."""

import torch
from torch import Tensor
from torch.nn import functional


@torch.no_grad()
def harmonic_fill(image: Tensor, mask: Tensor, sweeps: int = 6) -> Tensor:
    """The hole filled by a nearly harmonic function: each pixel is the mean of its four neighbors.

    It meets the known pixels at the rim without an edge. Laplace's equation by a cascade of resolutions: solved on
    half the resolution first, enlarged, and relaxed `sweeps` times (Bornemann and Deuflhard, The cascadic multigrid
    method for elliptic problems, 1996).

    Args:
        image: (N, C, H, W).
        mask: (N, 1, H, W), > 0.5 = hole; what the image holds there does not matter.
        sweeps: relaxations (Jacobi's) at each resolution.

    Returns:
        (N, C, H, W); 0.5 where an image is nothing but hole.
    """
    hole = mask > 0.5
    # Nothing asks whether a hole is left at a resolution: on a GPU the answer would be waited for, six times a batch.
    known = (~hole).to(image.dtype)
    if max(image.shape[-2:]) == 1:
        return torch.where(hole, torch.full_like(image, 0.5), image)
    share = functional.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    coarse = functional.avg_pool2d(image * known, 2, ceil_mode=True, count_include_pad=False) / share.clamp(min=1e-6)
    coarse = harmonic_fill(coarse, (share <= 0).to(image.dtype), sweeps)
    filled = functional.interpolate(coarse, image.shape[-2:], mode='bilinear', align_corners=False)
    filled = torch.where(hole, filled, image)
    for _ in range(sweeps):
        padded = functional.pad(filled, (1, 1, 1, 1), mode='replicate')
        mean = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
        filled = torch.where(hole, mean / 4, filled)
    return filled
