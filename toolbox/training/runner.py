"""mmengine's Runner, held to our run folder: config, log, checkpoints of plain values, resume, early stopping.

What mmengine does otherwise, and why it is replaced here: it pickles checkpoints that torch's safe loader refuses,
writes them in place, restores no random state, forgets the early-stopping counter, resumes at epochs alone, and calls
CUDA where there is none.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from toolbox.config.differences import Change
from toolbox.config.loading import config_data
from toolbox.nn.backend import set_backend
from toolbox.nn.device import is_out_of_memory
from toolbox.system.files import remove_leftovers
from toolbox.system.interruption import StopRequest, stop_on_signals
from toolbox.training.checkpoint import size_in_bytes
from toolbox.training.checkpoint_rotation import Generations
from toolbox.training.distributed import DataParallel, by_main_process, with_synchronized_norms
from toolbox.training.early_stopping import BestScore
from toolbox.training.ema import WeightAverage
from toolbox.training.loop import TrainingLoop, ValidationLoop
from toolbox.training.model import RestorationModel
from toolbox.training.nonfinite import LossGuard
from toolbox.training.optimizers import (
    build_critic_optimizers,
    build_optimizer,
    learning_rate_schedule,
    move_schedule,
    run_length,
)
from toolbox.training.random_state import random_state, set_random_state
from toolbox.training.resuming import moves_schedule
from toolbox.training.stepping import TrainingStep
from toolbox.training.training_state import difference, malformed, optimizer_difference, random_difference
from toolbox.training.unreadable_files import FailureLedger
from toolbox.training.visualizers import build_visualizer

logger = logging.getLogger('huefill')


class RestorationRunner(Runner):
    """Trains one model in one run folder.

    Args:
        config: a complete config.
        model: what is trained.
        training, validation: loaders.
        evaluator: measures validations; its first metric ranks.
        work_dir: the run folder; it exists.
        hooks: what watches the run; what has a `state_dict` is kept in checkpoints.
        data_digest: identifies the photographs; kept in each checkpoint.
        launcher: none, pytorch, slurm or mpi.
    """

    def __init__(
        self,
        config: Config,
        model: RestorationModel,
        training: DataLoader,
        validation: DataLoader,
        evaluator: Evaluator,
        work_dir: Path,
        hooks: list[Hook],
        data_digest: str = '',
        launcher: str = 'none',
    ) -> None:
        self.config = config
        self._config_data = config_data(config)
        self.data_digest = data_digest
        self.restoration_model = model
        self.ranking_metric = evaluator.metrics[0].metric
        self.best_score = BestScore(self.ranking_metric.higher_is_better, **config.early_stopping)
        self.stop_request = StopRequest()
        self.generations = Generations(work_dir)
        self.guard = LossGuard(config.train_cfg.max_bad_steps)
        ledger = 'failures.csv' if is_main_process() else f'failures.rank{get_rank()}.csv'
        num_photos = len(training.dataset.photos) + len(validation.dataset.photos)
        self.ledger = FailureLedger(work_dir / ledger, num_photos, config.data.max_unreadable)
        self.critics = build_critic_optimizers(model.objective)
        set_backend(config.deterministic, config.tf32)
        epochs, steps = run_length(config.train_cfg, len(training))
        super().__init__(
            model=model,
            work_dir=str(work_dir),
            train_dataloader=training,
            train_cfg=dict(max_epochs=epochs, max_steps=steps, val_interval=config.train_cfg.val_interval),
            optim_wrapper=OptimWrapper(
                build_optimizer(config.optimizer, model.layout, config.train_cfg.encoder_lr_factor)
            ),
            param_scheduler=learning_rate_schedule(config, len(training)),
            val_dataloader=validation,
            val_cfg={},
            val_evaluator=evaluator,
            # What these log and save, our own hooks and `save` do in the form of our run folder.
            default_hooks=dict(runtime_info=None, timer=None, logger=None, checkpoint=None),
            custom_hooks=hooks,
            launcher=launcher,
            randomness=dict(seed=config.seed, diff_rank_seed=True),
            experiment_name=f'{work_dir.resolve()} {time.time_ns()}',  # mmengine keeps loggers by it, for ever
        )
        decay = config.train_cfg.ema
        self.average = None if decay is None else WeightAverage(model.layout, decay)
        self.step = TrainingStep(
            model,
            self.model,
            self.optim_wrapper,
            self.critics,
            parts=config.train_cfg.accumulate,
            clip_norm=config.train_cfg.clip_norm,
        )

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.work_dir)

    @property
    def stops_early(self) -> bool:
        """Whether patience is at its end; never before the last phase of a layout that trains in turns."""
        return self.best_score.should_stop and self.restoration_model.phases.in_last

    def train(self) -> nn.Module:
        """Train, from the start or from where `resume` found it, until the end or until a signal asks to stop.

        Raises:
            Stopped: by a signal, after a save.
            OSError: too little room on the disk.
        """
        if is_main_process():
            remove_leftovers(self.folder, below=False)
            self.generations.check_space(*self._expected_sizes())
        with stop_on_signals(self.stop_request), self._stoppable_while_loading():
            return super().train()

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Within, the networks have the weights that are validated and saved as the best."""
        return nullcontext() if self.average is None else self.average.applied()

    def save(self, is_best: bool) -> None:
        """Write last.pth, and best.pth where the last validation was the best; where the disk is full, go on."""
        if not is_main_process():
            return
        trained = self.restoration_model.layout.state_dict()
        if not _finite(trained):
            self.generations.hindrance = 'the weights are not finite'
            logger.warning(f'step {self.iter}: the weights are not finite: not saved')
            return
        self.call_hook('before_save')
        loop = self.train_loop
        common = dict(
            config=self._config_data,
            data=self.data_digest,
            model=trained if self.average is None else self.average.average,
            epoch=self.epoch,
            step=self.iter,
            metrics=self.best_score.best,
        )
        if is_best:
            self.generations.save_best(common)
        training = dict(
            batch=loop.first_batch,
            steps_per_epoch=len(loop.dataloader),
            schedulers=[scheduler.state_dict() for scheduler in self.param_schedulers],
            best_score=self.best_score.state_dict(),
            guard=self.guard.state_dict(),
            parts=self.step.parts,
            hooks={type(hook).__name__: hook.state_dict() for hook in self.hooks if hasattr(hook, 'state_dict')},
            random=random_state(),
        )
        self.generations.save_last({**common, **self._weights(trained), **training})

    def what_is_saved(self) -> str:
        """Where a run that stops now goes on, for the message that it stops with."""
        loss = self.generations.loss(self.epoch, self.iter) if is_main_process() else ''
        if not loss:
            return f'which is saved in {self.folder}; --resume goes on from there'
        return f'but {loss}: they could not be saved ({self.generations.hindrance}); --resume trains them again'

    def check_saved(self) -> None:
        """Raise UnsavedWeights in all processes where the checkpoints do not hold what was trained."""
        by_main_process(lambda: self.generations.check_saved(self.epoch, self.iter))

    def resume_from(self, path: Path, content: Mapping[str, Any], changes: Sequence[Change] = ()) -> None:
        """Take up a run where a checkpoint left it; called before `train`.

        Args:
            path: of the checkpoint, for errors.
            content: of the checkpoint; `check_keys` has seen it.
            changes: what `check_resumable` says of its config and this run's.

        Raises:
            ValueError: the checkpoint is of epochs of another length.
        """
        steps = len(self.train_dataloader)
        if content['steps_per_epoch'] != steps:
            raise ValueError(
                f'{self.folder} cannot be resumed: an epoch of it has {content["steps_per_epoch"]} batches, and would '
                f'have {steps} now. Give the clean_csv of before, or start a new run'
            )
        self._resume, self._content, self._changes, self._resumed_from = True, content, changes, path
        self.generations.saved = content['epoch'], content['step']

    def load_or_resume(self) -> None:
        """mmengine's hook into `train`: restore what `save` wrote.

        Raises:
            ValueError: the checkpoint holds a training state that is none of this run.
        """
        if not self._resume:
            return
        told = self._state_difference(self._content)
        if told:
            raise malformed(self._resumed_from, told)
        try:
            self._restore(self._content)
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise malformed(self._resumed_from, f'{type(error).__name__}: {error}') from error
        del self._content
        self._check_best()

    def _state_difference(self, content: Mapping[str, Any]) -> str:
        """How a checkpoint's training state has another form than this run's, in words; '' where it has the same."""
        hooks = {type(hook).__name__: hook.state_dict() for hook in self.hooks if hasattr(hook, 'state_dict')}
        network = self.restoration_model.layout.state_dict()
        like = dict(
            model=network,
            objective=self.restoration_model.objective.state_dict(),
            best_score=self.best_score.state_dict(),
            guard=self.guard.state_dict(),
            hooks={name: state for name, state in hooks.items() if name in content['hooks']},
            critics=[None] * len(self.critics),
        )
        if 'trained' in content:
            like |= dict(trained=network, updates=0)
        if not moves_schedule(self._changes):
            like['schedulers'] = [scheduler.state_dict() for scheduler in self.param_schedulers]
        given = {**content, 'hooks': {name: content['hooks'][name] for name in like['hooks']}}
        given['critics'] = [None] * len(content['critics'])
        told = (difference(given.get(key), like[key], key) for key in like)
        optimizers = [('optimizer', content['optimizer'], self.optim_wrapper.optimizer)]
        optimizers += [
            (f'critics.{index}', state, critic)
            for index, (state, critic) in enumerate(zip(content['critics'], self.critics, strict=False))
        ]
        of_optimizers = (optimizer_difference(state, optimizer, name) for name, state, optimizer in optimizers)
        return next(filter(None, (*told, *of_optimizers, random_difference(content['random']))), '')

    def _restore(self, content: Mapping[str, Any]) -> None:
        first = [dict(group) for group in self.optim_wrapper.optimizer.param_groups]
        self._load_weights(content)
        for group, fresh in zip(self.optim_wrapper.optimizer.param_groups, first, strict=True):
            group.update({key: fresh[key] for key in fresh if key == 'weight_decay'})
        if moves_schedule(self._changes):
            move_schedule(self.param_schedulers, self.optim_wrapper.optimizer, first, content['step'])
        else:
            for scheduler, state in zip(self.param_schedulers, content['schedulers'], strict=True):
                scheduler.load_state_dict(state)
        self.best_score.load_state_dict(content['best_score'])
        self.guard.load_state_dict(content['guard'])
        self.step.parts = max(self.step.parts, content['parts'])
        for hook in self.hooks:
            if type(hook).__name__ in content['hooks']:
                hook.load_state_dict(content['hooks'][type(hook).__name__])
        loop = self.train_loop
        loop._epoch, loop._iter, loop.first_batch = content['epoch'], content['step'], content['batch']
        if is_main_process():
            set_random_state(content['random'])
        else:  # the main process's state is the one that is saved; the others must not draw the same
            torch.manual_seed(hash((self.config.seed, self.iter, get_rank())))

    def roll_back(self) -> None:
        """Give the networks and optimizers the state of the newest checkpoint; position and schedules go on.

        Raises:
            ValueError: there is no checkpoint yet.
        """
        found = self.generations.newest()
        if found is None:
            raise self.guard.error(self.iter)
        path, content = found
        rates = [group['lr'] for group in self.optim_wrapper.optimizer.param_groups]
        self._load_weights(content)
        for group, rate in zip(self.optim_wrapper.optimizer.param_groups, rates, strict=True):
            group['lr'] = rate
        self.guard.names.clear()
        logger.warning(f'rolled back to the weights of {path}, step {content["step"]}; going on with the next batch')

    def build_train_loop(self, loop: dict | TrainingLoop) -> TrainingLoop:
        """Our loop on this runner's loader; mmengine asks again for one that is built."""
        return loop if isinstance(loop, TrainingLoop) else TrainingLoop(self, self._train_dataloader, **loop)

    def build_val_loop(self, loop: dict | ValidationLoop) -> ValidationLoop:
        """Our loop on this runner's loader and evaluator."""
        if isinstance(loop, ValidationLoop):
            return loop
        return ValidationLoop(self, self._val_dataloader, self._val_evaluator, **loop)

    def setup_env(self, env_cfg: dict) -> None:
        """A run folder holds one run: nothing in it is named after the time."""
        super().setup_env(env_cfg)
        self._timestamp = ''

    def wrap_model(self, model_wrapper_cfg: dict | None, model: RestorationModel) -> nn.Module:
        """To the device, compiled if asked for, and for several processes into DistributedDataParallel."""
        cuda = torch.cuda.is_available()
        if self.config.train_cfg.compile and cuda:
            model.layout.compile()
        elif self.config.train_cfg.compile:
            logger.warning('train_cfg.compile: left out, for on CPU compiled networks are slower')
        if not self.distributed:
            return super().wrap_model(model_wrapper_cfg, model)
        # Not all parameters get a gradient at each step: those of features that a decoder leaves out, of networks that
        # rest in a phase, of critics whose losses do not count yet.
        if not cuda:
            return DataParallel(model, find_unused_parameters=True)
        model = with_synchronized_norms(model).cuda()
        return DataParallel(model, device_ids=[torch.cuda.current_device()], find_unused_parameters=True)

    def build_logger(self, **_: Any) -> MMLogger:
        """mmengine's own words, warnings and worse, into train.log."""
        return MMLogger.get_instance(
            self._experiment_name, log_file=str(self.folder / 'train.log'), log_level='WARNING', file_mode='a'
        )

    def build_visualizer(self, visualizer: Any = None) -> Any:
        """What the config's `visualizers` say. Sample grids and scalars are files of the run folder anyway."""
        return build_visualizer(self.config.visualizers, self._experiment_name, self.folder)

    def _init_model_weights(self) -> None:
        """Networks have their weights; mmengine would write a page about each tensor into train.log."""

    def _log_env(self, env_cfg: dict) -> None:
        """environment.json holds it."""

    def dump_config(self) -> None:
        """config.py is written before the run starts."""

    @contextmanager
    def _stoppable_while_loading(self) -> Iterator[None]:
        """Within, one process does not wait for a batch when it is asked to stop; several stop at the same step."""
        loaders = [] if self.distributed else [self.train_dataloader, self.val_dataloader]
        for loader in loaders:
            loader.waiting = self.stop_request.while_waiting
        try:
            yield
        finally:
            for loader in loaders:
                loader.waiting = nullcontext

    def _check_best(self) -> None:
        """Where the weights of the best validation so far are not in best.pth, do with those that are."""
        metrics = by_main_process(self.generations.best_metrics) or {}
        score = metrics.get(self.ranking_metric.name)
        if self.best_score.is_behind(score):
            found = f'it is of epoch {metrics.get("epoch")}' if metrics else 'there is none that can be read'
            logger.warning(
                f'{self.folder}: best.pth is not of the best validation, epoch {self.best_score.best.get("epoch")}: '
                f'{found}; the next one that is better takes its place'
            )
            self.best_score.fall_back(metrics, score)

    def _weights(self, trained: Mapping[str, Tensor]) -> dict[str, Any]:
        """All that steps change, for a checkpoint whose `model` is what was validated."""
        content = dict(
            optimizer=self.optim_wrapper.state_dict(),
            objective=self.restoration_model.objective.state_dict(),
            critics=[optimizer.state_dict() for optimizer in self.critics],
        )
        return content if self.average is None else dict(**content, trained=trained, updates=self.average.updates)

    def _load_weights(self, content: Mapping[str, Any]) -> None:
        self.restoration_model.layout.load_state_dict(content.get('trained', content['model']))
        self.optim_wrapper.load_state_dict(content['optimizer'])
        self.restoration_model.objective.load_state_dict(content['objective'])
        for optimizer, state in zip(self.critics, content['critics'], strict=True):
            optimizer.load_state_dict(state)
        if self.average is None:
            return
        if 'updates' in content:
            self.average.load_state_dict(dict(average=content['model'], updates=content['updates']))
        else:  # trained without an average so far
            self.average.restart()

    def _expected_sizes(self) -> tuple[int, int]:
        """About the bytes of last.pth and of best.pth."""
        model = size_in_bytes(self.restoration_model.layout.state_dict())
        others = size_in_bytes(self.restoration_model.objective.state_dict())
        moments = 2 * (model + others)  # Adam's; they do not exist before the first step
        return model + others + moments + (0 if self.average is None else model), model


def _finite(state: Mapping[str, Tensor]) -> bool:
    finite = [value.isfinite().all() for value in state.values() if value.is_floating_point()]
    return bool(torch.stack(finite).all())  # one wait for the GPU, in place of one per tensor
