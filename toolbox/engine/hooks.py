"""What watches a run: the console and log, scalars.jsonl, and the sample grids."""

import json
import logging
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from tqdm import tqdm

from toolbox.engine.model import Outcome
from toolbox.engine.samples import sample_grid
from toolbox.imageio import write_png

logger = logging.getLogger('huefill')


class ProgressHook(Hook):
    """A progress bar with the remaining time on terminals, and a line per epoch everywhere."""

    priority = 'LOW'

    def before_train(self, runner: Any) -> None:
        steps = runner.max_iters
        interactive = sys.stderr.isatty() and is_main_process()
        self.bar = tqdm(total=steps, initial=runner.iter, unit='step', disable=not interactive, dynamic_ncols=True)
        self.started = time.monotonic()
        self.first_step = runner.iter

    def before_train_epoch(self, runner: Any) -> None:
        self.epoch_started = time.monotonic()
        self.losses: list[torch.Tensor] = []
        self.bar.set_description(f'epoch {runner.epoch + 1}/{runner.max_epochs}')

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.losses.append(outputs['loss'].detach())
        self.bar.update()

    def after_train_epoch(self, runner: Any) -> None:
        self.epoch_seconds = time.monotonic() - self.epoch_started

    def after_validation(self, runner: Any, metrics: dict[str, float], is_best: bool) -> None:
        loss = torch.stack(self.losses).mean().item()
        photos = len(self.losses) * runner.config.data.batch_size
        passed = time.monotonic() - self.started
        left = passed / max(1, runner.iter - self.first_step) * (runner.max_iters - runner.iter)
        parts = '  '.join(f'{name} {value:.4f}' for name, value in metrics.items() if isinstance(value, float))
        self.say(
            f'epoch {runner.epoch}/{runner.max_epochs}  loss {loss:.4f}  {parts}{"  best" if is_best else ""}  '
            f'({photos / self.epoch_seconds:.1f} photos/s, {clock(left)} left)'
        )

    def after_train(self, runner: Any) -> None:
        self.bar.close()
        waited = runner.best_score.waited
        if runner.stops_early and runner.epoch < runner.max_epochs:
            self.say(f'stopped early: no better {runner.ranking_metric.name} in {waited} validations')

    def say(self, text: str) -> None:
        with tqdm.external_write_mode():
            logger.info(text)


class ScalarsHook(Hook):
    """Appends what was measured to scalars.jsonl: a line per `interval` steps and a line per validation."""

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self.sums: dict[str, Any] = defaultdict(float)
        self.steps = 0

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        for name, value in outputs.items():
            self.sums[name] = self.sums[name] + value.detach()
        self.steps += 1
        if (runner.iter + 1) % self.interval == 0:
            means = {name: float(value) / self.steps for name, value in self.sums.items()}
            learning_rate = runner.optim_wrapper.get_lr()['lr'][0]
            self._write(runner, dict(step=runner.iter + 1, epoch=runner.epoch + 1, lr=learning_rate, **means))
            self.sums.clear()
            self.steps = 0

    def after_validation(self, runner: Any, metrics: dict[str, float], is_best: bool) -> None:
        self._write(runner, dict(step=runner.iter, epoch=runner.epoch, **{f'val_{k}': v for k, v in metrics.items()}))

    def _write(self, runner: Any, line: dict[str, Any]) -> None:
        if is_main_process():
            with open(runner.folder / 'scalars.jsonl', 'a', encoding='utf-8') as file:
                file.write(json.dumps(line) + '\n')


class SampleGridHook(Hook):
    """Writes samples/epoch_NNN.png: the same validation photographs after each validation, as rows of pictures."""

    def __init__(self, num_images: int) -> None:
        self.num_images = num_images
        self.rows: dict[str, Any] = {}

    def before_val_epoch(self, runner: Any) -> None:
        names = runner.val_dataloader.dataset.photos
        self.wanted = {names[index].name for index in range(min(self.num_images, len(names)))}
        self.rows = {}

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: list[Outcome] | None = None
    ) -> None:
        for outcome in outputs:
            for index, name in enumerate(outcome.batch.names):
                if name in self.wanted:
                    self.rows[name] = outcome.pictures(index)

    def after_validation(self, runner: Any, metrics: dict[str, float], is_best: bool) -> None:
        if self.rows and is_main_process():
            path = Path(runner.folder) / 'samples' / f'epoch_{runner.epoch:03d}.png'
            path.parent.mkdir(exist_ok=True)
            write_png(path, sample_grid([self.rows[name] for name in sorted(self.rows)]))


def clock(seconds: float) -> str:
    """`1:02:03`, or `2:03` under an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}' if hours else f'{minutes}:{seconds:02d}'
