"""What a fill promises: it paints the hole and nothing else, on a copy, the same way for the same arguments."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolbox.plugin.checks import Make, repeatable

_SIZES = ((1, 1), (1, 9), (5, 7), (64, 48))
_HOLES = ('nothing', 'everything', 'a part')


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Fill`."""
    fill = make()
    for height, width in _SIZES:
        gray = np.random.default_rng(3).integers(0, 256, (height, width), np.uint8)
        for hole in _HOLES:
            mask = _mask(hole, height, width)
            problem = _painting_problem(fill, gray, mask)
            if problem:
                yield f'{problem}, where the hole is {hole} of an image of {height}x{width}'
                return
            if not repeatable(lambda gray=gray, mask=mask: fill(gray, mask, np.random.default_rng(1))):
                yield 'paints two ways for equal arguments; draw from the given generator alone and keep no state'
                return
    gray, mask = np.full((64, 48), 100, np.uint8), _mask('a part', 64, 48)
    paintings = [make()(gray, mask, np.random.default_rng(1)) for _ in range(2)]
    if not np.array_equal(*paintings):
        yield 'two instances paint two ways for equal arguments'


def _painting_problem(fill: Any, gray: np.ndarray, mask: np.ndarray) -> str | None:
    gray_before, mask_before = gray.copy(), mask.copy()
    painted = fill(gray, mask, np.random.default_rng(1))
    if not np.array_equal(gray, gray_before) or not np.array_equal(mask, mask_before):
        return 'changes its inputs; paint on a copy'
    if not isinstance(painted, np.ndarray) or painted.dtype != np.uint8:
        return f'returns {getattr(painted, "dtype", type(painted).__name__)}; expected a numpy array of uint8'
    if painted.shape != gray.shape:
        return f'returns shape {painted.shape} for {gray.shape}'
    if np.shares_memory(painted, gray):
        return 'returns its input, or a view of it; return a copy'
    if not np.array_equal(painted[mask == 0], gray[mask == 0]):
        return 'paints outside the hole'
    return None


def _mask(hole: str, height: int, width: int) -> np.ndarray:
    mask = np.full((height, width), hole != 'nothing', np.uint8)
    if hole == 'a part':
        mask[height // 2 :, : (width + 1) // 2] = 0
    return mask
