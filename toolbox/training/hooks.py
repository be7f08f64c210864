"""What watches a run: the console and log, scalars.jsonl and back ends, and the sample grids."""

import json
import logging
import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from tqdm import tqdm

from toolbox.images.io import write_png
from toolbox.system.bars import bar
from toolbox.system.disk_errors import is_full, writing
from toolbox.system.files import parse_json, sync_file
from toolbox.training.model import Outcome
from toolbox.training.samples import sample_grid

logger = logging.getLogger('huefill')


class TrainingHook:
    """What watches a training; each method is called by the trainer, in the order in which the hooks are listed.

    `trainer.epoch` and `trainer.step` count what is finished. What `state_dict` returns is kept in checkpoints.
    """

    def before_train(self, trainer: Any) -> None:
        """Training begins, from the start or from a checkpoint."""

    def before_epoch(self, trainer: Any) -> None:
        """An epoch begins, or goes on."""

    def after_step(self, trainer: Any, losses: Mapping[str, float] | None) -> None:
        """A step was taken; `losses` by name, None where one was not finite and no weight has changed."""

    def after_epoch(self, trainer: Any) -> None:
        """The steps of an epoch are done; its validation is to come."""

    def before_validation(self, trainer: Any) -> None:
        """A validation begins."""

    def after_restoring(self, trainer: Any, outcomes: Sequence[Outcome]) -> None:
        """Some photographs of the validation were restored."""

    def after_validation(self, trainer: Any, metrics: Mapping[str, float], is_best: bool) -> None:
        """A validation is done; nothing is saved yet."""

    def before_save(self, trainer: Any) -> None:
        """A checkpoint is about to be written."""

    def after_epoch_saved(self, trainer: Any) -> None:
        """The checkpoint of an epoch is written."""

    def after_train(self, trainer: Any) -> None:
        """Training is at its end, or pauses."""

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint; {}: nothing to keep."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where `state_dict` was."""


