"""Luma, chroma, and the photograph's palette: which hues it has, and how much of each."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from toolbox.color import chroma_from_rgb, rgb_from_chroma, with_luma
from toolbox.contracts import Batch, Restored
from toolbox.nn.hue import colored, hue_and_chroma, hue_histogram, matched_hues
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS
from toolbox.scoring.constants import HUE_BINS

# A palette begins flat and has to learn bins that differ by e^7. By these factors its logits move faster than weights
# do: what all photographs have in common at once, what distinguishes this one more slowly.
_COMMON_GAIN, _OWN_GAIN = 50.0, 10.0


@LAYOUTS.register_module()
class Palette(nn.Module):
    """Chroma with a third network that predicts the hue histogram, to which the hues of the output are then matched.

    Three networks: the first restores the gray in the hole, knowing where it is; the second predicts chroma and how
    strong it is; the third predicts the hue histogram. The last two see the photograph small, at one size whatever its
    own, which the eye allows for color and which shows them the whole scene. A mean of likely
    colors is a brownish gray. So the second network's hues decide the *order* of pixels alone, which of them is more
    red and which more blue; how many pixels have which hue is the palette's (exact histogram specification), and how
    much color they have is a prediction of its own, of the chroma's amount, which does not cancel out between
    opposite hues as the mean of colors does. The luma is exact outside the hole.

    Rebalancing hues against the pull to gray: Zhang et al., Colorful Image Colorization, 2016, section 2.2. A global
    histogram as a guide to color: Zhang et al., Real-Time User-Guided Image Colorization with Learned Deep Priors,
    2017, section 3.3, there given by a person.

    While training, `rgb` is luma and chroma as predicted, without matching, which has no gradient. Losses may be put on
    `gray`, `rgb`, `chroma` (Cb and Cr of ITU-R BT.601, in [-0.5, 0.5]), `colorfulness` (largest minus smallest channel,
    (N, 1, H, W)), and `palette` (the hue histogram as shares, (N, 180, 1, 1)).

    Args:
        make_network: builds a network.
        residual: the first network predicts what to add to the damaged image.
        match: match the hues to the palette; without it the colors are the second network's.
        color_side: colors are predicted on the photograph reduced to this many pixels on its shorter side.
        strength: factor on the chroma's predicted amount, with `match`.
        smooth: where hues are matched, colors are averaged over this many pixels around each, at `color_side`; matching
            spreads hues apart, and with them what is uncertain from pixel to pixel.
    """

    def __init__(
        self,
        make_network: MakeNetwork,
        residual: bool = True,
        match: bool = True,
        color_side: int = 64,
        strength: float = 0.6,
        smooth: int = 2,
    ) -> None:
        super().__init__()
        for option, value in (('color_side', color_side), ('strength', strength)):
            if value <= 0:
                raise ValueError(f'Palette: {option}={value!r}: expected a positive number')
        if type(smooth) is not int or smooth < 0:
            raise ValueError(f'Palette: smooth={smooth!r}: expected a whole number, 0 or more')
        self.residual = residual
        self.match = match
        self.color_side = color_side
        self.strength = strength
        self.smooth = smooth
        self.gray_net = make_network(2, 1, 'gray')
        self.color_net = make_network(1, 3, 'color')
        self.palette_net = make_network(1, HUE_BINS, 'palette')
        self.common_palette = nn.Parameter(torch.zeros(1, HUE_BINS, 1, 1))

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        predicted = self.gray_net(torch.cat([damaged, mask], dim=1))
        gray = torch.where(mask > 0.5, damaged + predicted if self.residual else predicted, damaged)
        # Colors teach the color networks, not the gray: what the gray is, is known.
        known = gray.detach().clamp(0, 1)
        small = _reduced(known, self.color_side)
        color = self.color_net(small)
        if self.match and not self.training:
            color = _smoothed(color, self.smooth)
        color = functional.interpolate(color, gray.shape[-2:], mode='bilinear', align_corners=False)
        chroma, colorfulness = color.split([2, 1], dim=1)
        own = self.palette_net(small).mean((2, 3), keepdim=True)
        palette = (_COMMON_GAIN * self.common_palette + _OWN_GAIN * own).softmax(dim=1)
        rgb = rgb_from_chroma(gray, chroma)
        if not self.training:
            rgb = self._matched(known, rgb, colorfulness, palette) if self.match else with_luma(rgb, known)
        return Restored(rgb=rgb, gray=gray, extra={'chroma': chroma, 'colorfulness': colorfulness, 'palette': palette})

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        histogram = hue_histogram(batch.rgb)
        return {
            'gray': batch.gray,
            'rgb': batch.rgb,
            'chroma': chroma_from_rgb(batch.rgb),
            'colorfulness': batch.rgb.amax(1, keepdim=True) - batch.rgb.amin(1, keepdim=True),
            'palette': (histogram / histogram.sum(1, keepdim=True))[..., None, None],
        }

    def _matched(self, gray: Tensor, rgb: Tensor, colorfulness: Tensor, palette: Tensor) -> Tensor:
        hue, _ = hue_and_chroma(255 * rgb)
        hue = matched_hues(hue, palette.flatten(1)).view_as(gray)
        return colored(gray, hue, (self.strength * colorfulness).clamp(0, 1)).clamp(0, 1)


def _smoothed(image: Tensor, radius: int) -> Tensor:
    """The mean over a square of 2 radius + 1 pixels; beyond the border its pixels go on."""
    padded = functional.pad(image, [radius] * 4, mode='replicate')
    return functional.avg_pool2d(padded, 2 * radius + 1, stride=1)


def _reduced(image: Tensor, side: int) -> Tensor:
    """The image with `side` pixels on its shorter side, by area averaging; never enlarged."""
    factor = side / min(image.shape[-2:])
    if factor >= 1:
        return image
    return functional.interpolate(image, [round(length * factor) for length in image.shape[-2:]], mode='area')
