"""One network of a layout: encoder, attention on its features, decoder, heads."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from toolbox.nn.depthwise import speed_up_depthwise
from toolbox.nn.pad import crop_to, pad_to_multiple
from toolbox.plugin.registry import ATTENTION, DECODERS, ENCODERS
from toolbox.plugin.types import Output
from toolbox.system.words import did_you_mean

# Inputs are in [0, 1]; pretrained encoders expect about zero mean and unit variance (ImageNet's, averaged over RGB).
_MEAN, _STD = 0.5, 0.225

Placement = str | int | Sequence[int]

PARTS = {'encoder': ENCODERS, 'attention': ATTENTION, 'decoder': DECODERS}


class NetworkFactory:
    """``make_network(in_channels, outputs, name)`` for layouts, from the config's parts.

    Args:
        encoder, attention, decoder: the parts of all networks of the layout.
        stages: by a network's name, parts that differ for it. A part that names another `type` replaces the common
            one; one that does not changes its options.

    Attributes:
        names: of the networks that were made.

    Raises:
        ValueError: a part's config is wrong; says where.
    """

    def __init__(
        self,
        encoder: Mapping[str, Any],
        attention: Mapping[str, Any],
        decoder: Mapping[str, Any],
        stages: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._common = {'encoder': encoder, 'attention': attention, 'decoder': decoder}
        self._stages = dict(stages or {})
        self.names: list[str] = []
        for part, registry in PARTS.items():
            registry.check(self._common[part], f'model.{part}')
        for name in self._stages:
            for part, config in self.parts(name).items():
                PARTS[part].check(config, f'model.stages.{name}.{part}')

    def parts(self, name: str) -> dict[str, Mapping[str, Any]]:
        """The encoder, attention and decoder of the network of this name."""
        own = self._stages.get(name, {})
        return {part: _merged(common, own.get(part, {})) for part, common in self._common.items()}

    def __call__(self, in_channels: int, outputs: int | Output | Mapping[str, Output], name: str = '') -> 'Network':
        self.names.append(name)
        return Network(in_channels, outputs, **self.parts(name))

    def check_names(self, layout: str) -> None:
        """Raise ValueError for a stage that the layout, which has made its networks, does not have."""
        for name in self._stages:
            if name not in self.names:
                hint = did_you_mean(name, dict.fromkeys(filter(None, self.names)))
                raise ValueError(f'model.stages.{name}: {layout} has no network of this name{hint}')


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    if own.get('type', common['type']) != common['type']:
        return own
    return {**common, **own}


class Network(nn.Module):
    """(N, in_channels, H, W) in [0, 1] -> what is wanted of it, unbounded, for any H and W.

    The input is normalized, extended by reflection to the encoder's `size_multiple`, encoded, attended to where the
    attention is placed, and decoded as far as the finest map asks; a convolution makes each map, and the extension is
    cropped off. A vector is made of the mean of the deepest feature, without a decoder. There is no activation at the
    end.

    At full resolution a map comes of a 3x3 convolution, as in smp's segmentation head, below it of a 1x1 convolution,
    since the decoder's last one sees far enough there.

    Args:
        in_channels: of the input.
        outputs: how many channels of a map at full resolution; an `Output`; or several by name, which share encoder
            and decoder.
        encoder: config of an encoder.
        attention: config of an attention, with its placement `at`: 'top' (the deepest feature, the default), 'all', or
            indices of features, shallow to deep, negative ones from the end.
        decoder: config of a decoder.
    """

    def __init__(
        self,
        in_channels: int,
        outputs: int | Output | Mapping[str, Output],
        encoder: Mapping[str, Any],
        attention: Mapping[str, Any],
        decoder: Mapping[str, Any],
    ) -> None:
        super().__init__()
        outputs = Output(outputs) if isinstance(outputs, int) else outputs
        self._is_single = isinstance(outputs, Output)
        self.outputs: dict[str, Output] = {'': outputs} if isinstance(outputs, Output) else dict(outputs)
        self.encoder = ENCODERS.build(encoder, in_channels=in_channels)
        channels, strides = tuple(self.encoder.channels), tuple(self.encoder.strides)
        self.attention = nn.ModuleDict(
            {
                str(index): ATTENTION.build(attention, channels=channels[index])
                for index in attended_features(attention.get('at', 'top'), len(channels))
            }
        )
        maps = [output.stride for output in self.outputs.values() if output.stride is not None]
        self.decoder = (
            DECODERS.build(decoder, channels=channels, strides=strides, in_channels=in_channels, stride=min(maps))
            if maps
            else None
        )
        heads = {name: self._head(output, channels[-1]) for name, output in self.outputs.items()}
        if self._is_single:
            self.head = heads['']
        else:
            self.heads = nn.ModuleDict(heads)
        speed_up_depthwise(self)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """A tensor, or tensors by name as `outputs` were given: (N, channels, ceil(H / stride), ceil(W / stride)) for a
        map, (N, channels, 1, 1) for a vector."""
        size = x.shape[-2:]
        x = pad_to_multiple((x - _MEAN) / _STD, self.encoder.size_multiple, several=self.training)
        features = list(self.encoder(x))
        for index, attend in self.attention.items():
            features[int(index)] = attend(features[int(index)])
        # Autocast is for the layers: in [0.5, 1] bfloat16 has steps as large as bytes have, too coarse for images.
        decoded = None if self.decoder is None else self.decoder(features, x).to(x.dtype)
        results = {}
        with torch.autocast(x.device.type, enabled=False):
            for name, output in self.outputs.items():
                head = self.head if self._is_single else self.heads[name]
                if output.stride is None:
                    results[name] = head(features[-1].to(x.dtype).mean((2, 3), keepdim=True))
                else:
                    results[name] = self._map(head(decoded), output.stride, x.shape[-2:], size)
        return results[''] if self._is_single else results

    def _map(self, image: Tensor, stride: int, padded: Sequence[int], size: Sequence[int]) -> Tensor:
        wanted = [side // stride for side in padded]
        if image.shape[-2] < wanted[0]:
            image = nn.functional.interpolate(image, size=wanted, mode='bilinear', align_corners=False)
        elif image.shape[-2] > wanted[0]:
            image = nn.functional.adaptive_avg_pool2d(image, wanted)
        return crop_to(image, *(-(-side // stride) for side in size))

    def _head(self, output: Output, deepest_channels: int) -> nn.Module:
        if output.stride is None:
            conv = nn.Conv2d(deepest_channels, output.channels, 1)
        else:
            kernel = 3 if output.stride == 1 else 1
            conv = nn.Conv2d(self.decoder.out_channels, output.channels, kernel, padding=kernel // 2)
        # The initial values of smp's heads (smp `base/initialization.py`).
        nn.init.zeros_(conv.weight) if output.from_zero else nn.init.xavier_uniform_(conv.weight)
        nn.init.zeros_(conv.bias)
        if not output.dropout:
            return conv
        return nn.Sequential(nn.Dropout2d(output.dropout), conv)


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
