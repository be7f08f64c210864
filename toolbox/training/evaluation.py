"""Measures outcomes with metric plugins: the same in training, at test and for baselines."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from toolbox.data.loaders import Batches
from toolbox.images.color import to_uint8
from toolbox.plugin.contracts import Metric
from toolbox.plugin.registry import METRICS
from toolbox.plugin.types import Batch, Restored
from toolbox.scoring.baselines import BASELINES
from toolbox.training.distributed import gathered
from toolbox.training.model import Outcome

logger = logging.getLogger('huefill')


class Evaluator:
    """Metric plugins over the images of an evaluation, of one process or of several.

    Args:
        metrics: the first one ranks.

    Attributes:
        ranking: the metric that ranks.
        rows: what all metrics said of each image in the last evaluation, by the photograph's name, sorted.
    """

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = list(metrics)
        self.ranking = self.metrics[0]
        self.rows: dict[str, dict[str, Any]] = {}
        self.start()

    def start(self) -> None:
        """Begin anew, also after an evaluation that was stopped."""
        self._measured: list[list[tuple[str, dict[str, Any]]]] = [[] for _ in self.metrics]

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Measure each image of each outcome."""
        for outcome in outcomes:
            images = outcome.rgb, to_uint8(outcome.batch.rgb), outcome.batch.hole.to(torch.uint8)
            for metric, measured in zip(self.metrics, self._measured, strict=True):
                measured += zip(outcome.batch.names, metric.rows(*images), strict=True)

    def finish(self) -> dict[str, float]:
        """The reduced values over the images of all processes, in every process.

        Raises:
            ValueError: two metrics have a value of one name.
        """
        values: dict[str, float] = {}
        self.rows = {}
        for metric, measured in zip(self.metrics, self._measured, strict=True):
            rows = dict(sorted((row for share in gathered(measured) for row in share), key=lambda pair: pair[0]))
            reduced = metric.reduce(list(rows.values()))
            if twice := values.keys() & reduced.keys():
                raise ValueError(f'metrics: two of them give {", ".join(sorted(twice))}; leave one of them out')
            values |= reduced
            for name, row in rows.items():
                self.rows.setdefault(name, {}).update(row)
        self.start()
        return values


def build_evaluator(metrics: Sequence[Mapping[str, Any]]) -> Evaluator:
    """Evaluator of the config's `metrics`."""
    return Evaluator([METRICS.build(config) for config in metrics])


def evaluate(
    loader: Iterable[Batches], restore: Callable[[Sequence[Batch]], Sequence[Outcome]], evaluator: Evaluator
) -> dict[str, float]:
    """Restore and measure what a validation loader yields."""
    evaluator.start()
    with torch.no_grad():
        for batches in loader:
            for failure in batches.failures:
                logger.warning(f'cannot read {failure.path}: {failure.reason}; it is not in the score')
            evaluator.add(restore(batches))
    return evaluator.finish()


def baseline_restorer(baseline: Callable[[Batch], Tensor]) -> Callable[[Sequence[Batch]], list[Outcome]]:
    """A baseline as `evaluate` calls a restorer."""

    def restore(batches: Sequence[Batch]) -> list[Outcome]:
        floats = [batch.to('cpu') for batch in batches]
        restored = [Restored(baseline(batch)) for batch in floats]
        return [Outcome(batch, one, to_uint8(one.rgb)) for batch, one in zip(floats, restored, strict=True)]

    return restore


def baseline_scores(metrics: Sequence[Mapping[str, Any]], loader: Iterable[Batches]) -> dict[str, dict[str, float]]:
    """The metrics of each baseline on a validation loader's images."""
    return {
        name: evaluate(loader, baseline_restorer(baseline), build_evaluator(metrics))
        for name, baseline in BASELINES.items()
    }
