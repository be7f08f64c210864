"""From photograph files to samples: the one way into training, validation and test.

    read -> crop and augment -> gray -> hole and damage -> Sample

A sample's damage is drawn, or is the competition's own where the file has a damaged partner. Bytes all the way; floats
begin on the device (`Batch.to`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from toolbox.data.manifest import Manifest, Photo
from toolbox.data.rng import frozen_rng, training_rng
from toolbox.data.sources import hole_from_pair
from toolbox.data.transforms import Aging, PhotoTransform
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import UnreadableImage, read_gray, read_rgb
from toolbox.plugin.contracts import Fill, Finder, MaskGenerator
from toolbox.plugin.registry import FILLS, FINDERS, MASKS
from toolbox.plugin.types import Failure


@dataclass
class Sample:
    """One photograph, ready for a batch; uint8 arrays (H, W), rgb (H, W, 3), masks in {0, 1}. Fields as in `Batch`."""

    name: str
    damaged: np.ndarray
    mask: np.ndarray
    gray: np.ndarray
    rgb: np.ndarray
    hole: np.ndarray
    failures: list[Failure] = field(default_factory=list)


class _PhotoDataset(Dataset):
    """What training and validation share: the way from a file and a generator to a damaged crop."""

    def __init__(self, photos: Manifest, transform: PhotoTransform, mask: MaskGenerator, fill: Fill) -> None:
        self.photos = photos
        self.transform = transform
        self.mask = mask
        self.fill = fill

    def __len__(self) -> int:
        return len(self.photos)

    def _crop(self, photo: Photo, real: bool, rng: np.random.Generator, progress: float) -> tuple[np.ndarray, ...]:
        """The crop's rgb, gray, hole and damaged gray."""
        rgb = read_rgb(photo.path)
        if rgb.shape[0] * rgb.shape[1] < 2:
            raise UnreadableImage(str(photo.path), '1x1 px: a hole and its surroundings need two')
        if real:
            damage = read_gray(photo.damaged)
            if damage.shape != rgb.shape[:2]:
                raise UnreadableImage(
                    str(photo.damaged), f'its size {damage.shape} is not that of {photo.path}, {rgb.shape[:2]}'
                )
            whole_hole = hole_from_pair(damage, gray_from_rgb(rgb))
            rgb, (hole, damage) = self.transform(rgb, [whole_hole, damage], rng)
            gray = gray_from_rgb(rgb)
            # The known pixels are the gray of this crop, also after a reduction or a change of brightness.
            return rgb, gray, hole, np.where(hole, damage, gray)
        rgb, _ = self.transform(rgb, [], rng)
        gray = gray_from_rgb(rgb)
        hole = self.mask(*gray.shape, rng, progress=progress, gray=gray)
        return rgb, gray, hole, self.fill(gray, hole, rng)


class TrainingDataset(_PhotoDataset):
    """Samples by (epoch, index), so that loader workers that outlive an epoch draw what the epoch is due.

    In place of a photograph that cannot be read stands the next one that can; the sample's `failures` say so.

    Args:
        photos: the photographs to learn from.
        data: the config's `data`.
        seed: a sample's generator is made from (seed, epoch, index).
        max_epochs: length of the run; curricula see the share of it that has passed.
    """

    def __init__(self, photos: Manifest, data: Mapping[str, Any], seed: int, max_epochs: int) -> None:
        transform = PhotoTransform(
            data['size'],
            data['reduce'],
            training=True,
            transforms=data['transforms'],
            crop_scale=data['crop_scale'],
        )
        super().__init__(photos, transform, MASKS.build(data['mask']), FILLS.build(data['fill']))
        self.aging = Aging(data['aging']) if data['aging'] else None
        self.repeat = data['repeat']
        self.real_pairs = data['real_pairs']
        self.seed = seed
        self.max_epochs = max_epochs

    def __len__(self) -> int:
        return len(self.photos) * self.repeat

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        failures = []
        for offset in range(len(self.photos)):
            try:
                sample = self._sample(self.photos[(key[1] + offset) % len(self.photos)], *key)
            except UnreadableImage as error:
                failures.append(Failure(error.path, error.reason))
                continue
            return replace(sample, failures=failures)
        raise ValueError(
            f'none of the {len(self.photos)} training photographs can be read; {failures[0].path}: {failures[0].reason}'
        )

    def _sample(self, photo: Photo, epoch: int, index: int) -> Sample:
        rng = training_rng(self.seed, epoch, index)
        real = photo.damaged is not None and rng.random() < self.real_pairs
        progress = epoch / max(1, self.max_epochs - 1)
        rgb, gray, hole, damaged = self._crop(photo, real, rng, min(1.0, progress))
        if self.aging is not None:
            damaged = np.where(hole, damaged, self.aging(gray, rng))
        # In training the restorer is told the hole that was drawn.
        return Sample(photo.name, damaged, hole, gray, rgb, hole)


class ValidationDataset(_PhotoDataset):
    """Samples whose damage depends on the seed and the file alone; the mask is what the finder finds.

    A photograph that cannot be read has no substitute: a `Failure` stands for it.

    Args:
        photos: the photographs to measure on.
        data: the config's `data`.
        seed: with a file's name, decides its damage.
    """

    def __init__(self, photos: Manifest, data: Mapping[str, Any], seed: int) -> None:
        transform = PhotoTransform(data['val_size'] or data['size'], data['reduce'], training=False)
        super().__init__(photos, transform, MASKS.build(data['val_mask']), FILLS.build(data['val_fill']))
        self.finder: Finder = FINDERS.build(data['finder'])
        self.real_pairs = data['val_real_pairs']
        self.seed = seed

    def __getitem__(self, index: int) -> Sample | Failure:
        try:
            return self._sample(self.photos[index])
        except UnreadableImage as error:
            return Failure(error.path, error.reason)

    def _sample(self, photo: Photo) -> Sample:
        real = photo.damaged is not None and self.real_pairs
        rng = frozen_rng(self.seed, photo.name)
        rgb, gray, hole, damaged = self._crop(photo, real, rng, progress=1.0)
        return Sample(photo.name, damaged, self.finder(damaged).mask, gray, rgb, hole)
