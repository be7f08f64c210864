"""One batch of an arm, trained and validated: what a typo or a lack of memory would cost hours to find out."""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from toolbox.config.loading import read_run_config
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import training_loader, validation_loader
from toolbox.data.splits import split_photos, split_seed
from toolbox.experiment.trial import explain
from toolbox.nn.backend import set_backend
from toolbox.nn.device import default_device
from toolbox.system.records import Damaged, read_record, save_record
from toolbox.training.ema import WeightAverage
from toolbox.training.evaluation import build_evaluator, evaluate
from toolbox.training.load_model import model_to_train
from toolbox.training.optimizers import build_critic_optimizers, build_optimizer
from toolbox.training.precision import settle_training_precision
from toolbox.training.stepping import TrainingStep

RESULT = 'tried.json'


@dataclass(frozen=True)
class TryJob:
    """What an engine is told to try.

    Attributes:
        folder: holds the arm's config.py; gets tried.json: `reason`, '' if all went well, and `seconds_per_step`.
        timed_seconds: for how long to time steps after the first, for budgets in minutes.
        trusted: plugin modules that the person's own config names.
    """

    folder: Path
    timed_seconds: float = 0
    trusted: tuple[str, ...] = ()


def try_arm(job: TryJob) -> int:
    """Train one batch and validate one; 0, whether it works or not."""
    try:
        content = dict(reason='', **_try(read_run_config(job.folder, job.trusted), job.timed_seconds))
    except Exception as error:  # whatever goes wrong here would go wrong in the trials
        content = dict(reason=' '.join(explain(error).split()))
    save_record(job.folder / RESULT, content)
    return 0


def read_tried(place: Path) -> dict[str, Any]:
    """What came of trying an arm; {} where that is not known, or no longer: it is tried again."""
    file = place / RESULT
    try:
        fields = {'reason': str, 'seconds_per_step': float | None}
        return read_record(file, fields, 'it is made anew', needed=('reason',)) if file.is_file() else {}
    except Damaged as error:
        print(error, file=sys.stderr)
        return {}


def _try(config: Config, timed_seconds: float) -> dict[str, Any]:
    data, split = config.data, split_photos(config)
    set_backend(config.deterministic, config.tf32)
    torch.manual_seed(config.seed)
    model = model_to_train(config).to(default_device())
    settle_training_precision(model, data.size, data.batch_size, default_device())  # in which the trials will train
    optimizer = build_optimizer(config.optimizer, model.layout, config.train_cfg.encoder_lr_factor)
    critics, train_cfg = build_critic_optimizers(model.objective), config.train_cfg
    # It takes no part here, but memory, as it will in training.
    average = None if train_cfg.ema is None else WeightAverage(model.layout, train_cfg.ema)
    step = TrainingStep(model, model, optimizer, critics, train_cfg.accumulate, train_cfg.clip_norm)
    few = range(min(data.batch_size, len(split.training)))
    dataset = TrainingDataset(split.training.subset(few), data, config.seed, max_epochs=1)
    batch = next(iter(training_loader(dataset, data.batch_size, 0)))
    model.begin_step(0, 1)
    model.train()
    result = step(batch)
    if not result.finite:
        raise ValueError(f'the first loss is not finite: {result.losses}')
    if average is not None:
        average.update()
    seconds = _seconds_per_step(step, batch, timed_seconds) if timed_seconds else None
    model.eval()
    few = range(min(data.batch_size, len(split.validation)))
    validation = ValidationDataset(split.validation.subset(few), data, split_seed(config))
    loader = validation_loader(validation, data.batch_size, 0)
    evaluate(loader, model.val_step, build_evaluator(config.metrics))
    return dict(seconds_per_step=seconds)


def _seconds_per_step(step: TrainingStep, batch: Any, at_least: float) -> float:
    """The median, which a machine that is busy for a moment does not change."""
    seconds: list[float] = []
    while sum(seconds) < at_least:
        started = time.perf_counter()
        step(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[len(seconds) // 2 :])  # the first ones find their memory and their kernels
