"""How much each checkpoint counts in an ensemble."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from toolbox.plugin.registry import METRICS, without_files

Weights = Sequence[float] | str | None


def shares(weights: Weights, scores: Sequence[float | None], names: Sequence[str]) -> list[float]:
    """Shares of the mean, adding up to 1.

    Args:
        weights: one positive number for each checkpoint; 'score' for their scores; None for equal shares.
        scores: of each one's best validation, as `validation_score` gives it.
        names: of the checkpoints, for messages.

    Raises:
        ValueError: weights that do not fit, or a score that is not known.
    """
    if weights is None:
        numbers = [1.0] * len(names)
    elif isinstance(weights, str):
        if weights != 'score':
            raise ValueError(f"weights {weights!r}: expected one number for each checkpoint, or 'score'")
        numbers = []
        for name, score in zip(names, scores, strict=True):
            if score is None or not score > 0:
                raise ValueError(
                    f'{name} holds no positive validation score to weigh it by; give numbers: --weights 1,2,...'
                )
            numbers.append(score)
    else:
        numbers = list(weights)
    if len(numbers) != len(names):
        raise ValueError(f'{len(numbers)} weights for {len(names)} checkpoints: give one number for each')
    if not all(0 < number < float('inf') for number in numbers):
        raise ValueError(f'weights {", ".join(f"{number:g}" for number in numbers)}: expected positive numbers')
    return [number / sum(numbers) for number in numbers]


def validation_score(content: Mapping[str, Any], config: Config) -> float | None:
    """What a checkpoint says of its best validation: the value of the metric that ranks, where higher is better."""
    metric = METRICS.get(config.metrics[0].type)
    if not hasattr(metric, 'name') or not hasattr(metric, 'higher_is_better'):  # it says so when it is built
        with without_files():
            metric = METRICS.build(config.metrics[0])
    metrics = content.get('metrics')
    score = metrics.get(metric.name) if isinstance(metrics, Mapping) and metric.higher_is_better else None
    return score if isinstance(score, int | float) else None
