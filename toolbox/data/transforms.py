"""From a photograph of any size to a training or validation crop, by albumentations.

The crop comes first and is the program's: photos larger than it are reduced (`data.reduce`) and cropped, smaller ones
stay as they are. What the config lists as `data.transforms` (flips, photometric changes) follows, in training only.
"""

import inspect
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from toolbox.system.words import did_you_mean


class PhotoTransform:
    """Crops and augments a photograph together with masks that belong to it.

    Args:
        size: side of the square crop, px.
        reduce: reduce photos whose shorter side exceeds `size` to it before the crop, by area averaging.
        training: crop at random and augment; otherwise crop the center.
        transforms: albumentations by name with their options, ``dict(type='HorizontalFlip', p=0.5)``.
        crop_scale: in training, the side of a crop as a share of the photograph's shorter side, drawn from this range;
            the crop is then brought to `size`, in place of `reduce`. None: crops of `size` as they are.

    Raises:
        ValueError: an unknown transform or option, with the nearest name, or a range outside (0, 1].
    """

    def __init__(
        self,
        size: int,
        reduce: bool,
        training: bool,
        transforms: Sequence[Mapping[str, Any]] = (),
        crop_scale: Sequence[float] | None = None,
    ) -> None:
        self.size = size
        self.crop_scale = _checked_range(crop_scale) if training and crop_scale is not None else None
        self.reduce = reduce
        self.training = training
        for index, transform in enumerate(transforms):
            if not isinstance(transform, Mapping):
                raise ValueError(f"data.transforms.{index}: expected dict(type='HorizontalFlip'), got {transform!r}")
        self._transforms = [dict(transform) for transform in transforms] if training else []
        for index, transform in enumerate(self._transforms):
            _build_transform(transform, f'data.transforms.{index}')

    def __call__(
        self, rgb: np.ndarray, masks: Sequence[np.ndarray], rng: np.random.Generator
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """uint8 (H, W, 3) and uint8 (H, W) masks to the crop; masks move by nearest neighbor, their values stay."""
        if self.crop_scale is not None:
            rgb, masks = self._scaled_crop(rgb, masks, rng)
        pipeline = self._pipeline(*rgb.shape[:2])
        pipeline.set_random_seed(int(rng.integers(2**31)))
        moved = pipeline(image=rgb, masks=list(masks))
        return moved['image'], list(moved['masks'])

    def _scaled_crop(
        self, rgb: np.ndarray, masks: Sequence[np.ndarray], rng: np.random.Generator
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """A square somewhere in the image, brought to `size`."""
        import cv2

        height, width = rgb.shape[:2]
        side = max(1, round(min(height, width) * rng.uniform(*self.crop_scale)))
        top, left = (int(rng.integers(length - side + 1)) for length in (height, width))
        part, size = (slice(top, top + side), slice(left, left + side)), (self.size, self.size)
        interpolation = cv2.INTER_AREA if side > self.size else cv2.INTER_CUBIC
        return (
            cv2.resize(rgb[part], size, interpolation=interpolation),
            [cv2.resize(mask[part], size, interpolation=cv2.INTER_NEAREST) for mask in masks],
        )

    @lru_cache(maxsize=64)  # noqa: B019 - one transform lives as long as its dataset
    def _pipeline(self, height: int, width: int) -> Any:
        """The pipeline for photographs of one size: albumentations fixes sizes when it builds."""
        albumentations = _albumentations()
        import cv2

        steps = []
        reduced = reduced_shape(height, width, self.size)
        if self.reduce and reduced != (height, width):
            height, width = reduced
            steps.append(
                albumentations.Resize(height, width, interpolation=cv2.INTER_AREA, mask_interpolation=cv2.INTER_NEAREST)
            )
        crop = albumentations.RandomCrop if self.training else albumentations.CenterCrop
        steps.append(crop(min(height, self.size), min(width, self.size)))
        steps += [_build_transform(transform, '') for transform in self._transforms]
        return albumentations.Compose(steps)


class Aging:
    """What time and scanners do to a photograph, by albumentations, to the gray that a restorer is given.

    Args:
        transforms: by name with their options, such as ``dict(type='GaussNoise', p=0.2)``; none that moves pixels.

    Raises:
        ValueError: an unknown transform or option, or one that moves pixels.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]] = ()) -> None:
        albumentations = _albumentations() if transforms else None
        built = [_build_transform(transform, f'data.aging.{index}') for index, transform in enumerate(transforms)]
        for index, transform in enumerate(built):
            if not isinstance(transform, albumentations.ImageOnlyTransform):
                raise ValueError(
                    f'data.aging.{index}: {type(transform).__name__} moves pixels, which the truth would not follow; '
                    'put it into data.transforms'
                )
        self._pipeline = albumentations.Compose(built) if built else None

    def __call__(self, gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """uint8 (H, W) in and out."""
        if self._pipeline is None:
            return gray
        self._pipeline.set_random_seed(int(rng.integers(2**31)))
        return self._pipeline(image=gray[..., None])['image'].reshape(gray.shape)


def _checked_range(crop_scale: Sequence[float]) -> tuple[float, float]:
    numbers = [value for value in crop_scale if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(crop_scale) != 2 or len(numbers) != 2 or not 0 < numbers[0] <= numbers[1] <= 1:
        raise ValueError(
            f'data.crop_scale={crop_scale!r}: expected the smallest and the largest share of the shorter side, '
            'like (0.6, 1.0)'
        )
    return tuple(map(float, numbers))


def reduced_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width once the shorter side is no longer than `size`; nothing is enlarged."""
    shorter = min(height, width)
    if shorter <= size:
        return height, width
    return max(size, round(height * size / shorter)), max(size, round(width * size / shorter))


def _albumentations() -> Any:
    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')  # it asks the network for its version at import
    import albumentations

    return albumentations


def _build_transform(config: Mapping[str, Any], where: str) -> Any:
    albumentations = _albumentations()
    known = {
        name: value
        for name, value in vars(albumentations).items()
        if inspect.isclass(value) and issubclass(value, albumentations.BasicTransform)
    }
    options = dict(config)
    name = options.pop('type', None)
    if name not in known:
        near = did_you_mean(name, known).partition(' Known:')[0]
        raise ValueError(
            f'{where}: {name!r} is no transform of albumentations{near} See https://explore.albumentations.ai'
        )
    parameters = inspect.signature(known[name]).parameters
    for option in options:
        if option not in parameters:
            raise ValueError(f'{where}.{option}: {name} takes no option {option!r}{did_you_mean(option, parameters)}')
    try:
        return known[name](**options)
    except (TypeError, ValueError) as error:  # albumentations' own checks
        raise ValueError(f'{where}: {name} does not take {options}: {" ".join(str(error).split())[:300]}') from error
