"""Luma, and color as a distribution over classes of chroma, read for a person or for the score."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from toolbox.color import rgb_from_chroma
from toolbox.contracts import Batch, Output, Phase, Restored
from toolbox.nn.chroma_classes import class_hues, encode, mean_chroma, num_classes
from toolbox.nn.color_readings import matched, natural
from toolbox.nn.hole_window import restore_hole
from toolbox.nn.hue import hue_histogram
from toolbox.nn.loss import check_choice
from toolbox.nn.stages import MakeNetwork
from toolbox.registry import LAYOUTS
from toolbox.scoring.constants import HUE_BINS

# A palette begins flat and has to learn bins that differ by e^7: its logits move faster than weights do.
_GAIN = 10.0
_SMALLEST_SHARE = 1e-4
# How much color a reading gives at `strength` 1: a mean of likely colors is paler than each of them; of the amount that
# classes expect, a third costs least in structure, and bytes still have its hue (docs/results.md).
NATURAL_STRENGTH, MATCHED_STRENGTH = 1.2, 0.3


@LAYOUTS.register_module()
class ChromaClasses(nn.Module):
    """A network that fills the hole, and one that says how likely each color is, everywhere and for the whole.

    The first network, `gray`, sees a window around the hole, filled harmonically, and predicts what to add there. The
    second one, `color`, sees the whole photograph small, at one size whatever its own. It predicts a distribution over
    classes of chroma in each cell, and the photograph's hue histogram, its palette, by two heads on one encoder. The
    luma is exact outside the hole. Zhang et al., Colorful Image Colorization, 2016, section 2.

    One model is read in two ways, after training:

    - ``colors='natural'``, for a person: the annealed mean of the classes.
    - ``colors='matched'``, for the score: the hues of the classes' mean decide the order of pixels alone, which of them
      is more red and which more blue; how many have which hue is the palette's (exact histogram specification).

    While training, `rgb` is luma and the classes' mean. Losses may be put on `gray`, `rgb`, `classes` (logits, (N,
    classes, h, w), for SoftCrossEntropy) and `palette` (the hue histogram as shares, (N, 180, 1, 1), for Correlation).

    Args:
        make_network: builds a network.
        colors: 'natural' or 'matched'.
        temperature: of the annealed mean, for 'natural': 1 is the mean, towards 0 the likeliest class. Zhang et al.
            choose 0.38; 0.5 gives more color for the same CIEDE2000 (docs/results.md).
        strength: how much color: 0 is gray, 1 what the reading says.
        mirror: restoring, average the distributions of the photograph and of its mirror image.
        color_side: colors are predicted on the photograph brought to this many pixels on its shorter side.
        color_stride: cells of colors are this many of those pixels wide, a power of two.
        dropout: of the palette's features, while training.
        hole_side: training sees a window of this many pixels around the hole. Restoring, windows of up to twice as many
            are seen at their own resolution, larger ones are reduced to that.
        train_only: 'gray' or 'color', the network that trains while the other one stays as it is; None: both. It is for
            going on from `model.weights`, with what suits one of them.
    """

    any_size = True

    def __init__(
        self,
        make_network: MakeNetwork,
        colors: str = 'natural',
        temperature: float = 0.5,
        strength: float = 1.0,
        mirror: bool = True,
        color_side: int = 128,
        color_stride: int = 4,
        dropout: float = 0.2,
        hole_side: int = 128,
        train_only: str | None = None,
    ) -> None:
        super().__init__()
        self.colors = check_choice('colors', colors, ('natural', 'matched'))
        if not temperature > 0:
            raise ValueError(f'ChromaClasses: temperature={temperature!r}: expected a number above 0')
        if not 0 <= strength <= 1.5:
            raise ValueError(f'ChromaClasses: strength={strength!r}: expected a number from 0 to 1.5')
        if color_stride < 1 or color_stride & (color_stride - 1):
            raise ValueError(f'ChromaClasses: color_stride={color_stride!r}: expected a power of two')
        if min(color_side, hole_side) < 32:
            raise ValueError(
                f'ChromaClasses: color_side={color_side!r}, hole_side={hole_side!r}: expected 32 or more pixels'
            )
        self.temperature = temperature
        self.strength = strength
        self.mirror = mirror
        self.color_side = color_side
        self.color_stride = color_stride
        self.hole_side = hole_side
        self.train_only = check_choice('train_only', train_only, (None, 'gray', 'color'))
        self.gray_net = make_network(2, Output(1, from_zero=True), 'gray')
        wanted = {
            'classes': Output(num_classes(), color_stride),
            'palette': Output(HUE_BINS, None, dropout, from_zero=True),
        }
        self.color_net = make_network(1, wanted, 'color')
        self.class_hues = nn.Parameter(class_hues().clamp(min=_SMALLEST_SHARE).log() / _GAIN)

    def forward(self, damaged: Tensor, mask: Tensor) -> Restored:
        if not self.training:
            return self.read(self.predict(damaged, mask))
        gray = restore_hole(self.gray_net, damaged, mask, self.hole_side)
        if self.train_only == 'gray':
            return Restored(gray.expand(-1, 3, -1, -1), gray)
        small, classes, palette = self._colors(gray)
        chroma = mean_chroma(classes, functional.adaptive_avg_pool2d(small, classes.shape[-2:]))
        chroma = functional.interpolate(chroma, gray.shape[-2:], mode='bilinear', align_corners=False)
        return Restored(rgb_from_chroma(gray, chroma), gray, {'classes': classes, 'palette': palette})

    def predict(self, damaged: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """What the networks say: `gray` restored, `small` seen by the color network, its `classes` and `palette`."""
        gray = restore_hole(self.gray_net, damaged, mask, self.hole_side)
        small, classes, palette = self._colors(gray)
        return {'gray': gray, 'small': small, 'classes': classes, 'palette': palette}

    def read(self, predicted: dict[str, Tensor], colors: str | None = None, strength: float | None = None) -> Restored:
        """What `predict` returned as colors; None for the layout's own `colors` and `strength`."""
        strength = self.strength if strength is None else strength
        gray, small, classes, palette = (predicted[name] for name in ('gray', 'small', 'classes', 'palette'))
        known = gray.clamp(0, 1)
        if (colors or self.colors) == 'matched':
            rgb = matched(known, small, classes, palette, MATCHED_STRENGTH * strength)
        else:
            rgb = natural(known, small, classes, self.temperature, NATURAL_STRENGTH * strength)
        return Restored(rgb, gray, {'classes': classes, 'palette': palette})

    def phases(self) -> tuple[Phase, ...]:
        """One, in which one of the networks trains; none where both do."""
        losses = {'gray': ('gray',), 'color': ('rgb', 'classes', 'palette')}
        only = self.train_only
        return (Phase(share=1.0, trainable=(f'{only}_net',), losses=losses[only]),) if only else ()

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        cells = [side // self.color_stride for side in self._small(batch.rgb)]
        histogram = hue_histogram(batch.rgb)
        return {
            'gray': batch.gray,
            'rgb': batch.rgb,
            'classes': encode(functional.interpolate(batch.rgb, cells, mode='bilinear', antialias=True).clamp(0, 1)),
            'palette': (histogram / histogram.sum(1, keepdim=True))[..., None, None],
        }

    def _small(self, image: Tensor) -> list[int]:
        """Height and width at which colors are predicted: whole cells, the shorter side about `color_side`."""
        factor = self.color_side / min(image.shape[-2:]) / self.color_stride
        return [max(1, round(side * factor)) * self.color_stride for side in image.shape[-2:]]

    def _colors(self, gray: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The photograph as the color network sees it, and `_distributions` of that."""
        # Colors teach the color network, not the gray: what the gray is, is known.
        known = gray.detach().clamp(0, 1)
        small = functional.interpolate(known, self._small(known), mode='bilinear', antialias=True)
        return (small, *self._distributions(small))

    def _distributions(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of classes (N, classes, h, w) and the palette as shares (N, 180, 1, 1)."""
        predicted = self.color_net(small)
        classes, own = predicted['classes'], _GAIN * predicted['palette']
        if self.mirror and not self.training:
            mirrored = self.color_net(small.flip(-1))
            classes = _mean_distribution(classes, mirrored['classes'].flip(-1))
            own = _mean_distribution(own, _GAIN * mirrored['palette'])
        # What the classes imply: how much there is of each, and which hues a class has.
        shares = classes.detach().softmax(dim=1).mean((2, 3))
        implied = shares @ (_GAIN * self.class_hues).softmax(dim=1)
        return classes, (own.softmax(dim=1) + implied[..., None, None]) / 2


def _mean_distribution(logits: Tensor, others: Tensor) -> Tensor:
    """Logits of the mean of two distributions over channels."""
    return torch.logaddexp(logits.log_softmax(dim=1), others.log_softmax(dim=1))
