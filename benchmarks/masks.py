"""How fast the mask generators draw, and RandomPolygon beside the published code whose distribution it draws."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage import data
from skimage.draw import polygon2mask

from benchmarks.machine import cpu_name
from toolbox.plugin.contracts import ExampleOptions
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import MASKS

_DRAWS = 50  # in one timed round: the cost of a mask varies with its size
_MIN_BOX = 50


@dataclass(frozen=True)
class MaskBenchmark:
    """Medians of milliseconds per mask; `ours` by name."""

    machine: str
    size: int
    repeats: int
    published: float
    ours: dict[str, float]

    @property
    def ratio(self) -> float:
        """How many times as fast as the published code RandomPolygon is."""
        return self.published / self.ours['RandomPolygon']

    def __str__(self) -> str:
        lines = [
            f'masks of {self.size}x{self.size}, median of {self.repeats} rounds of {_DRAWS}; {self.machine}',
            f'polygenerator + skimage.draw.polygon2mask  {self.published:8.3f} ms',
        ]
        for name, milliseconds in sorted(self.ours.items(), key=lambda item: item[1]):
            note = f'   {self.ratio:.0f} times as fast' if name == 'RandomPolygon' else ''
            lines.append(f'{name:<41}  {milliseconds:8.3f} ms{note}')
        return '\n'.join(lines)


def benchmark_masks(size: int = 512, repeats: int = 10) -> MaskBenchmark:
    """Time every generator that needs no options, and the published code, in turns.

    Args:
        size: side of the square image, at least 64 px.
        repeats: timed rounds of each.

    Raises:
        ValueError: a size or a number of repeats that is too small; `polygenerator` is not installed.
    """
    if size < 64 or repeats < 1:
        raise ValueError(f'size {size}, repeats {repeats}: expected a size of at least 64 and at least one repeat')
    discover_plugins()
    gray = np.resize(data.camera(), (size, size))
    names = [name for name, plugin in MASKS.module_dict.items() if not isinstance(plugin, ExampleOptions)]
    generators = {name: MASKS.build({'type': name}) for name in names}
    rng = np.random.default_rng(0)
    jobs: dict[str, Callable[[], object]] = {
        name: lambda generator=generator: generator(size, size, rng, gray=gray)
        for name, generator in generators.items()
    }
    jobs[''] = lambda: published_polygon(size, size)
    random.seed(0)
    for job in jobs.values():
        job()  # imports
    rounds = [{name: _milliseconds(job) for name, job in jobs.items()} for _ in range(repeats)]
    medians = {name: statistics.median(times[name] for times in rounds) for name in jobs}
    return MaskBenchmark(f'one thread of {cpu_name()}', size, repeats, medians.pop(''), medians)


def published_polygon(height: int, width: int) -> tuple[np.ndarray, int]:
    """A mask, bool (height, width), as the published solution draws it, and the number of its polygon's corners.

    It draws from Python's global random state, as `polygenerator` does.

    Raises:
        ValueError: `polygenerator` is not installed.
    """
    try:
        import polygenerator
    except ImportError:
        raise ValueError('the comparison needs the package polygenerator: pip install polygenerator') from None

    while True:
        top, left = random.randint(0, height - _MIN_BOX), random.randint(0, width - _MIN_BOX)
        bottom, right = random.randint(top, height), random.randint(left, width)
        if bottom - top < _MIN_BOX or right - left < _MIN_BOX:
            continue
        num_corners = random.randint(3, 20)
        make = random.choice(
            [
                polygenerator.random_polygon,
                polygenerator.random_star_shaped_polygon,
                polygenerator.random_convex_polygon,
            ]
        )
        box = (bottom - top, right - left)
        corners = [(round(y * box[0]), round(x * box[1])) for y, x in make(num_corners)]
        inside = polygon2mask(box, corners)
        if inside.sum() > (_MIN_BOX // 2) ** 2:
            mask = np.zeros((height, width), bool)
            mask[top:bottom, left:right] = inside
            return mask, num_corners


def _milliseconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(_DRAWS):
        job()
    return 1000 * (time.perf_counter() - start) / _DRAWS
