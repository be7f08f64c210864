"""What a finder promises: a mask and an honest number for any gray image."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolbox.plugin.checks import Make
from toolbox.plugin.types import Found


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Finder`."""
    finder, another = make(), make()
    for described, damaged in _images():
        problem = _answer_problem(finder, another, damaged)
        if problem:
            yield f'{problem}, for {described} of {damaged.shape[0]}x{damaged.shape[1]}'
            return


def _images() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(9)
    for size in ((1, 1), (1, 7), (6, 1), (2, 2), (3, 4), (33, 50), (96, 64)):
        yield 'noise', rng.integers(0, 256, size, np.uint8)
        for value in (0, 128, 255):
            yield f'an image of {value} alone', np.full(size, value, np.uint8)
        yield 'a photograph with a hole', _with_hole(*size)
        yield 'noise of two values', rng.integers(0, 2, size, np.uint8)


def _answer_problem(finder: Any, another: Any, damaged: np.ndarray) -> str | None:
    before = damaged.copy()
    try:
        found = finder(damaged)
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        return f'raises {type(error).__name__}: {error}'
    problem = _found_problem(found, damaged.shape)
    if problem:
        return problem
    if not np.array_equal(damaged, before):
        return 'changes the image'
    if np.shares_memory(found.mask, damaged):
        return 'returns a mask that shares memory with the image'
    window = np.pad(damaged, 2)[2:-2, 2:-2]  # the same pixels, not contiguous
    window.flags.writeable = False
    for instance, image in ((finder, damaged), (another, damaged), (finder, window)):
        again = instance(image)
        if not np.array_equal(again.mask, found.mask) or again.confidence != found.confidence:
            return 'gives two answers to one image'
    return None


def _found_problem(found: Any, size: tuple[int, int]) -> str | None:
    if not isinstance(found, Found):
        return f'returns a {type(found).__name__}; expected toolbox.contracts.Found'
    mask = found.mask
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8:
        return f'finds a mask of {getattr(mask, "dtype", type(mask).__name__)}; expected a numpy array of uint8'
    if mask.shape != size:
        return f'finds a mask of shape {mask.shape}'
    if mask.max() > 1:
        return f'finds a mask with values up to {mask.max()}; a mask holds 0 and 1 = hole'
    if not 0 <= found.confidence <= 1:  # also false for NaN
        return f'has confidence {found.confidence}; expected a number in [0, 1]'
    return None


def _with_hole(height: int, width: int) -> np.ndarray:
    """A shaded picture with grain, and a rectangle of one value in it."""
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    image = 90 + 60 * rows + 80 * columns + np.random.default_rng(4).normal(0, 4, (height, width))
    image[height // 4 : height // 2, width // 4 : width // 2] = 31
    return np.clip(image, 0, 255).astype(np.uint8)
