"""Several mask generators, one of them at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolbox.registry import MASKS


@MASKS.register_module()
class Mixture:
    """For each hole one of several generators, drawn with the given weights.

    Args:
        generators: configs of mask generators: ``[dict(type='RandomPolygon'), dict(type='Boxes', max_boxes=1)]``.
        weights: how often each is drawn, in any unit; by default equally often.
    """

    def __init__(self, generators: Sequence[Mapping[str, Any]], weights: Sequence[float] | None = None) -> None:
        if isinstance(generators, str | Mapping) or not generators:
            raise ValueError(
                f"Mixture(generators={generators!r}): expected a list like [dict(type='RandomPolygon'), ...]"
            )
        weights = [1.0] * len(generators) if weights is None else list(weights)
        if len(weights) != len(generators) or min(weights) < 0 or not 0 < sum(weights) < float('inf'):
            raise ValueError(
                f'Mixture(weights={weights}): expected {len(generators)} numbers, one per generator, '
                'none below 0 and not all 0'
            )
        for index, config in enumerate(generators):
            MASKS.check(config, where=f'Mixture.generators[{index}]')
        self.generators = [MASKS.build(config) for config in generators]
        self.shares = np.cumsum(weights) / np.sum(weights)

    @staticmethod
    def example_options(folder: Path) -> dict[str, Any]:
        """Polygons, and boxes half as often."""
        return {'generators': [{'type': 'RandomPolygon'}, {'type': 'Boxes'}], 'weights': [2, 1]}

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray:
        index = int(np.searchsorted(self.shares, rng.random(), side='right'))
        return self.generators[index](height, width, rng, progress=progress, gray=gray)
