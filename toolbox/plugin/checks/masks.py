"""What a mask generator promises: a hole in any image of two pixels or more, the same one for the same arguments."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolbox.plugin.checks import Make
from toolbox.plugin.contracts import MaskGenerator

_SIZES = ((1, 2), (2, 1), (2, 2), (3, 5), (8, 8), (1, 40), (33, 33), (40, 97), (160, 96))
_PROGRESS = (0.0, 0.5, 1.0)
_NUM_SEEDS = 6


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.MaskGenerator`."""
    generator = make()
    for height, width in _SIZES:
        for seed in range(_NUM_SEEDS):
            for gray in (None, _photograph(height, width)):
                progress = _PROGRESS[seed % len(_PROGRESS)]
                problem = _mask_problem(generator, make(), (height, width), seed, progress, gray)
                if problem:
                    given = 'no photograph' if gray is None else 'a photograph'
                    yield f'{problem}, at {height}x{width}, progress {progress}, with {given}'
                    return
    yield from _variety_problems(generator)
    yield from _single_pixel_problems(generator)


def _mask_problem(
    generator: MaskGenerator,
    another: MaskGenerator,
    size: tuple[int, int],
    seed: int,
    progress: float,
    gray: np.ndarray | None,
) -> str | None:
    before = None if gray is None else gray.copy()
    mask = generator(*size, np.random.default_rng(seed), progress=progress, gray=gray)
    problem = _array_problem(mask, size)
    if problem:
        return problem
    if not np.array_equal(gray, before):
        return 'changes the photograph it is shown'
    if not mask.any():
        return 'draws an empty mask'
    if mask.all():
        return 'draws a mask that covers the whole image'
    generator(*size, np.random.default_rng(seed + 100))  # what was drawn in between must not matter
    for instance in (generator, another):
        again = instance(*size, np.random.default_rng(seed), progress=progress, gray=gray)
        if not np.array_equal(mask, again):
            return 'draws two masks for equal arguments; draw from the given generator alone and keep no state'
    return None


def _array_problem(mask: Any, size: tuple[int, int]) -> str | None:
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8:
        return f'returns {getattr(mask, "dtype", type(mask).__name__)}; expected a numpy array of uint8'
    if mask.shape != size:
        return f'returns shape {mask.shape}; expected {size} (height, width)'
    if mask.max() > 1:
        return f'returns values up to {mask.max()}; a mask holds 0 and 1 = hole'
    return None


def _variety_problems(generator: MaskGenerator) -> Iterator[str]:
    gray = _photograph(64, 80)
    masks = {generator(64, 80, np.random.default_rng(seed), gray=gray).tobytes() for seed in range(20)}
    if len(masks) == 1:
        yield 'draws the same mask for 20 seeds; draw from the given generator'


def _single_pixel_problems(generator: MaskGenerator) -> Iterator[str]:
    try:
        generator(1, 1, np.random.default_rng(0))
    except ValueError:
        return
    yield (
        'draws a mask for an image of one pixel, which must be empty or full: '
        'call toolbox.contracts.require_room_for_a_hole(height, width) first'
    )


def _photograph(height: int, width: int) -> np.ndarray:
    """A shaded disk with some grain."""
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    disk = (rows - 0.3) ** 2 + (columns - 0.5) ** 2 < 0.06
    grain = np.random.default_rng(5).normal(0, 3, (height, width))
    return np.clip(60 + 120 * columns - 50 * disk + grain, 0, 255).astype(np.uint8)
