"""What each kind of plugin must be able to do, and the data that travels between them.

Conventions, everywhere: image tensors are float32 (N, C, H, W), RGB order, in [0, 1]; masks are (N, 1, H, W) in
{0, 1} and **1 = hole**; ``gray`` is ITU-R BT.601 luma; ``damaged`` is the gray image with its hole filled by damage.
Masks, fills and finders work on single images before they become tensors: uint8 (H, W).

A class of any kind whose options name files, folders or downloads lists those options in `file_options`, a tuple. They
are None while the model of a checkpoint is built (`toolbox.plugin.registry.without_files`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from toolbox.images.color import luma, to_float


@dataclass(frozen=True)
class Failure:
    """A file that could not be used, and why, in words."""

    path: str
    reason: str


@dataclass
class Batch:
    """Photographs of one size on their way through the house.

    The loader makes batches of bytes, `to` moves them to a device as bytes and turns them into floats there.

    Attributes:
        names: N names that identify the photographs.
        damaged: (N, 1, H, W), the gray input with its hole filled by damage.
        mask: (N, 1, H, W), the hole as the restorer is told: the drawn one in training, the finder's elsewhere.
        gray: (N, 1, H, W), the true gray.
        rgb: (N, 3, H, W), the true colors.
        hole: (N, 1, H, W), the true hole, for losses and metrics only.
        failures: photographs that could not be read while the batch was made, and that others stand in for.
    """

    names: list[str]
    damaged: Tensor
    mask: Tensor
    gray: Tensor
    rgb: Tensor
    hole: Tensor
    failures: list[Failure] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def _map(self, convert: Callable[[str, Tensor], Tensor]) -> 'Batch':
        tensors = {key: value for key, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{key: convert(key, value) for key, value in tensors.items()})

    def pin_memory(self) -> 'Batch':
        """Called by the data loader when it pins."""
        return self._map(lambda _, tensor: tensor.pin_memory())

    def to(self, device: torch.device | str) -> 'Batch':
        """The batch on a device, as floats: bytes travel, the conversion happens there."""

        def convert(key: str, tensor: Tensor) -> Tensor:
            tensor = tensor.to(device, non_blocking=True)
            if tensor.dtype != torch.uint8:
                return tensor
            return tensor.float() if key in ('mask', 'hole') else to_float(tensor)

        return self._map(convert)

    @classmethod
    def blank(cls, height: int = 64, width: int = 64, num_images: int = 1) -> 'Batch':
        """Mid-gray images with a square hole, to ask a part what it makes of a batch."""
        hole = torch.zeros(num_images, 1, height, width)
        hole[..., : (height + 1) // 2, : (width + 1) // 2] = 1
        gray = torch.full((num_images, 1, height, width), 0.5)
        return cls(['blank'] * num_images, gray, hole, gray, gray.expand(-1, 3, -1, -1), hole)


@dataclass
class Restored:
    """What a stage layout returns.

    Floats nominally in [0, 1], not clipped: gradients survive, and the writer clips once. ``restored[name]`` is what a
    loss on `name` sees; on `gray`, where a layout restores none of its own, the luma of its colors.

    Attributes:
        rgb: (N, 3, H, W).
        gray: (N, 1, H, W), or None where a layout restores no gray of its own.
        extra: further predictions that a loss may be put `on`, by name.
    """

    rgb: Tensor
    gray: Tensor | None = None
    extra: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        if name == 'rgb':
            return self.rgb
        if name == 'gray':
            return luma(self.rgb) if self.gray is None else self.gray
        return self.extra[name]


@dataclass(frozen=True)
class Phase:
    """One turn of a layout that trains its networks in turns (`phases()`, in order).

    What does not train is frozen: no gradients, and eval mode, so that batch normalization keeps its statistics.

    Attributes:
        share: of the run's steps, in (0, 1]; the shares of a layout's phases add up to 1.
        trainable: names of the networks that train, as the layout's attributes.
        losses: names of the targets whose losses count; None for all.
    """

    share: float
    trainable: tuple[str, ...]
    losses: tuple[str, ...] | None = None


@dataclass
class Found:
    """A finder's answer: mask uint8 (H, W) in {0, 1}, possibly empty, and its confidence in [0, 1].

    Of an empty mask, the confidence is that of the likeliest region, which was turned down; 0: there was none.
    """

    mask: np.ndarray
    confidence: float


@dataclass(frozen=True)
class Output:
    """What a layout wants of a network: a map of some resolution, or one vector for the whole photograph.

    A network computes no more than its outputs need: its decoder stops at the finest stride asked for, and a vector
    needs none.

    Attributes:
        channels: how many.
        stride: of a map, (N, channels, H / stride, W / stride), a power of two; None for a vector, (N, channels, 1, 1).
        dropout: share of the features that is left out before the last layer, while training.
        from_zero: whether it begins at zero everywhere: a residual that adds nothing, a distribution that is flat.
    """

    channels: int
    stride: int | None = 1
    dropout: float = 0.0
    from_zero: bool = False


@runtime_checkable
class Encoder(Protocol):
    """Kind `encoders`, config key `model.encoder`: ``__init__(in_channels, **named options)``.

    Feature i has shape (N, channels[i], H / strides[i], W / strides[i]), shallow to deep, for sides that are
    multiples of `size_multiple`.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    size_multiple: int

    def __call__(self, x: Tensor) -> list[Tensor]: ...


