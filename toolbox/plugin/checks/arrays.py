"""What the checks of the kinds that work on embeddings ask alike."""

from collections.abc import Iterator

import numpy as np

from toolbox.plugin.types import Outliers

NUM_IMAGES = (10, 60)


def embeddings(num_images: int, dimensions: int = 12) -> np.ndarray:
    """Two clouds and two strays: float32 (num_images, dimensions)."""
    rng = np.random.default_rng(num_images)
    cloud = rng.normal(0, 1, (num_images, dimensions))
    cloud[num_images // 2 :] += 6
    cloud[:2] *= 40
    return cloud.astype(np.float32)


def array_problem(value: object, shape: tuple[int | None, ...], dtype: type, name: str) -> str | None:
    """What is wrong with a value that is to be an array of a shape (None: any length) and dtype, and finite."""
    if not isinstance(value, np.ndarray):
        return f'{name} is a {type(value).__name__}, expected an array'
    if value.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, value.shape, strict=True)):
        wanted = ', '.join('any' if side is None else str(side) for side in shape)
        return f'{name} has shape {value.shape}, expected ({wanted})'
    if value.dtype != dtype:
        return f'{name} is {value.dtype}, expected {np.dtype(dtype)}'
    if value.dtype.kind == 'f' and not np.isfinite(value).all():
        return f'{name} holds values that are not finite'
    return None


def outliers_problem(outliers: object, num_images: int) -> str | None:
    """What is wrong with a detector's answer about some images."""
    if not isinstance(outliers, Outliers):
        return f'returned {type(outliers).__name__}, expected Outliers'
    columns = (('label', np.int64), ('score', np.float32), ('keep', np.bool_))
    for name, dtype in columns:
        problem = array_problem(getattr(outliers, name), (num_images,), dtype, name)
        if problem:
            return problem
    if outliers.label.min(initial=0) < -1:
        return f'label {outliers.label.min()}: expected -1 for noise, and clusters from 0'
    if not 0 <= outliers.score.min(initial=0) <= outliers.score.max(initial=1) <= 1:
        return f'scores from {outliers.score.min():.3g} to {outliers.score.max():.3g}, expected [0, 1]'
    kept, dropped = outliers.score[outliers.keep], outliers.score[~outliers.keep]
    if len(kept) and len(dropped) and kept.max() > dropped.min():
        return 'keeps an image with a higher score than one that it drops; keep must be a rule on the score'
    return None


def equal_outliers(one: Outliers, other: Outliers) -> bool:
    """Whether two answers are the same."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ('label', 'score', 'keep'))


def changed_inputs(*pairs: tuple[np.ndarray, np.ndarray]) -> Iterator[str]:
    """A sentence if an input differs from its copy."""
    if not all(np.array_equal(array, copy) for array, copy in pairs):
        yield 'changes its input in place'
