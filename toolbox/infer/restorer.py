"""Checkpoints in, restored photographs out."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from toolbox.images.io import MAX_PIXELS, Source
from toolbox.images.mask_files import Mask, mask_from_array, read_mask
from toolbox.infer.averaging import average_checkpoints
from toolbox.infer.ensemble import Ensemble, WorkingBatch
from toolbox.infer.ensemble_weights import Weights
from toolbox.infer.finishing import post_process, to_photo_size
from toolbox.infer.members import load_members
from toolbox.infer.photo import PreparedPhoto, Scale
from toolbox.infer.photo_file import PhotoFile, read_photo_file
from toolbox.nn.backend import keep_freed_memory
from toolbox.nn.device import default_device
from toolbox.plugin.contracts import Finder, PostProcess
from toolbox.plugin.registry import FINDERS, POSTPROCESS, without_files
from toolbox.plugin.types import Restored

_MENDED = "the recipe's post-processing did not keep the known luma; it was put back"

_NOT_FOUND = 'no hole was found, the photo is colored as it is'
_DOUBTFUL = (
    'what may be a hole was too doubtful to be filled, the photo is colored as it is; '
    'if it is one, paint a mask and give it with --masks'
)


class Restoration(NamedTuple):
    """A photograph restored: its bytes, uint8 (H, W, 3), and what a person should know about them."""

    pixels: np.ndarray
    notes: tuple[str, ...]


@dataclass
class Predicted:
    """A photograph and what the networks said of it, to be read with any amount of color (`Restorer.finish`).

    Attributes:
        photo: what `Restorer.prepare` returned.
        stack: damaged gray and mask at each scale, as the networks get them.
        answers: of each pass through a network, in order; filled by `Restorer.predict`.
    """

    photo: PreparedPhoto
    stack: WorkingBatch
    answers: list[Any] = field(default_factory=list)

    @property
    def num_bytes(self) -> int:
        """How much memory the answers take."""
        tensors = (vars(answer) if isinstance(answer, Restored) else answer for answer in self.answers)
        return sum(value.nbytes for values in tensors for value in values.values() if isinstance(value, Tensor))


class Restorer:
    """Restores photographs with one trained model or the mean of many.

    Build one with `from_checkpoints`. Where models were trained with different finders or post-processing, those of
    the first one are used, and `notes` says so.

    Attributes:
        ensemble: the models.
        batch_size: of the first model's config: as many photographs of one size go through the networks at once.
        notes: what a person should know about this combination of checkpoints.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        first, *others = [member.config for member in ensemble.members]
        self.device = ensemble.members[0].device
        self.batch_size: int = first.data.batch_size
        with without_files():
            self.finder: Finder = FINDERS.build(first.data.finder)
            self.steps: list[PostProcess] = [POSTPROCESS.build(step) for step in first.model.postprocess]
        different = {
            'data.finder': any(other.data.finder != first.data.finder for other in others),
            'model.postprocess': any(other.model.postprocess != first.model.postprocess for other in others),
        }
        self.notes = tuple(
            f'the checkpoints differ in {key}; that of the first one is used' for key in different if different[key]
        )

    @classmethod
    def from_checkpoints(
        cls,
        checkpoints: Sequence[str | Path],
        *,
        weights: Weights = None,
        average: bool = False,
        tta: str = 'none',
        tile: int | None = None,
        device: str = 'auto',
        precision: str | None = None,
        trust_plugins: bool = False,
        colors: str | None = None,
        strength: float | None = None,
    ) -> 'Restorer':
        """A restorer from checkpoint files; each carries the config that it was trained with.

        On CPU the process keeps from now on what each forward pass frees, for the next (`keep_freed_memory`).

        Args:
            checkpoints: any number, of any configs.
            weights: one positive number each; 'score' for their validation scores; None for equal weights.
            average: average the weights of the networks (`average_checkpoints`) instead of their predictions.
            tta: test-time symmetries: 'none', 'flip' (left-right) or 'd4' (the eight of the square).
            tile: see `Ensemble`.
            device: 'cpu', 'cuda', or 'auto' for cuda where there is one.
            precision: 'float32' (which 'auto' means here, too) or 'bf16'; None for what the configs say.
            colors: how models are read that can be read in several ways, such as 'natural', for a person, and
                'matched', for the score; None for what the configs say.
            strength: how much color, 1 for what the model says; None for what the configs say.
            trust_plugins: import the plugins that the checkpoints name (`custom_imports`): programs of who made them.

        Raises:
            FileNotFoundError, ValueError: with what to give instead.
        """
        device = _available(device)
        if device == 'cpu':
            keep_freed_memory()
        sources: Sequence[Any] = checkpoints
        if average:
            sources, weights = [average_checkpoints(checkpoints, weights, trust_plugins)], None
        members = load_members(
            sources, weights, device, options=_options(precision, colors, strength), trust_plugins=trust_plugins
        )
        return cls(Ensemble(members, tta, tile))

    def restore(
        self,
        image: Source | Image.Image,
        mask: Source | np.ndarray | str | None = 'auto',
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> Image.Image:
        """Restore one photograph.

        Args:
            image: a file of any kind that `toolbox.images.io` reads, or an image that Pillow opened; color is reduced
                to gray.
            mask: where its hole is: 'auto', where the finder finds it; a file, 255 = hole; an array (H, W), 0 and
                another value = hole; or None, there is none. What else is taken for a mask:
                `toolbox.images.mask_files`.
            max_pixels: larger files are refused.

        Returns:
            Mode RGB, upright; RGBA where the photograph has an alpha channel, which is carried over.

        Raises:
            UnreadableImage: the photograph or its mask cannot be read.
            ValueError: the mask has another size than the upright photograph.
        """
        file = read_photo_file(image, max_pixels=max_pixels)
        photo = self.prepare(file, _given_hole(mask, file.gray))
        restored = Image.fromarray(self.restore_batches([[photo]])[0][0].pixels)
        if photo.alpha is not None:
            restored.putalpha(Image.fromarray(photo.alpha))
        return restored

    def read(self, source: Source | Image.Image, *, max_pixels: int = MAX_PIXELS) -> PreparedPhoto:
        """A photograph whose hole is to be found, ready for `restore_batches`."""
        return self.prepare(read_photo_file(source, max_pixels=max_pixels))

    def prepare(self, file: PhotoFile, mask: Mask | None = None) -> PreparedPhoto:
        """A photograph ready for `restore_batches`; several threads may call this at once.

        Args:
            file: what was read.
            mask: its hole, as it was read; None: the finder looks for it.
        """
        if mask is None:
            found = self.finder(file.gray)
            mask = Mask(found.mask, () if found.mask.any() else (_NOT_FOUND if found.confidence == 0 else _DOUBTFUL,))
        photo = PreparedPhoto(file.gray, mask.hole, file.alpha, file.metadata, (*file.notes, *mask.notes))
        for scale in self.ensemble.scales:
            photo.prepare(scale)
        return photo

    @torch.no_grad()
    def restore_batches(self, batches: Sequence[Sequence[PreparedPhoto]]) -> list[list[Restoration]]:
        """Restore photographs that `prepare` made, in order.

        Those of a batch that have one size at the models go through the networks together, as in validation. With the
        photographs that go along, a prediction can differ by a rounding error.
        """
        groups = [group for photos in batches for group in _by_shape(photos)]
        references = [self.ensemble.reference_scale(*group[0].gray.shape) for group in groups]
        stacks = [self._stacks(group) for group in groups]
        means = self.ensemble.means(stacks, references)
        done: dict[int, Restoration] = {}
        for group, reference, stack in zip(groups, references, stacks, strict=True):
            finished = self._finish(means.pop(0), group, *stack[reference])
            done.update(zip(map(id, group), finished, strict=True))
        return [[done[id(photo)] for photo in photos] for photos in batches]

    def predict(self, photo: PreparedPhoto) -> Iterator[tuple[int, int, Predicted]]:
        """Run the networks on one photograph, for `finish`; between two passes a caller may stop.

        Yields:
            Passes that are done, passes in all, and what was predicted so far: the same object each time.
        """
        predicted = Predicted(photo, self._stacks([photo]))
        total = self.ensemble.count_passes(predicted.stack)
        yield 0, total, predicted
        for answer in self.ensemble.predict(predicted.stack):
            predicted.answers.append(answer)
            yield len(predicted.answers), total, predicted

    @torch.no_grad()
    def finish(self, predicted: Predicted, *, colors: str | None = None, strength: float | None = None) -> Restoration:
        """What `predict` ended with as bytes: those of `restore_batches` for models with these options.

        Args:
            predicted: all passes done.
            colors, strength: see `from_checkpoints`; where `has_readings` is false, they have to be None.
        """
        reference = self.ensemble.reference_scale(*predicted.photo.gray.shape)
        reading = dict(colors=colors, strength=strength)
        mean = self.ensemble.mean_of(predicted.answers, predicted.stack, reference, **reading)
        return self._finish(mean, [predicted.photo], *predicted.stack[reference])[0]

    @property
    def has_readings(self) -> bool:
        """Whether `finish` takes `colors` and `strength`: all layouts have readings."""
        return all(member.has_readings for member in self.ensemble.members)

    def _stacks(self, photos: Sequence[PreparedPhoto]) -> WorkingBatch:
        return {scale: _stack(photos, scale, self.device) for scale in self.ensemble.scales}

    def _finish(
        self, mean: Tensor, photos: Sequence[PreparedPhoto], damaged: Tensor, mask: Tensor
    ) -> list[Restoration]:
        """Post-process the mean of predictions of photographs, at the size of each."""
        finished = []
        for photo, rgb in zip(photos, post_process(mean, damaged, mask, self.steps), strict=True):
            pixels, mended = to_photo_size(rgb, photo.gray, photo.mask)
            finished.append(Restoration(pixels, (*photo.notes, _MENDED) if mended else photo.notes))
        return finished


def _options(precision: str | None, colors: str | None, strength: float | None) -> dict[str, Any]:
    """What was given, as options of a checkpoint's config."""
    given = {'precision': precision, 'model.layout.colors': colors, 'model.layout.strength': strength}
    return {path: value for path, value in given.items() if value is not None}


def _available(device: str) -> str:
    if device == 'auto':
        return default_device().type
    if device not in ('cpu', 'cuda'):
        raise ValueError(f'device {device!r}: expected auto, cpu or cuda')
    if device == 'cuda' and not torch.cuda.is_available():
        raise ValueError('device cuda: torch finds no GPU here; use --device cpu, or auto')
    return device


def _given_hole(mask: Source | np.ndarray | str | None, gray: np.ndarray) -> Mask | None:
    """The hole that a caller gave; None if it is to be found."""
    if mask is None:
        return Mask(np.zeros_like(gray))
    if isinstance(mask, str) and mask == 'auto':
        return None
    return mask_from_array(mask, gray) if isinstance(mask, np.ndarray) else read_mask(mask, photo=gray)


def _by_shape(photos: Sequence[PreparedPhoto]) -> list[list[PreparedPhoto]]:
    """Groups of photographs whose sizes at all scales are the same, in order of their first."""
    groups: dict[tuple, list[PreparedPhoto]] = defaultdict(list)
    for photo in photos:
        groups[tuple(damaged.shape for damaged, _ in photo.working.values())].append(photo)
    return list(groups.values())


def _stack(photos: Sequence[PreparedPhoto], scale: Scale, device: str) -> tuple[Tensor, Tensor]:
    """Damaged gray and mask, uint8 (N, 1, h, w), on the device."""
    damaged, mask = (np.stack([photo.working[scale][part] for photo in photos])[:, None] for part in (0, 1))
    return torch.from_numpy(damaged).to(device), torch.from_numpy(mask).to(device)