class ProgressHook(TrainingHook):
    """A progress bar with the remaining time on terminals, and a line per epoch everywhere."""

    def __init__(self) -> None:
        self.loss_sum, self.steps = 0.0, 0

    def before_train(self, trainer: Any) -> None:
        self.bar = bar(trainer.max_steps, 'step', 'training', done=trainer.step, wanted=is_main_process())
        self.started = time.monotonic()
        self.first_step = trainer.step

    def before_epoch(self, trainer: Any) -> None:
        self.epoch_started, self.epoch_first_step = time.monotonic(), trainer.step
        if not trainer.state.batch:
            self.loss_sum, self.steps = 0.0, 0
        # The bar counts the steps of the whole run: the epoch stands behind it, not before its count.
        self.bar.set_postfix_str(f'epoch {trainer.epoch + 1}/{trainer.max_epochs}', refresh=False)

    def after_step(self, trainer: Any, losses: Mapping[str, float] | None) -> None:
        if losses is not None:
            self.loss_sum += losses['loss']
            self.steps += 1
        self.bar.update()

    def after_epoch(self, trainer: Any) -> None:
        seconds = time.monotonic() - self.epoch_started
        self.rate = (trainer.step - self.epoch_first_step) * trainer.config.data.batch_size / seconds

    def after_validation(self, trainer: Any, metrics: Mapping[str, float], is_best: bool) -> None:
        passed = time.monotonic() - self.started
        left = passed / max(1, trainer.step - self.first_step) * (trainer.max_steps - trainer.step)
        parts = '  '.join(f'{name} {value:.4f}' for name, value in metrics.items() if isinstance(value, float))
        loss = self.loss_sum / self.steps if self.steps else float('nan')
        self.say(
            f'epoch {trainer.epoch}/{trainer.max_epochs}  loss {loss:.4f}  {parts}{"  best" if is_best else ""}  '
            f'({self.rate:.1f} photos/s, {clock(left)} left)'
        )

    def after_train(self, trainer: Any) -> None:
        self.bar.close()
        waited = trainer.state.best.waited
        if trainer.stops_early and trainer.epoch < trainer.max_epochs:
            self.say(f'stopped early: no better {trainer.evaluator.ranking.name} in {waited} validations')

    def say(self, text: str) -> None:
        with tqdm.external_write_mode():
            logger.info(text)

    def state_dict(self) -> dict[str, Any]:
        """The running mean of the epoch, for a checkpoint."""
        return dict(loss_sum=self.loss_sum, steps=self.steps)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where `state_dict` was."""
        self.loss_sum, self.steps = state['loss_sum'], state['steps']


class ScalarsHook(TrainingHook):
    """Appends what was measured to scalars.jsonl: a line per `interval` steps and a line per validation.

    The same lines go to the visualizer's back ends. When a run is resumed, lines beyond its checkpoint are cut off, so
    that each step is there once. `photos_per_second` and `gpu_memory_mib` alone differ between equal runs.
    """

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self.sums: dict[str, float] = defaultdict(float)
        self.steps = 0
        self.lines: int = 0
        self.waiting: list[str] = []  # lines that a full disk has not taken yet

    def before_train(self, trainer: Any) -> None:
        if is_main_process():
            self._cut(trainer.folder)
        self.line_started, self.line_first_step = time.monotonic(), trainer.step

    def after_step(self, trainer: Any, losses: Mapping[str, float] | None) -> None:
        if losses is not None:
            for name, value in losses.items():
                self.sums[name] += value
            self.steps += 1
        if trainer.step % self.interval == 0:
            means = {name: value / self.steps for name, value in self.sums.items()}
            learning_rate = trainer.state.optimizer.param_groups[0]['lr']
            line = dict(step=trainer.step, epoch=trainer.epoch + 1, lr=learning_rate, **means)
            self._write(trainer, {**line, **self._speed(trainer)})
            self.sums.clear()
            self.steps = 0

    def after_validation(self, trainer: Any, metrics: Mapping[str, float], is_best: bool) -> None:
        values = {f'val_{name}': value for name, value in metrics.items()}
        self._write(trainer, dict(step=trainer.step, epoch=trainer.epoch, **values))
        self.line_started, self.line_first_step = time.monotonic(), trainer.step  # validation is no training time

    def before_save(self, trainer: Any) -> None:
        path = trainer.folder / 'scalars.jsonl'
        if path.is_file():
            sync_file(path)  # a checkpoint counts on the lines before it

    def after_train(self, trainer: Any) -> None:
        trainer.visualizer.close()

    def state_dict(self) -> dict[str, Any]:
        """The running means and the number of lines, for a checkpoint."""
        return dict(sums=dict(self.sums), steps=self.steps, lines=self.lines, waiting=list(self.waiting))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where `state_dict` was."""
        self.sums = defaultdict(float, {name: float(value) for name, value in state['sums'].items()})
        self.steps, self.lines, self.waiting = state['steps'], state['lines'], list(map(str, state['waiting']))

    def _speed(self, trainer: Any) -> dict[str, float]:
        now = time.monotonic()
        photos = (trainer.step - self.line_first_step) * trainer.config.data.batch_size
        speed = dict(photos_per_second=round(photos / (now - self.line_started), 2))
        self.line_started, self.line_first_step = now, trainer.step
        if torch.cuda.is_available():
            speed['gpu_memory_mib'] = torch.cuda.max_memory_allocated() // 2**20
        return speed

    def _write(self, trainer: Any, line: dict[str, Any]) -> None:
        if not is_main_process():
            return
        self.waiting.append(json.dumps(line) + '\n')
        path = trainer.folder / 'scalars.jsonl'
        size = path.stat().st_size if path.is_file() else 0
        try:
            with writing(path), open(path, 'a', encoding='utf-8') as file:
                file.writelines(self.waiting)
        except OSError as error:
            if not is_full(error):
                raise
            if path.is_file():
                os.truncate(path, size)  # no half lines; they are written once there is room
        else:
            self.lines += len(self.waiting)
            self.waiting.clear()
        trainer.visualizer.add_scalars({key: value for key, value in line.items() if key != 'step'}, step=line['step'])

    def _cut(self, folder: Path) -> None:
        """Keep the lines up to the checkpoint, as far as they are whole."""
        path = folder / 'scalars.jsonl'
        if not path.is_file():
            self.lines = 0
            return
        kept, end = 0, 0
        with open(path, 'r+b') as file:
            while kept < self.lines:
                line = file.readline()
                if not line.endswith(b'\n') or parse_json(line.decode('utf-8', 'replace')) is None:
                    break
                kept, end = kept + 1, file.tell()
            file.truncate(end)
        if kept < self.lines:
            logger.warning(
                f'{path}: line {kept + 1} of the {self.lines} of before the checkpoint is missing or cut short; it and '
                'what came after it are dropped'
            )
        self.lines = kept


class SampleGridHook(TrainingHook):
    """Writes samples/epoch_NNN.png: the same validation photographs after each validation, as rows of pictures.

    They are drawn once the checkpoint is saved: what goes wrong with pictures costs no training.
    """

    def __init__(self, num_images: int) -> None:
        self.num_images = num_images
        self.rows: dict[str, Any] = {}

    def before_validation(self, trainer: Any) -> None:
        names = trainer.validation.dataset.photos
        self.wanted = {names[index].name for index in range(min(self.num_images, len(names)))}
        self.rows = {}

    def after_restoring(self, trainer: Any, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            for index, name in enumerate(outcome.batch.names):
                if name in self.wanted:
                    self.rows[name] = outcome.pictures(index)

    def after_epoch_saved(self, trainer: Any) -> None:
        if self.rows and is_main_process():
            path = Path(trainer.folder) / 'samples' / f'epoch_{trainer.epoch:03d}.png'
            try:
                path.parent.mkdir(exist_ok=True)
                write_png(path, sample_grid([self.rows[name] for name in sorted(self.rows)]))
            except OSError as error:
                if not is_full(error):
                    raise
                logger.warning(f'no room for {path}: left out')
        self.rows = {}


def clock(seconds: float) -> str:
    """`1:02:03`, or `2:03` under an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}' if hours else f'{minutes}:{seconds:02d}'
