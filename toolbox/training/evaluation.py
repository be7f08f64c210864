"""Measures outcomes with metric plugins, through mmengine's Evaluator: the same in training, test and for baselines."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric, Evaluator
from torch import Tensor

from toolbox.data.loaders import Batches
from toolbox.images.color import to_uint8
from toolbox.plugin.contracts import Batch, Metric, Restored
from toolbox.plugin.registry import METRICS
from toolbox.training.distributed import gathered
from toolbox.training.model import Outcome

logger = logging.getLogger('huefill')


class MetricAdapter(BaseMetric):
    """A metric plugin as mmengine's Evaluator calls it.

    Attributes:
        rows: per-image rows of the last evaluation, by name of the photograph, sorted.
    """

    default_prefix = ''  # names stay as the plugin gives them

    def __init__(self, metric: Metric) -> None:
        super().__init__(collect_device='cpu')
        self.metric = metric
        self.rows: dict[str, dict[str, Any]] = {}

    def process(self, data_batch: Any, data_samples: Sequence[Outcome]) -> None:
        """Measure each image of each outcome."""
        for outcome in data_samples:
            rows = self.metric.rows(outcome.rgb, to_uint8(outcome.batch.rgb), outcome.batch.hole.to(torch.uint8))
            self.results += zip(outcome.batch.names, rows, strict=True)

    def evaluate(self, size: int) -> dict[str, float]:
        """The reduced values, in every process; mmengine's own way drops the rows of uneven shares."""
        results = [row for share in gathered(self.results) for row in share]
        self.results.clear()
        return self.compute_metrics(results)

    def compute_metrics(self, results: list[tuple[str, dict[str, Any]]]) -> dict[str, float]:
        """The reduced values over the images of all processes."""
        self.rows = dict(sorted(results, key=lambda pair: pair[0]))
        return self.metric.reduce(list(self.rows.values()))


def build_evaluator(metrics: Sequence[Mapping[str, Any]]) -> Evaluator:
    """Evaluator of the config's `metrics`; the first one ranks."""
    return Evaluator([MetricAdapter(METRICS.build(config)) for config in metrics])


def rows_per_image(evaluator: Evaluator) -> dict[str, dict[str, Any]]:
    """What all metrics said of each image in the last evaluation, by the photograph's name, sorted."""
    rows: dict[str, dict[str, Any]] = {}
    for adapter in evaluator.metrics:
        for name, row in adapter.rows.items():
            rows.setdefault(name, {}).update(row)
    return rows


def evaluate(
    loader: Iterable[Batches],
    restore: Callable[[Sequence[Batch]], Sequence[Outcome]],
    evaluator: Evaluator,
    num_images: int,
) -> dict[str, float]:
    """Restore and measure what a validation loader yields."""
    with torch.no_grad():
        for batches in loader:
            for failure in batches.failures:
                logger.warning(f'cannot read {failure.path}: {failure.reason}; it is not in the score')
            evaluator.process(restore(batches), batches)
    return evaluator.evaluate(num_images)


def baseline_restorer(baseline: Callable[[Batch], Tensor]) -> Callable[[Sequence[Batch]], list[Outcome]]:
    """A baseline as `evaluate` calls a restorer."""

    def restore(batches: Sequence[Batch]) -> list[Outcome]:
        floats = [batch.to('cpu') for batch in batches]
        restored = [Restored(baseline(batch)) for batch in floats]
        return [Outcome(batch, one, to_uint8(one.rgb)) for batch, one in zip(floats, restored, strict=True)]

    return restore
