"""Encoders of segmentation-models-pytorch."""

import warnings
from pathlib import Path

from torch import Tensor, nn

from toolbox.nn.weights import hub_file, load_verified, read_weights
from toolbox.registry import ENCODERS
from toolbox.system.words import did_you_mean


@ENCODERS.register_module()
class SmpEncoder(nn.Module):
    """Any encoder that segmentation-models-pytorch brings itself (timm's are `TimmEncoder`'s).

    Args:
        in_channels: of the input; pretrained first layers are adapted to it as smp does.
        name: `segmentation_models_pytorch.encoders.get_encoder_names()` lists them.
        weights: a training that smp's hub has for `name` ('imagenet', for some also 'ssl', 'advprop', ...), None for
            none, or the path of a file.
        sha256: the digest that the file must have.
        output_stride: 8 or 16 to dilate the deep stages instead of reducing (as DeepLab does), where the encoder can.

    Raises:
        ValueError: unknown name, an option that the encoder does not have, or weights that do not fit.
        FileNotFoundError, ConnectionError: the weights cannot be had; see `toolbox.nn.weights`.
    """

    file_options = ('weights',)

    def __init__(
        self,
        in_channels: int,
        name: str = 'resnet34',
        weights: str | None = 'imagenet',
        sha256: str | None = None,
        output_stride: int | None = None,
    ) -> None:
        from segmentation_models_pytorch.encoders import encoders

        super().__init__()
        if name not in encoders:
            raise ValueError(
                f'smp has no encoder {name!r}; timm has more, with model.encoder.type=TimmEncoder'
                f'{did_you_mean(name, encoders)}'
            )
        self.encoder = _build(name, in_channels, weights, sha256)
        _freeze_unused(self.encoder)
        if output_stride is not None:
            _dilate(self.encoder, name, output_stride)
        # Item 0 is the image; encoders without a feature at stride 2 have 0 channels there.
        self._items = [item for item, count in enumerate(self.encoder.out_channels) if item and count]
        self.channels = tuple(self.encoder.out_channels[item] for item in self._items)
        self.strides = tuple(min(2**item, output_stride or 32) for item in self._items)
        self.size_multiple = max(self.strides)

    @staticmethod
    def example_options(folder: Path) -> dict[str, object]:
        return {'name': 'resnet18', 'weights': None}

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.encoder(x)
        return [features[item] for item in self._items]


def _build(name: str, in_channels: int, weights: str | None, sha256: str | None) -> nn.Module:
    from segmentation_models_pytorch.encoders import encoders, get_encoder

    with warnings.catch_warnings():  # smp's own names of some encoders are deprecated there, and work
        warnings.simplefilter('ignore', DeprecationWarning)
        encoder = get_encoder(name, in_channels=in_channels if weights is None else 3, weights=None)
    if weights is None:
        return encoder
    trainings = encoders[name]['pretrained_settings']
    if weights in trainings:
        source = trainings[weights]
        path = hub_file(source['repo_id'], ['model.safetensors'], source['revision'])
    elif weights == 'imagenet':
        raise ValueError(f'smp has no ImageNet weights of {name}; it has {", ".join(map(repr, trainings)) or "none"}')
    else:
        path = weights

    def load(state: dict[str, Tensor]) -> nn.Module:
        encoder.load_state_dict(dict(state), strict=False)  # some take classifier keys out of the dict
        return encoder

    load_verified(load, read_weights(path, sha256), f'{path} for {name}')
    encoder.set_in_channels(in_channels, pretrained=True)
    return encoder


def _freeze_unused(encoder: nn.Module) -> None:
    """smp keeps the layers of EfficientNets that lead from the last feature to the classifier; they get no gradient."""
    for name in ('_conv_head', '_bn1', 'conv_head', 'bn2'):
        if hasattr(encoder, name):
            getattr(encoder, name).requires_grad_(False)


def _dilate(encoder: nn.Module, name: str, output_stride: int) -> None:
    if output_stride not in (8, 16):
        raise ValueError(f'SmpEncoder: output_stride={output_stride!r}: expected 8, 16 or None')
    try:
        encoder.make_dilated(output_stride)
    except ValueError as error:
        raise ValueError(
            f'{name} cannot be dilated: {error} Leave output_stride at None, or choose another encoder'
        ) from error
