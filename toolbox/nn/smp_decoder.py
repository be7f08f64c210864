"""segmentation-models-pytorch's decoders behind the decoder contract: their conventions, in one place.

smp hands its decoders a list whose item i has stride 2**i, item 0 being the input image, which most of them drop. An
encoder that has no feature at a stride (ConvNeXt and Swin start at 4) stands there with one of 0 channels, which is
smp's own convention and lets a U-Net decode to full resolution all the same.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from toolbox.system.words import did_you_mean


class Pyramid:
    """Encoder features as smp wants them.

    Of several features at one stride (a dilated encoder's) the deepest is taken; a feature at stride 1 has no place in
    smp's decoders and is left out.

    Args:
        channels, strides: the encoder's.
        decoder: name of the decoder, for errors.
        needs: strides at which the decoder cannot do without a feature.
        in_channels: of the network's input, where the decoder looks at it; else 0.

    Attributes:
        channels: item i belongs to stride 2**i; 0 where the encoder has no feature.
        depth: number of items after the first; the deepest feature has stride 2**depth.

    Raises:
        ValueError: strides that are no powers of two, or a needed one is missing.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        decoder: str,
        needs: Sequence[int] = (),
        in_channels: int = 0,
    ) -> None:
        if any(stride < 1 or stride & (stride - 1) for stride in strides) or max(strides, default=1) < 2:
            raise ValueError(
                f'{decoder}: cannot join features at strides {tuple(strides)}; it needs powers of two, 2 or more: '
                'choose another encoder, or other out_indices of it'
            )
        missing = set(needs) - set(strides)
        if missing:
            raise ValueError(
                f'{decoder}: needs features at strides {tuple(needs)}, and the encoder has them at {tuple(strides)}; '
                'choose another encoder, or model.decoder.type=Unet, which takes any'
            )
        self.depth = max(strides).bit_length() - 1
        at_stride = {stride: index for index, stride in enumerate(strides) if stride > 1}
        self._sources = [at_stride.get(2**level) for level in range(1, self.depth + 1)]
        self.channels = [in_channels] + [0 if source is None else channels[source] for source in self._sources]

    def __call__(self, features: Sequence[Tensor], x: Tensor) -> list[Tensor]:
        """The list for a decoder of smp's; x: (N, C, H, W), the network's input."""
        batch, _, height, width = x.shape
        deepest = features[-1]
        return [x] + [
            deepest.new_empty(batch, 0, height >> level, width >> level) if source is None else features[source]
            for level, source in enumerate(self._sources, start=1)
        ]


class SmpDecoder(nn.Module):
    """A decoder of smp's, initialized as smp does and given features as smp does.

    Args:
        decoder: smp's module.
        pyramid: arranges the features.
        out_channels, out_stride: of what the module returns.
    """

    def __init__(self, decoder: nn.Module, pyramid: Pyramid, out_channels: int, out_stride: int = 1) -> None:
        from segmentation_models_pytorch.base.initialization import initialize_decoder

        super().__init__()
        initialize_decoder(decoder)
        self.decoder = decoder
        self.out_channels = out_channels
        self.out_stride = out_stride
        self._pyramid = pyramid

    def forward(self, features: Sequence[Tensor], x: Tensor) -> Tensor:
        return self.decoder(self._pyramid(features, x))


def upsampling_channels(decoder_channels: Sequence[int], depth: int, decoder: str, stride: int = 1) -> list[int]:
    """The entries of `decoder_channels` that are used from stride 2**depth to `stride`, at least one.

    An entry belongs to a resolution, the last one to the input's own: a shallower encoder leaves out the first ones.
    Where all that are used are given and no more, they are taken as they are.
    """
    given = list(decoder_channels) if isinstance(decoder_channels, Sequence) else []
    used = max(1, depth - (stride.bit_length() - 1))
    if any(type(count) is not int or count < 1 for count in given) or (len(given) != used and len(given) < depth):
        example = tuple(16 * 2**i for i in reversed(range(depth)))[:used]
        raise ValueError(
            f'{decoder}: decoder_channels={decoder_channels!r}: expected {used} or more positive numbers, '
            f'one per upsampling from stride {2**depth} to {2 ** (depth - used)}, like {example}'
        )
    return given if len(given) == used else given[-depth:][:used]


def strides_from_four(strides: Sequence[int]) -> list[int]:
    """4, 8, ... up to the deepest: what a decoder needs that can do without stride 2 alone."""
    deepest = max(*strides, 4)
    return [2**level for level in range(2, deepest.bit_length())]


def without_norm_of_one_pixel(pooling: nn.Module) -> None:
    """Take the batch normalization out of a branch that pools to one pixel per image.

    Over a batch of one image it has one value to normalize, and raises. smp leaves it out in its PSPNet too.
    """
    for name, module in list(pooling.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent, _, child = name.rpartition('.')
            setattr(pooling.get_submodule(parent), child, nn.Identity())


def check_choice(decoder: str, option: str, value: object, known: Sequence[object]) -> None:
    """Raise ValueError unless an option's value is one of the known ones."""
    if value not in known:
        raise ValueError(f'{decoder}: {option}={value!r} is unknown{did_you_mean(value, map(str, known))}')
