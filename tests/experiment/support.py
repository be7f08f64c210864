"""Experiments that are made up: results of arms whose true means are known."""

from collections.abc import Mapping, Sequence

import numpy as np

from toolbox.experiment.results import Arm, Costs, TrialResult

COSTS = Costs(parameters=1_500_000, images_per_second=12.5, peak_memory_mib=900, wall_minutes=3, gpu_minutes=0)


def arm(name: str, **levels: str) -> Arm:
    return Arm(name, levels or {'part': name})


def done(name: str, score: float, seed: int = 0, fold: int = 0, **more) -> TrialResult:
    """A trial that went well; `more` are further fields."""
    fields = dict(metrics={'score': score, 'ssim': 0.5, 'n': 40}, untrained={'score': 0.1}, costs=COSTS)
    return TrialResult(name, seed, fold, 'done', **{**fields, **more})


def curve(*scores: float) -> list[dict[str, float]]:
    """Validations after each epoch from the first on."""
    return [dict(step=10 * epoch, epoch=epoch, score=score) for epoch, score in enumerate(scores, 1)]


def by_image(scores: Sequence[float]) -> dict[str, dict[str, float]]:
    return {f'photo {number}.png': {'score': score} for number, score in enumerate(scores)}


def drawn(means: Mapping[str, float], seeds: int, rng: np.random.Generator) -> list[TrialResult]:
    """Normal scores: each seed has an effect that its arms share, three times as strong as what is left to each."""
    shared = rng.normal(0, 0.03, seeds)
    return [
        done(name, mean + shared[seed] + rng.normal(0, 0.01), seed)
        for name, mean in means.items()
        for seed in range(seeds)
    ]
