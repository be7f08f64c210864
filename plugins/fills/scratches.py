"""Scratches, as on old photographs whose surface was scraped."""

import numpy as np

from toolbox.registry import FILLS


@FILLS.register_module()
class Scratches:
    """Parallel scratches, most of them bright, across a bleached photograph.

    Inside the hole the photograph is bleached towards the paper's white, and scratches of one direction and one gray
    each cross it, where the surface is gone; grain lies over both. This imitates worn prints and films, as restoration
    methods for old photographs do (Wan et al. 2020, 'Bringing Old Photos Back to Life').

    Args:
        coverage: share of the hole that scratches cover, about.
        bright: share of the scratches that show white paper; the others are dark dirt.
        bleaching: how much of the paper's white is mixed into what is left of the photograph, 0 to 1.
        max_width: scratches are 1 to this many pixels wide.
    """

    def __init__(self, coverage: float = 0.35, bright: float = 0.8, bleaching: float = 0.4, max_width: int = 3) -> None:
        for name, share in (('coverage', coverage), ('bright', bright), ('bleaching', bleaching)):
            if not 0 <= share <= 1:
                raise ValueError(f'Scratches({name}={share}): expected a share in [0, 1]')
        if max_width < 1:
            raise ValueError(f'Scratches(max_width={max_width}): expected at least 1 pixel')
        self.coverage = coverage
        self.bright = bright
        self.bleaching = bleaching
        self.max_width = max_width

    def __call__(self, gray: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        paper = rng.uniform(215, 255)
        left_over = (1 - self.bleaching) * gray + self.bleaching * paper
        line = _line_numbers(gray.shape, self.max_width, rng)
        num_lines = line.max() + 1
        is_scratch = rng.random(num_lines) < self.coverage
        is_bright = rng.random(num_lines) < self.bright
        shade = np.where(is_bright, paper, rng.uniform(0, 60, num_lines))
        painted = np.where(is_scratch[line], shade[line], left_over)
        painted += rng.normal(0, 6, gray.shape)
        return np.where(mask > 0, np.clip(np.rint(painted), 0, 255).astype(np.uint8), gray)


def _line_numbers(size: tuple[int, int], max_width: int, rng: np.random.Generator) -> np.ndarray:
    """int (H, W): on which of some parallel lines, of random widths and one direction, each pixel lies."""
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    across = columns * np.cos(angle) + rows * np.sin(angle)
    across -= across.min()
    edges = np.cumsum(rng.integers(1, max_width, int(across.max()) + 2, endpoint=True))
    return np.searchsorted(edges, across, side='right')
