"""The loops of a run: steps, validations, saves, and the points at which it can stop."""

import itertools
import logging
import signal
import time
from typing import TYPE_CHECKING, Any

from mmengine.runner import EpochBasedTrainLoop, ValLoop
from torch import nn

from toolbox.data.loaders import Batches
from toolbox.plugin.contracts import Batch
from toolbox.system.interruption import Interrupted, Stopped
from toolbox.training.distributed import share_buffers

if TYPE_CHECKING:
    from toolbox.training.runner import RestorationRunner

logger = logging.getLogger('huefill')


class TrainingLoop(EpochBasedTrainLoop):
    """Epochs with their validations, from wherever a checkpoint left off.

    Args:
        max_steps: of the run; the last epoch may be cut short.

    Attributes:
        first_batch: batches of the present epoch that an earlier start of the run has trained on.
        pause_after: the epoch after which training returns with a checkpoint to go on from; None: at its end alone.
    """

    runner: 'RestorationRunner'

    def __init__(self, *args: Any, max_steps: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._max_iters = max_steps
        self.first_batch = 0
        self.pause_after: int | None = None

    def run(self) -> nn.Module:
        """Train until the last epoch or until no better score is to be expected."""
        runner = self.runner
        runner.call_hook('before_train')
        self._saved_at = time.monotonic()
        while not self.ended and not self.paused:
            self.run_epoch()
            is_best = False
            if self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs:
                metrics = self._validate()
                name = runner.ranking_metric.name
                is_best = runner.best_score.update(metrics[name], {**metrics, 'epoch': self._epoch})
                runner.call_hook('after_validation', metrics=metrics, is_best=is_best)
            self._save(is_best)
            runner.call_hook('after_epoch_saved')
            if runner.stop_request.signal_number is not None and not runner.distributed:
                self._stop()
        runner.call_hook('after_train')
        return runner.model

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self._epoch >= self._max_epochs or self.runner.stops_early

    @property
    def paused(self) -> bool:
        """Whether this start was asked to train no further."""
        return self.pause_after is not None and self._epoch >= self.pause_after

    def run_epoch(self) -> None:
        """The batches of an epoch that are still to come."""
        runner = self.runner
        runner.call_hook('before_train_epoch')
        runner.model.train()
        self.dataloader.sampler.start_at(self._epoch, self.first_batch)
        batches = itertools.islice(self.dataloader, self._max_iters - self._iter)
        try:
            for index, batch in enumerate(batches, start=self.first_batch):
                self.run_iter(index, batch)
        except Interrupted:
            self._save()
            self._stop()
        runner.call_hook('after_train_epoch')
        self.first_batch = 0
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Batch) -> None:
        """One step. Patience begins anew with a phase: what trains in it has not been seen to stand still."""
        runner = self.runner
        if runner.restoration_model.begin_step(self._iter, self._max_iters):
            runner.best_score.waited = 0
        runner.ledger.add(data_batch.failures)
        runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        taken = runner.step(data_batch, stop=runner.stop_request.signal_number is not None)
        if taken.finite:
            runner.guard.passed()
            if runner.average is not None:
                runner.average.update()
        elif runner.guard.failed(self._iter, taken.losses, data_batch.names):
            runner.roll_back()
        runner.call_hook(
            'after_train_iter',
            batch_idx=idx,
            data_batch=data_batch,
            outputs=taken.losses if taken.finite else None,
        )
        self._iter += 1
        self.first_batch = idx + 1
        if taken.stop:
            self._save()
            self._stop()
        if self._save_is_due():
            self._save()

    def _validate(self) -> dict[str, float]:
        """The scores of what would be saved as the best; a request to stop leaves the epoch's validation undone."""
        epoch, steps = self._epoch, len(self.dataloader)
        try:
            with self.runner.averaged_weights():
                share_buffers(self.runner.restoration_model.layout)  # those that are validated, averaged or not
                return self.runner.val_loop.run()
        except (Stopped, Interrupted):
            self._epoch, self.first_batch = epoch - 1, steps  # a resume finds no batch left, and validates
            self._save()
            number = self.runner.stop_request.signal_number
            raise Stopped(
                f'stopped by {signal.Signals(number).name} while validating after step {self._iter}, '
                f'{self.runner.what_is_saved()}',
                number,
            ) from None

    def _save_is_due(self) -> bool:
        config = self.runner.config.train_cfg
        by_steps = config.save_steps is not None and self._iter % config.save_steps == 0
        waited = time.monotonic() - self._saved_at
        return by_steps or (config.save_minutes is not None and waited >= 60 * config.save_minutes)

    def _save(self, is_best: bool = False) -> None:
        self.runner.save(is_best)
        self._saved_at = time.monotonic()

    def _stop(self) -> None:
        number = self.runner.stop_request.signal_number or signal.SIGTERM  # another process may have been asked
        raise Stopped(
            f'stopped by {signal.Signals(number).name} after step {self._iter}, {self.runner.what_is_saved()}',
            number,
        )


class ValidationLoop(ValLoop):
    """A validation, which ends early when one process alone is asked to stop."""

    runner: 'RestorationRunner'

    def run(self) -> dict[str, float]:
        """The metrics; they do not include a loss."""
        for metric in self.evaluator.metrics:
            metric.results.clear()  # of a validation that was stopped
        return super().run()

    def run_iter(self, idx: int, data_batch: Batches) -> None:
        """Restore and measure; of what cannot be read there may be nothing left."""
        request = self.runner.stop_request
        # Several processes cannot agree here without slowing each step down: they stop after the next step.
        if request.signal_number is not None and not self.runner.distributed:
            raise Stopped('stopped while validating', request.signal_number)
        self.runner.ledger.add(data_batch.failures)
        if data_batch:
            super().run_iter(idx, data_batch)
