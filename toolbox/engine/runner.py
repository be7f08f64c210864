"""mmengine's Runner, held to our run folder: config, log, checkpoints of plain values, resume, early stopping.

What mmengine does otherwise, and why it is replaced here: it pickles checkpoints that torch's safe loader refuses,
writes them in place, restores no random state, forgets the early-stopping counter, and calls CUDA where there is none.
"""

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from toolbox.engine.checkpoint import read_checkpoint, save_checkpoint
from toolbox.engine.early_stopping import BestScore
from toolbox.engine.model import RestorationModel
from toolbox.engine.objective import Objective


class TrainingLoop(EpochBasedTrainLoop):
    """Epochs with their validations; each one that is over is saved."""

    runner: 'RestorationRunner'

    def run(self) -> nn.Module:
        """Train until the last epoch or until no better score is to be expected."""
        self.runner.call_hook('before_train')
        while self._epoch < self._max_epochs and not self.runner.stops_early:
            self.run_epoch()
            is_best = False
            if self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs:
                metrics = self.runner.val_loop.run()
                name = self.runner.ranking_metric.name
                is_best = self.runner.best_score.update(metrics[name], {**metrics, 'epoch': self._epoch})
                self.runner.call_hook('after_validation', metrics=metrics, is_best=is_best)
            self.runner.save(is_best)
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """One step. Patience begins anew with a phase: what trains in it has not been seen to stand still."""
        if self.runner.restoration_model.begin_step(self._iter, self._max_iters):
            self.runner.best_score.waited = 0
        super().run_iter(idx, data_batch)


class RestorationRunner(Runner):
    """Trains one model in one run folder.

    Args:
        config: a complete config.
        model: what is trained.
        training, validation: loaders.
        evaluator: measures validations; its first metric ranks.
        work_dir: the run folder; it exists.
        hooks: what watches the run.
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
        self.data_digest = data_digest
        self.critics = CriticHook(model.objective)
        self.restoration_model = model
        self.ranking_metric = evaluator.metrics[0].metric
        self.best_score = BestScore(self.ranking_metric.higher_is_better, **config.early_stopping)
        super().__init__(
            model=model,
            work_dir=str(work_dir),
            train_dataloader=training,
            train_cfg=dict(max_epochs=config.train_cfg.max_epochs, val_interval=config.train_cfg.val_interval),
            optim_wrapper=OptimWrapper(build_optimizer(config.optimizer, model.layout)),
            param_scheduler=learning_rate_schedule(config, len(training)),
            val_dataloader=validation,
            val_cfg={},
            val_evaluator=evaluator,
            # What these log and save, our own hooks and `save` do in the form of our run folder.
            default_hooks=dict(runtime_info=None, timer=None, logger=None, checkpoint=None),
            custom_hooks=[self.critics, *hooks],
            launcher=launcher,
            randomness=dict(seed=config.seed),
            experiment_name=f'{work_dir.resolve()} {time.time_ns()}',  # mmengine keeps loggers by it, for ever
        )

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.work_dir)

    @property
    def stops_early(self) -> bool:
        """Whether patience is at its end; never before the last phase of a layout that trains in turns."""
        return self.best_score.should_stop and self.restoration_model.phases.in_last

    def save(self, is_best: bool) -> None:
        """Write last.pth, and best.pth where the last validation was the best."""
        if not is_main_process():
            return
        common = dict(
            config=self.config.pretty_text,
            data=self.data_digest,
            model=self.restoration_model.layout.state_dict(),
            epoch=self.epoch,
            step=self.iter,
            metrics=self.best_score.best,
        )
        if is_best:
            save_checkpoint(common, self.folder / 'best.pth')
        training = dict(
            optimizer=self.optim_wrapper.state_dict(),
            schedulers=[scheduler.state_dict() for scheduler in self.param_schedulers],
            objective=self.restoration_model.objective.state_dict(),
            critics=self.critics.state_dict(),
            best_score=self.best_score.state_dict(),
            random=_random_state(),
        )
        save_checkpoint({**common, **training}, self.folder / 'last.pth')

    def resume_from(self, path: Path) -> None:
        """Take up a run where last.pth left it; called by `train` once everything is built."""
        self._resume, self._load_from = True, str(path)

    def load_or_resume(self) -> None:
        """mmengine's hook into `train`: restore what `save` wrote."""
        if not self._resume:
            return
        content = read_checkpoint(Path(self._load_from))
        self.restoration_model.layout.load_state_dict(content['model'])
        self.optim_wrapper.load_state_dict(content['optimizer'])
        for scheduler, state in zip(self.param_schedulers, content['schedulers'], strict=True):
            scheduler.load_state_dict(state)
        self.restoration_model.objective.load_state_dict(content['objective'])
        self.critics.load_state_dict(content['critics'])
        self.best_score.load_state_dict(content['best_score'])
        self.train_loop._epoch, self.train_loop._iter = content['epoch'], content['step']
        _set_random_state(content['random'])

    def build_train_loop(self, loop: dict | TrainingLoop) -> TrainingLoop:
        """Our loop on this runner's loader; mmengine asks again for one that is built."""
        return loop if isinstance(loop, TrainingLoop) else TrainingLoop(self, self._train_dataloader, **loop)

    def setup_env(self, env_cfg: dict) -> None:
        """A run folder holds one run: nothing in it is named after the time."""
        super().setup_env(env_cfg)
        self._timestamp = ''

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """To the device, and for several processes into DistributedDataParallel."""
        if not self.distributed:
            return super().wrap_model(model_wrapper_cfg, model)
        if torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, nn.SyncBatchNorm.convert_sync_batchnorm(model))
        return _DataParallelOnCpu(model)

    def build_logger(self, **_: Any) -> MMLogger:
        """mmengine's own words, warnings and worse, into train.log."""
        return MMLogger.get_instance(
            self._experiment_name, log_file=str(self.folder / 'train.log'), log_level='WARNING'
        )

    def build_visualizer(self, visualizer: Any = None) -> Any:
        """No picture store of mmengine's: sample grids and scalars are files of the run folder."""
        from mmengine.visualization import Visualizer

        return Visualizer(name=self._experiment_name)

    def _log_env(self, env_cfg: dict) -> None:
        """environment.json holds it."""

    def dump_config(self) -> None:
        """config.py is written before the run starts."""


