"""Training, from top to bottom: fit -> epoch -> step -> validate -> save."""

import itertools
import logging
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, is_distributed, is_main_process
from torch.utils.data import DataLoader

from toolbox.config.loading import config_data
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import EpochSampler
from toolbox.data.workers import waiting_in
from toolbox.nn.backend import set_backend
from toolbox.plugin.types import Batch
from toolbox.system.files import remove_leftovers
from toolbox.system.interruption import Interrupted, Stopped, StopRequest, stop_on_signals
from toolbox.training.checkpoint_rotation import Generations
from toolbox.training.distributed import by_main_process, over_processes, share_buffers
from toolbox.training.evaluation import Evaluator
from toolbox.training.hooks import TrainingHook
from toolbox.training.learning_rate import LearningRate, run_length
from toolbox.training.model import RestorationModel
from toolbox.training.precision import precision_record
from toolbox.training.random_state import seed_all
from toolbox.training.state import TrainingState
from toolbox.training.stepping import TrainingStep
from toolbox.training.unreadable_files import FailureLedger
from toolbox.training.visualizers import build_visualizer

logger = logging.getLogger('huefill')


class Trainer:
    """Trains one model in one run folder, from the start or from a checkpoint.

    Args:
        config: a complete config.
        model: what is trained.
        training, validation: loaders.
        evaluator: measures validations.
        folder: the run folder; it exists.
        hooks: what watches the run.
        data_digest: identifies the photographs; kept in each checkpoint.

    Attributes:
        state: all that training goes on from; `epoch` and `step` count what is finished.
        max_epochs, max_steps: of the run.
        generations: the checkpoints.
        stop_request: whether a signal asks to stop.
    """

    def __init__(
        self,
        config: Config,
        model: RestorationModel,
        training: DataLoader,
        validation: DataLoader,
        evaluator: Evaluator,
        folder: Path,
        hooks: Sequence[TrainingHook] = (),
        data_digest: str = '',
    ) -> None:
        set_backend(config.deterministic, config.tf32)
        if config.train_cfg.compile:
            model.compile_networks()
        self.network = over_processes(model)
        self.config = config
        self.model = model
        self.training, self.validation = training, validation
        self.evaluator = evaluator
        self.folder = folder
        self.hooks = hooks
        self.data_digest = data_digest
        self.max_epochs, self.max_steps = run_length(config.train_cfg, len(training))
        self.state = state = TrainingState(config, model, evaluator.ranking.higher_is_better, hooks)
        self.learning_rate = LearningRate(state.optimizer, config.lr_schedule, self.max_steps)
        parts, clip_norm = config.train_cfg.accumulate, config.train_cfg.clip_norm
        self.take_step = TrainingStep(model, self.network, state.optimizer, state.critics, parts, clip_norm)
        self.generations = Generations(folder)
        self.stop_request = StopRequest()
        assert isinstance(training.dataset, TrainingDataset)
        assert isinstance(validation.dataset, ValidationDataset)
        num_photos = len(training.dataset.photos) + len(validation.dataset.photos)
        failures = 'failures.csv' if is_main_process() else f'failures.rank{get_rank()}.csv'
        self.unreadable = FailureLedger(folder / failures, num_photos, config.data.max_unreadable)
        self.visualizer = build_visualizer(config.visualizers, f'{folder.resolve()} {time.time_ns()}', folder)
        self._config_data = config_data(config)
        self._precision = precision_record(model)
        self._checkpoint: tuple[Mapping[str, Any], Path] | None = None
        seed_all(config.seed + get_rank())

    @property
    def epoch(self) -> int:
        """Epochs that are finished."""
        return self.state.epoch

    @property
    def step(self) -> int:
        """Steps that are taken."""
        return self.state.step

    @property
    def stops_early(self) -> bool:
        """Whether patience is at its end; never before the last phase of a layout that trains in turns."""
        return self.state.best.should_stop and self.model.phases.in_last

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self.epoch >= self.max_epochs or self.stops_early

    def fit(self, pause_after: int | None = None) -> None:
        """Train until the last epoch, until no better score is to be expected, or until a signal asks to stop.

        Args:
            pause_after: the epoch to return after, with a checkpoint to go on from; None: at the end alone.

        Raises:
            Stopped: by a signal, after a save.
            ValueError: the checkpoint to go on from holds a state that is none of this run.
            OSError: too little room on the disk.
        """
        if is_main_process():
            remove_leftovers(self.folder, below=False)
            self.generations.check_space(*self.state.expected_sizes())
        loaders = () if is_distributed() else (self.training, self.validation)  # several stop at the same step
        with stop_on_signals(self.stop_request), waiting_in(self.stop_request.while_waiting, *loaders):
            if self._checkpoint is not None:
                self._take_up(*self._checkpoint)
            self._saved_at = time.monotonic()
            self._call('before_train')
            while not self.ended and (pause_after is None or self.epoch < pause_after):
                self.run_epoch()
            self._call('after_train')

    def run_epoch(self) -> None:
        """The steps of an epoch that are still to come, its validation where one is due, and a checkpoint."""
        self._take_steps()
        self.state.epoch, self.state.batch = self.epoch + 1, 0
        is_best = False
        if self.epoch % self.config.train_cfg.val_interval == 0 or self.epoch == self.max_epochs:
            metrics = self.validate()
            score = metrics[self.evaluator.ranking.name]
            is_best = self.state.best.update(score, {**metrics, 'epoch': self.epoch})
            self._call('after_validation', metrics, is_best)
        self.save(is_best)
        self._call('after_epoch_saved')
        if self.stop_request.signal_number is not None and not is_distributed():
            raise self._stopped()

    def _take_steps(self) -> None:  # of its own, so that no batch is kept while the epoch is validated
        self._call('before_epoch')
        self.network.train()
        assert isinstance(self.training.sampler, EpochSampler)
        self.training.sampler.start_at(self.epoch, self.state.batch)
        try:
            for batch in itertools.islice(self.training, self.max_steps - self.step):
                self.run_step(batch)
        except Interrupted:
            self.save()
            raise self._stopped() from None
        self._call('after_epoch')

    def run_step(self, batch: Batch) -> None:
        """One step of the optimizers; one whose losses are not finite changes no weight."""
        state = self.state
        if self.model.begin_step(self.step, self.max_steps):
            state.best.waited = 0  # what trains in a new phase has not been seen to stand still
        self.unreadable.add(batch.failures)
        self.learning_rate.apply(self.step)
        result = self.take_step(batch, stop=self.stop_request.signal_number is not None)
        if result.finite:
            state.guard.passed()
            if state.average is not None:
                state.average.update()
        elif state.guard.failed(self.step, result.losses, batch.names):
            self._roll_back()
        state.step, state.batch = self.step + 1, state.batch + 1
        self._call('after_step', result.losses if result.finite else None)
        if result.stop:
            self.save()
            raise self._stopped()
        if self._save_is_due():
            self.save()

    def validate(self) -> dict[str, float]:
        """The metrics of what would be saved as the best; a request to stop leaves the epoch's validation undone."""
        try:
            with self.averaged_weights():
                share_buffers(self.model.layout)  # those that are validated, averaged or not
                return self.measure()
        except (Stopped, Interrupted):
            # A resume finds no batch left, and validates.
            self.state.epoch, self.state.batch = self.epoch - 1, len(self.training)
            self.save()
            raise self._stopped('while validating ') from None

    def measure(self) -> dict[str, float]:
        """Restore the validation photographs and measure what became of them."""
        self._call('before_validation')
        self.network.eval()
        self.evaluator.start()
        with torch.no_grad():
            for batches in self.validation:
                # Several processes cannot agree here without slowing each step down: they stop after the next step.
                if self.stop_request.signal_number is not None and not is_distributed():
                    raise Stopped('stopped while validating', self.stop_request.signal_number)
                self.unreadable.add(batches.failures)
                if batches:
                    outcomes = self.model.val_step(batches)
                    self.evaluator.add(outcomes)
                    self._call('after_restoring', outcomes)
        return self.evaluator.finish()

    def save(self, is_best: bool = False) -> None:
        """Write last.pth, and best.pth where the last validation was the best; where the disk is full, go on."""
        self._saved_at = time.monotonic()
        if not is_main_process():
            return
        if not self.state.is_finite():
            self.generations.hindrance = 'the weights are not finite'
            logger.warning(f'step {self.step}: the weights are not finite: not saved')
            return
        self._call('before_save')
        content = dict(config=self._config_data, data=self.data_digest, **self.state.for_restoring())
        if is_best:
            self.generations.save_best(content)
        run = dict(steps_per_epoch=len(self.training), precision=self._precision, parts=self.take_step.parts)
        self.generations.save_last({**content, **run, **self.state.for_resuming()})

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Within, the networks have the weights that are validated and saved as the best."""
        return self.state.averaged_weights()

    def resume_from(self, path: Path, content: Mapping[str, Any]) -> None:
        """Let `fit` take up the run where a checkpoint left it.

        Args:
            path: of the checkpoint, for errors.
            content: of the checkpoint; `check_keys` has seen it.

        Raises:
            ValueError: the checkpoint is of epochs of another length.
        """
        steps = len(self.training)
        if content['steps_per_epoch'] != steps:
            raise ValueError(
                f'{self.folder} cannot be resumed: an epoch of it has {content["steps_per_epoch"]} batches, and would '
                f'have {steps} now. Give the clean_csv of before, or start a new run'
            )
        self._checkpoint = content, path
        self.generations.saved = content['epoch'], content['step']

    def _take_up(self, content: Mapping[str, Any], path: Path) -> None:
        self._checkpoint = None
        self.state.load(content, path)
        self.take_step.parts = max(self.take_step.parts, content['parts'])
        self.learning_rate.apply(max(0, self.step - 1))  # as the last step left it, if no other one follows
        metrics = by_main_process(self.generations.best_metrics) or {}
        if told := self.state.best.settle(metrics, metrics.get(self.evaluator.ranking.name)):
            logger.warning(f'{self.folder}: best.pth {told}; the next one that is better takes its place')

    def _roll_back(self) -> None:
        """Give the networks and optimizers the state of the newest checkpoint; the position goes on.

        Raises:
            ValueError: there is no checkpoint yet.
        """
        found = self.generations.newest()
        if found is None:
            raise self.state.guard.error(self.step)
        path, content = found
        self.state.load_weights(content)
        self.state.guard.names.clear()
        logger.warning(f'rolled back to the weights of {path}, step {content["step"]}; going on with the next batch')

    def _save_is_due(self) -> bool:
        limits = self.config.train_cfg
        by_steps = limits.save_steps is not None and self.step % limits.save_steps == 0
        waited = time.monotonic() - self._saved_at
        return by_steps or (limits.save_minutes is not None and waited >= 60 * limits.save_minutes)

    def _stopped(self, when: str = '') -> Stopped:
        """What a run ends with that was asked to stop: after which step, and where it goes on."""
        number = self.stop_request.signal_number or signal.SIGTERM  # another process may have been asked
        saved = self.generations.what_is_saved(self.epoch, self.step) if is_main_process() else ''
        return Stopped(f'stopped by {signal.Signals(number).name} {when}after step {self.step}{saved}', number)

    def _call(self, point: str, *values: Any) -> None:
        for hook in self.hooks:
            getattr(hook, point)(self, *values)