@runtime_checkable
class Attention(Protocol):
    """Kind `attention`, config key `model.attention`: ``__init__(channels, **named options)``.

    Same shape and dtype out as in; finite at 1x1.
    """

    def __call__(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Decoder(Protocol):
    """Kind `decoders`, config key `model.decoder`: ``__init__(channels, strides, **named options)``.

    Gets the encoder's features and the network's input x (for a full-resolution skip); returns
    (N, out_channels, H / out_stride, W / out_stride). A decoder that looks at x names `in_channels`, the number of x's
    channels, as well. One that can stop at a coarser resolution than the input's names `stride`, the finest one that is
    wanted (1, 2, 4, ...); what another decoder gives is averaged down to it.
    """

    out_channels: int
    out_stride: int

    def __call__(self, features: Sequence[Tensor], x: Tensor) -> Tensor: ...


@runtime_checkable
class Layout(Protocol):
    """Kind `layouts`, config key `model.layout`: ``__init__(make_network, **named options)``.

    ``make_network(in_channels, outputs, name)`` builds an encoder, attention and decoder as configured, for any H and
    W. It maps (N, in_channels, H, W) to (N, outputs, H, W) where `outputs` is a number of channels, to what an `Output`
    says, or to a dict of what several say that share the encoder and the decoder. By its `name` (`gray`, `color`, ...)
    a config may give a network parts of its own, `model.stages`. `targets` names what a loss may be put `on`:
    for each name, `forward`'s answer holds a prediction of the target's shape, which need not be an image's: a
    histogram is (N, bins, 1, 1). A layout that trains its networks in turns has a method
    ``phases() -> tuple[Phase, ...]`` as well. One that brings photographs of any size to the size that its networks
    need says so, ``any_size = True``: `infer` gives it whole photographs, neither reduced nor in tiles. One whose
    networks' answer can be read in several ways has ``predict(damaged, mask) -> dict of tensors``, which runs them, and
    ``read(predicted, colors=None, strength=None) -> Restored``, which does not; restoring, `forward` is one after the
    other. Another amount of color then takes no other run of the networks.
    """

    def __call__(self, damaged: Tensor, mask: Tensor) -> Restored: ...

    def targets(self, batch: Batch) -> dict[str, Tensor]: ...


@runtime_checkable
class Loss(Protocol):
    """Kind `losses`, config key `model.losses` (a list, with `on`, `weight`, `start` and `ramp` beside the options).

    ``(pred, target, mask) -> scalar``, finite and with finite gradients for all-0 and all-1 masks and gray
    predictions. It always gets the whole image and the true hole; where it looks is its own option
    ``region='all' | 'hole' | 'known'``.
    """

    def __call__(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor: ...


def require_room_for_a_hole(height: int, width: int) -> None:
    """Raise ValueError unless an image has room for one pixel of hole and one pixel around it."""
    if height < 1 or width < 1 or height * width < 2:
        raise ValueError(f'image {height}x{width}: a hole and its surroundings need two pixels; give a larger image')


@runtime_checkable
class MaskGenerator(Protocol):
    """Kind `masks`, config key `data.mask`.

    Draws a hole: uint8 (height, width) in {0, 1}, never empty, never full, equal in any process for equal arguments.
    `progress` in [0, 1] is the run's, for curricula; `gray` is the photograph, for generators that look at it.
    """

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray: ...


@runtime_checkable
class Fill(Protocol):
    """Kind `fills`, config key `data.fill`: paints a hole. uint8 (H, W) in and out; mask == 0 stays untouched."""

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray: ...


@runtime_checkable
class Finder(Protocol):
    """Kind `finders`, config key `data.finder`: finds the hole in a damaged gray image, uint8 (H, W)."""

    def __call__(self, damaged: np.ndarray) -> Found: ...


@runtime_checkable
class PostProcess(Protocol):
    """Kind `postprocess`, config key `model.postprocess` (a list): corrects a restoration; idempotent.

    rgb (N, 3, H, W), damaged (N, 1, H, W), mask (N, 1, H, W) -> (N, 3, H, W). It sees what a person has, not the truth.
    One that corrects each pixel by itself may say so, ``pixelwise = True``: it is given large images in strips.
    """

    def __call__(self, rgb: Tensor, damaged: Tensor, mask: Tensor) -> Tensor: ...


@runtime_checkable
class Metric(Protocol):
    """Kind `metrics`, config key `metrics` (a list).

    `rows` measures each image: uint8 (N, 3, H, W) prediction and truth, uint8 (N, 1, H, W) hole -> N dicts of floats.
    `reduce` sums up the rows of all images, in any order: the same from one or many processes and any batch size.
    `name` is the key of the reduced value that ranks.
    """

    name: str
    higher_is_better: bool

    def rows(self, prediction: Tensor, truth: Tensor, hole: Tensor) -> list[dict[str, float]]: ...

    def reduce(self, rows: Sequence[dict[str, float]]) -> dict[str, float]: ...


@runtime_checkable
class Embedder(Protocol):
    """Kind `embedders`, config key `embedder` of a cleaning config: what an image looks like, as a vector.

    The work has two halves, so that loader processes share the first: `prepare` sees one image, uint8 (H, W, 3), and
    returns an array of one shape and dtype for all images; a call turns stacked arrays (N, ...) into float32 (N, D).
    A row depends on its image alone: not on its neighbors, and not on how many there are. Reading files, listing the
    unreadable ones and keeping vectors for later are the program's.

    Attributes:
        identity: names the model, its weights and the preprocessing. Vectors are kept under it: embedders of equal
            identity give equal vectors.
        batch_size: how many images a call should get, at most.
    """

    identity: str
    batch_size: int

    def prepare(self, rgb: np.ndarray) -> np.ndarray: ...

    def __call__(self, prepared: np.ndarray) -> np.ndarray: ...


@runtime_checkable
class Reducer(Protocol):
    """Kind `reducers`, config key `reducer`: fewer dimensions. ``__init__(seed, **named options)``.

    `fit_transform` turns float32 (N, D), N >= 10, into float32 (N, d), the same again for the same seed; `transform`
    places further rows among those.
    """

    def fit_transform(self, embedding: np.ndarray) -> np.ndarray: ...

    def transform(self, embedding: np.ndarray) -> np.ndarray: ...


@dataclass
class Outliers:
    """What a detector says of N images.

    Attributes:
        label: int64 (N,), the image's cluster, from 0; -1 = noise, in no cluster.
        score: float32 (N,) in [0, 1], how much the image is an outlier.
        keep: bool (N,), by the detector's rule on the score.
    """

    label: np.ndarray
    score: np.ndarray
    keep: np.ndarray


@dataclass
class Choice:
    """Options that were left open and that a detector chose by the data, with the reason in words."""

    options: dict[str, object]
    reason: str


@runtime_checkable
class Detector(Protocol):
    """Kind `detectors`, config key `detector`: finds outliers. ``__init__(seed, **named options)``.

    `fit` judges images by their reduced (N, d) and their full embeddings (N, D), float32, N >= 10; `predict` judges
    further images by what was fitted. The same again for the same seed.

    A detector that has options to be chosen by the data offers ``choose(reduced) -> Choice``; one whose labels can turn
    out to be mostly noise offers ``gentler(num_images) -> list[dict]``, options to try then, in order.
    """

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers: ...

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers: ...