class CriticHook(Hook):
    """Steps the optimizers of the losses' critics, after the restorer's own step."""

    def __init__(self, objective: Objective) -> None:
        self.optimizers = [build_optimizer(config, critic) for critic, config in objective.critics()]

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()

    def state_dict(self) -> list[dict[str, Any]]:
        """The optimizers' states."""
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Take up where `state_dict` was."""
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)


class _DataParallelOnCpu(DistributedDataParallel):
    """torch's wrapper with the steps that mmengine's loops call; mmengine's own one asks for device ids."""

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, torch.Tensor]:
        with optim_wrapper.optim_context(self):
            losses = self(**self.module.data_preprocessor(data, True), mode='loss')
        total, logged = self.module.parse_losses(losses)
        optim_wrapper.update_params(total)
        return logged

    def val_step(self, data: Any) -> Any:
        return self.module.val_step(data)


def build_optimizer(config: Mapping[str, Any], module: nn.Module) -> torch.optim.Optimizer:
    """The optimizer that ``dict(type='AdamW', lr=1e-4, options)`` asks for, over a module's parameters."""
    options = {key: value for key, value in config.items() if key != 'type'}
    return getattr(torch.optim, config['type'])(module.parameters(), **options)


def learning_rate_schedule(config: Config, steps_per_epoch: int) -> list[dict[str, Any]]:
    """mmengine schedulers, by step, for the config's `lr_schedule`."""
    schedule = config.lr_schedule
    total = config.train_cfg.max_epochs * steps_per_epoch
    warmup = min(schedule.warmup_steps, total - 1)
    schedulers = []
    if warmup:
        schedulers.append(dict(type='LinearLR', start_factor=1 / (warmup + 1), by_epoch=False, begin=0, end=warmup))
    rest = dict(by_epoch=False, begin=warmup, end=total)
    if schedule.type == 'cosine':
        eta_min = schedule.final_factor * config.optimizer.lr
        schedulers.append(dict(type='CosineAnnealingLR', T_max=total - warmup, eta_min=eta_min, **rest))
    elif schedule.type == 'linear':
        schedulers.append(dict(type='LinearLR', start_factor=1.0, end_factor=schedule.final_factor, **rest))
    return schedulers


def _random_state() -> dict[str, Any]:
    """The process's random states as plain values. Samples do not draw from them (`toolbox.rng`); dropout does."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    return dict(
        python=[version, list(numbers), gauss],
        numpy=[name, keys.tolist(), position, has_gauss, cached],
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    )


def _set_random_state(state: dict[str, Any]) -> None:
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(tuple(state['numpy']))  # noqa: NPY002
    torch.set_rng_state(state['torch'])
    if state['cuda'] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state['cuda'])
