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

from toolbox.registry import did_you_mean


class PhotoTransform:
    """Crops and augments a photograph together with masks that belong to it.

    Args:
        size: side of the square crop, px.
        reduce: reduce photos whose shorter side exceeds `size` to it before the crop, by area averaging.
        training: crop at random and augment; otherwise crop the center.
        transforms: albumentations by name with their options, ``dict(type='HorizontalFlip', p=0.5)``.

    Raises:
        ValueError: an unknown transform or option, with the nearest name.
    """

    def __init__(self, size: int, reduce: bool, training: bool, transforms: Sequence[Mapping[str, Any]] = ()) -> None:
        self.size = size
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
        pipeline = self._pipeline(*rgb.shape[:2])
        pipeline.set_random_seed(int(rng.integers(2**31)))
        moved = pipeline(image=rgb, masks=list(masks))
        return moved['image'], list(moved['masks'])

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
