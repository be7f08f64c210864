"""What to make of a distribution over classes of chroma: colors for a person, or colors for the score."""

import torch
from torch import Tensor
from torch.nn import functional

from toolbox.images.color import replace_luma, rgb_from_chroma
from toolbox.nn.chroma_classes import chroma_of, class_centers_on, mean_chroma
from toolbox.nn.hue import colored, hue_and_chroma, matched_hues

# Of the guided filter: its radius in pixels of the small photograph, and the variance of gray that counts as an edge.
_RADIUS, _EDGE = 4, 1e-3


@torch.no_grad()
def natural(gray: Tensor, small: Tensor, classes: Tensor, temperature: float, strength: float) -> Tensor:
    """Colors for a person: the annealed mean of the classes, following the photograph's edges.

    Chroma is a linear function of gray in each neighborhood of the small photograph, and that function is enlarged
    (He and Sun, Fast guided filter, 2015): cells of colors are wide, and would stain what lies beside an edge.

    Args:
        gray: (N, 1, H, W) in [0, 1], the luma to have.
        small: (N, 1, h, w) in [0, 1], the photograph at the size at which colors were predicted.
        classes: logits (N, classes, h / s, w / s).
        temperature: of the mean, see `mean_chroma`.
        strength: factor on the chroma.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    cells = functional.adaptive_avg_pool2d(small, classes.shape[-2:])
    chroma = _enlarged(strength * mean_chroma(classes, cells, temperature), small.shape[-2:])
    mean_gray, mean = _box(small), _box(chroma)
    slope = (_box(small * chroma) - mean_gray * mean) / (_box(small * small) - mean_gray**2 + _EDGE)
    offset = mean - slope * mean_gray
    chroma = _enlarged(_box(slope), gray.shape[-2:]).mul_(gray).add_(_enlarged(_box(offset), gray.shape[-2:]))
    return replace_luma(rgb_from_chroma(gray, chroma), gray)


@torch.no_grad()
def matched(gray: Tensor, small: Tensor, classes: Tensor, palette: Tensor, strength: float) -> Tensor:
    """Colors for the score: hues whose histogram is the palette's, in the order of the classes' mean.

    How much color there is is the mean of the classes' amounts, which, unlike the amount of their mean, does not cancel
    out between opposite hues.

    Args:
        gray, small, classes: see `natural`.
        palette: a hue histogram (N, 180, 1, 1), not negative.
        strength: factor on the amount.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    cells = functional.adaptive_avg_pool2d(small, classes.shape[-2:])
    probability, centers = classes.softmax(dim=1), class_centers_on(classes.device)
    mean = torch.einsum('nqhw,qc->nchw', probability, centers)
    amount = torch.einsum('nqhw,q->nhw', probability, centers.norm(dim=1))[:, None]
    vivid = rgb_from_chroma(cells, chroma_of(mean / mean.norm(dim=1, keepdim=True).clamp(min=1) * amount, cells))
    saturation = _enlarged(vivid.amax(1, keepdim=True) - vivid.amin(1, keepdim=True), gray.shape[-2:])
    chroma = _enlarged(chroma_of(mean, cells), gray.shape[-2:])
    hue, _ = hue_and_chroma(255 * rgb_from_chroma(gray, chroma))
    hue = matched_hues(hue, palette.flatten(1)).view_as(gray)
    return colored(gray, hue, (strength * saturation).clamp(0, 1), exact=True).clamp(0, 1)


def _enlarged(image: Tensor, size: torch.Size) -> Tensor:
    return functional.interpolate(image, size, mode='bilinear', align_corners=False)


def _box(image: Tensor) -> Tensor:
    """The mean over a square around each pixel; beyond the border its pixels go on."""
    padded = functional.pad(image, [_RADIUS] * 4, mode='replicate')
    return functional.avg_pool2d(padded, 2 * _RADIUS + 1, stride=1)
