"""What each kind of plugin must be able to do; `toolbox.plugin.types` is the data that travels between them.

Conventions, everywhere: image tensors are float32 (N, C, H, W), RGB order, in [0, 1]; masks are (N, 1, H, W) in
{0, 1} and **1 = hole**; ``gray`` is ITU-R BT.601 luma; ``damaged`` is the gray image with its hole filled by damage.
Masks, fills and finders work on single images before they become tensors: uint8 (H, W).

A class of any kind whose options name files, folders or downloads lists those options in `file_options`, a tuple. They
are None while the model of a checkpoint is built (`toolbox.plugin.registry.without_files`).

Promises that a plugin need not make are protocols of their own (`PhasedLayout`, `AdversarialLoss`, ...): the program
asks by `isinstance`. They name methods and plain values alone: Python looks for those, and not for submodules.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from toolbox.plugin.types import Batch, Choice, Found, Outliers, Phase, Restored


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
    histogram is (N, bins, 1, 1).
    """

    def __call__(self, damaged: Tensor, mask: Tensor) -> Restored: ...

    def targets(self, batch: Batch) -> dict[str, Tensor]: ...


@runtime_checkable
class PhasedLayout(Protocol):
    """A layout that trains its networks in turns."""

    def phases(self) -> tuple[Phase, ...]:
        """The turns, in order; none: all networks train throughout."""
        ...


@runtime_checkable
class SizedLayout(Protocol):
    """A layout that may bring photographs of any size to the size that its networks need.

    Where `any_size` is True, `infer` gives it whole photographs, neither reduced nor in tiles.
    """

    any_size: bool


@runtime_checkable
class ReadableLayout(Protocol):
    """A layout whose networks' answer can be read in several ways; restoring, `forward` is one after the other.

    Another amount of color then takes no other run of the networks.
    """

    def predict(self, damaged: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Run the networks."""
        ...

    def read(self, predicted: dict[str, Tensor], colors: str | None = None, strength: float | None = None) -> Restored:
        """What `predict` returned as colors; None for the layout's own options. Runs no network."""
        ...


@runtime_checkable
class Loss(Protocol):
    """Kind `losses`, config key `model.losses` (a list, with `on`, `weight`, `start` and `ramp` beside the options).

    ``(pred, target, mask) -> scalar``, finite and with finite gradients for all-0 and all-1 masks and gray
    predictions. It always gets the whole image and the true hole; where it looks is its own option
    ``region='all' | 'hole' | 'known'``.
    """

    def __call__(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor: ...


@runtime_checkable
class AdversarialLoss(Protocol):
    """A loss with a critic that learns beside the restorer: a module, its attribute `critic`.

    The loss itself leaves no gradients in the critic, and `critic_loss` none in the prediction.

    Attributes:
        critic_optimizer: of the critic, ``dict(type='Adam', lr=...)``, a class of torch.optim.
    """

    critic_optimizer: Mapping[str, Any]
    if TYPE_CHECKING:  # `isinstance` does not look for it
        critic: nn.Module

    def critic_loss(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """What the critic learns by."""
        ...


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
    """

    def __call__(self, rgb: Tensor, damaged: Tensor, mask: Tensor) -> Tensor: ...


@runtime_checkable
class PixelwisePostProcess(Protocol):
    """A post-process that may correct each pixel by itself: with `pixelwise` True it gets large images in strips."""

    pixelwise: bool


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


@runtime_checkable
class Detector(Protocol):
    """Kind `detectors`, config key `detector`: finds outliers. ``__init__(seed, **named options)``.

    `fit` judges images by their reduced (N, d) and their full embeddings (N, D), float32, N >= 10; `predict` judges
    further images by what was fitted. The same again for the same seed.
    """

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers: ...

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers: ...


@runtime_checkable
class ChoosingDetector(Protocol):
    """A detector that has options to be chosen by the data."""

    def choose(self, reduced: np.ndarray) -> Choice:
        """The options that were left open, by the reduced embeddings (N, d)."""
        ...


@runtime_checkable
class AdjustableDetector(Protocol):
    """A detector whose labels can turn out to be mostly noise."""

    def gentler(self, num_images: int) -> Sequence[Mapping[str, Any]]:
        """Options to try then, in order."""
        ...


@runtime_checkable
class ExampleOptions(Protocol):
    """A class of any kind that does not build with its defaults alone: its contract test takes these options."""

    @classmethod
    def example_options(cls, folder: Path) -> dict[str, Any]:
        """Options that build the plugin; files that they name are made in `folder`."""
        ...
