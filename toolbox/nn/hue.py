"""Hue as the leaderboard counts it, OpenCV's 8-bit one: measured, and given to an image.

A hue is counted in bins of 2 degrees, 180 around the circle; 0 is red, 60 green, 120 blue. Its circle is cut open at
magenta, bin 150 or -30, where photographs have the least.
"""

import torch
from torch import Tensor

from toolbox.images.color import luma
from toolbox.scoring.constants import BINS_PER_SECTOR, FRACTION_BITS, HUE_BINS

# 8-bit OpenCV multiplies by a rounded reciprocal of the chroma, in units of 1 / 4096 of a bin.
_FIXED_POINT = 1 << FRACTION_BITS
_SMALLEST_CHROMA = 1e-4
_FIRST_BIN = -BINS_PER_SECTOR
_LEVELS = 256


def hue_and_chroma(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """OpenCV's 8-bit hue before it is rounded, in bins of 2 degrees in [-30, 150], and chroma (largest - smallest).

    Args:
        rgb: (N, 3, H, W) in [0, 255].

    Returns:
        Two tensors (N, H W). Rounding the hue gives ``cv2.cvtColor(..., COLOR_RGB2HSV)[..., 0]`` modulo 180.
    """
    red, green, blue = rgb.flatten(2).unbind(1)
    largest = torch.maximum(torch.maximum(red, green), blue)
    chroma = largest - torch.minimum(torch.minimum(red, green), blue)
    sectors = torch.where(
        red == largest,
        green - blue,
        torch.where(green == largest, blue - red + 2 * chroma, red - green + 4 * chroma),
    )
    reciprocal = BINS_PER_SECTOR * _FIXED_POINT / chroma.clamp(min=_SMALLEST_CHROMA)
    reciprocal = reciprocal + (reciprocal.round() - reciprocal).detach()
    # OpenCV rounds half a bin upwards; half a fixed-point unit more decides it so for floats, too.
    return (sectors * reciprocal + 0.5) / _FIXED_POINT, chroma


def hue_histogram(rgb: Tensor) -> Tensor:
    """How many pixels have which hue: (N, 3, H, W) in [0, 1], bytes over 255, to (N, 180).

    Equal to ``cv2.calcHist`` of OpenCV's 8-bit hue; gray counts as hue 0.
    """
    hue, chroma = hue_and_chroma((rgb * 255).round())
    bins = torch.where(chroma > 0, hue.round(), 0).long().remainder(HUE_BINS)
    return rgb.new_zeros(len(rgb), HUE_BINS).scatter_add_(1, bins, torch.ones_like(hue))


def matched_hues(hue: Tensor, histogram: Tensor) -> Tensor:
    """The hues that turn the histogram of an image into another one, the order of its pixels' hues kept.

    Histogram specification along the circle cut open at magenta, exact: each pixel moves to the quantile of its rank
    (Coltuc et al., Exact histogram specification, 2006, section II). Pixels of equal hue are ordered as they lie.

    Args:
        hue: (N, P) in bins, in [-30, 150].
        histogram: (N, 180), not negative, of any sum above 0.

    Returns:
        int64 (N, P), bins in [-30, 149].
    """
    shares = histogram.double().roll(-_FIRST_BIN, dims=1).cumsum(1)
    hue = torch.where(hue >= HUE_BINS + _FIRST_BIN - 0.5, hue - HUE_BINS, hue)  # rounds to the first bin
    order = hue.argsort(dim=1, stable=True)
    # In float64: there are more pixels than float32 has whole numbers.
    quantile = (torch.arange(hue.shape[1], device=hue.device).double() + 0.5) / hue.shape[1] * shares[:, -1:]
    bins = torch.searchsorted(shares, quantile).clamp(max=HUE_BINS - 1) + _FIRST_BIN
    return torch.empty_like(order).scatter_(1, order, bins)


def colored(gray: Tensor, hue: Tensor, chroma: Tensor, exact: bool = False) -> Tensor:
    """Colors that have a hue, to the bin, after they are rounded to bytes.

    Rounding each channel by itself scatters the hue of a faint color over several bins. Here the differences between
    channels are whole levels, which rounding keeps, since the three channels are equally far from a byte. Where no
    whole levels up to `chroma` meet the hue, the nearest ones are taken.

    Args:
        gray: (N, 1, H, W) in [0, 1], the luma to have.
        hue: int64 (N, 1, H, W), bins.
        chroma: (N, 1, H, W) in [0, 1], largest minus smallest channel; less is given where the gamut or the hue ask
            for it.
        exact: rather than another hue, give another amount of chroma: the nearest whole levels that have the hue, at
            most 21 for the faintest colors. Where `chroma` is 0, gray stays.

    Returns:
        (N, 3, H, W), in [0, 1] but for rounding.
    """
    sector, within = hue.remainder(HUE_BINS) // BINS_PER_SECTOR, hue.remainder(BINS_PER_SECTOR)
    middle = _middle(sector, within)
    pure = _in_sector(sector, torch.ones_like(gray), middle / BINS_PER_SECTOR)
    pure = pure - luma(pure)
    room = (torch.where(pure > 0, 1 - gray, gray) / pure.abs().clamp_min(1e-9)).amin(1, keepdim=True)
    up_to, nearest = _exact_levels(gray.device)
    levels = up_to[middle, _whole_levels(torch.minimum(chroma, room))]
    if exact:
        wanted = nearest[middle, _whole_levels(chroma)]
        fits = (wanted <= _whole_levels(room)) & (chroma > 0)
        levels = torch.where(fits, wanted, levels)
    middle = (middle * levels / BINS_PER_SECTOR).round()
    offset = _in_sector(sector, levels.to(gray.dtype), middle) / 255
    return gray + offset - luma(offset)


def _whole_levels(chroma: Tensor) -> Tensor:
    return (255 * chroma).floor().long().clamp(0, _LEVELS - 1)


def _middle(sector: Tensor, within: Tensor) -> Tensor:
    """How far the middle channel is from the smallest one, in 30ths of the chroma: it rises and falls in turns."""
    return torch.where(sector % 2 == 0, within, BINS_PER_SECTOR - within)


def _in_sector(sector: Tensor, largest: Tensor, middle: Tensor) -> Tensor:
    """RGB (N, 3, H, W) of a color whose smallest channel is 0, in one of the six sectors of the hue's circle."""
    none = torch.zeros_like(largest)
    red = _choose(sector, (largest, middle, none, none, middle, largest))
    green = _choose(sector, (middle, largest, largest, middle, none, none))
    blue = _choose(sector, (none, none, middle, largest, largest, middle))
    return torch.cat([red, green, blue], dim=1)


def _choose(sector: Tensor, values: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([value.expand_as(sector) for value in values]).gather(0, sector[None])[0]


def _exact_levels(device: torch.device) -> tuple[Tensor, Tensor]:
    """Two int64 (31, 256): by the middle channel's 30ths and a chroma in levels, a chroma that has that very hue.

    The first is the largest one up to the given chroma, or that chroma itself where there is none, or only one of less
    than half. The second is the nearest one, the smaller of two that are equally near.
    """
    levels = torch.arange(_LEVELS, device=device)
    thirtieths = torch.arange(BINS_PER_SECTOR + 1, device=device)[:, None]
    hue = BINS_PER_SECTOR * (thirtieths * levels / BINS_PER_SECTOR).round() / levels.clamp(min=1)
    is_exact = ((hue - thirtieths).abs() < 0.49) & (levels > 0)  # a tie could round to either side
    below = torch.where(is_exact, levels, 0).cummax(dim=1).values
    up_to = torch.where(2 * below >= levels, below, levels)
    distance = torch.where(is_exact[:, None], (levels[:, None] - levels).abs(), _LEVELS)
    return up_to, distance.argmin(dim=2)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Pearson's correlation (N,) of the rows of x and y (N, B); 1 where one is constant, as in ``cv2.compareHist``."""
    x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
    product = (x * y).sum(1)
    squares = x.square().sum(1) * y.square().sum(1)
    is_defined = squares > 0
    return torch.where(is_defined, product / torch.where(is_defined, squares, 1).sqrt(), 1)
