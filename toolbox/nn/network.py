"""One network of a layout: encoder, attention on its features, decoder, head."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from toolbox.nn.depthwise import speed_up_depthwise
from toolbox.nn.pad import crop_to, pad_to_multiple
from toolbox.registry import ATTENTION, DECODERS, ENCODERS

# Inputs are in [0, 1]; pretrained encoders expect about zero mean and unit variance (ImageNet's, averaged over RGB).
_MEAN, _STD = 0.5, 0.225

Placement = str | int | Sequence[int]


def network_factory(
    encoder: Mapping[str, Any], attention: Mapping[str, Any], decoder: Mapping[str, Any]
) -> Callable[[int, int], 'Network']:
    """``make_network(in_channels, out_channels)`` for layouts, from the config's parts.

    Raises:
        ValueError: a part's config is wrong; says where.
    """
    ENCODERS.check(encoder, 'model.encoder')
    ATTENTION.check(attention, 'model.attention')
    DECODERS.check(decoder, 'model.decoder')
    return partial(Network, encoder=encoder, attention=attention, decoder=decoder)


class Network(nn.Module):
    """(N, in_channels, H, W) in [0, 1] -> (N, out_channels, H, W), unbounded, for any H and W.

    The input is normalized, extended by reflection to the encoder's `size_multiple`, encoded, attended to where the
    attention is placed, and decoded; a 3x3 convolution makes the output channels, bilinear upsampling what the decoder
    left out, and the extension is cropped off. There is no activation at the end.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        encoder: config of an encoder.
        attention: config of an attention, with its placement `at`: 'top' (the deepest feature, the default), 'all', or
            indices of features, shallow to deep, negative ones from the end.
        decoder: config of a decoder.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        encoder: Mapping[str, Any],
        attention: Mapping[str, Any],
        decoder: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.encoder = ENCODERS.build(encoder, in_channels=in_channels)
        channels, strides = tuple(self.encoder.channels), tuple(self.encoder.strides)
        self.attention = nn.ModuleDict(
            {
                str(index): ATTENTION.build(attention, channels=channels[index])
                for index in attended_features(attention.get('at', 'top'), len(channels))
            }
        )
        self.decoder = DECODERS.build(decoder, channels=channels, strides=strides, in_channels=in_channels)
        self.head = _head(self.decoder.out_channels, out_channels)
        speed_up_depthwise(self)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        x = pad_to_multiple((x - _MEAN) / _STD, self.encoder.size_multiple, several=self.training)
        features = list(self.encoder(x))
        for index, attend in self.attention.items():
            features[int(index)] = attend(features[int(index)])
        # Autocast is for the layers: in [0.5, 1] bfloat16 has steps as large as bytes have, too coarse for images.
        decoded = self.decoder(features, x).to(x.dtype)
        with torch.autocast(x.device.type, enabled=False):
            out = self.head(decoded)
        if self.decoder.out_stride > 1:
            out = nn.functional.interpolate(out, size=x.shape[-2:], mode='bilinear', align_corners=False)
        return crop_to(out, height, width)


def attended_features(at: Placement, num_features: int) -> tuple[int, ...]:
    """The features, counted from the shallowest, that `at` means: 'top', 'all', an index or several.

    Raises:
        ValueError: `at` means no feature.
    """
    named = {'top': [-1], 'all': range(num_features)}
    indices = named.get(at) if isinstance(at, str) else [at] if isinstance(at, int) else at
    expected = (
        "expected 'top' (the deepest feature), 'all', or indices of features, "
        f'like [0, -1]; the encoder has {num_features}: {-num_features} to {num_features - 1}'
    )
    if not isinstance(indices, Sequence) or any(type(index) is not int for index in indices):
        raise ValueError(f'model.attention.at={at!r}: {expected}')
    if not all(-num_features <= index < num_features for index in indices):
        raise ValueError(f'model.attention.at={at!r} is out of range: {expected}')
    return tuple(sorted({index % num_features for index in indices}))


def _head(in_channels: int, out_channels: int) -> nn.Conv2d:
    """smp's SegmentationHead with its initial values (smp `base/heads.py`, `base/initialization.py`)."""
    head = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    return head
