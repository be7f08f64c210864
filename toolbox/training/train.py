"""Trains a config: one fold in one run folder, or all folds one after another.

The way of a training: `tools/train.py` reads the command line; `train` here settles config and folder, and `FoldRun`
builds what is trained; `toolbox.training.trainer.Trainer` is the loop; `toolbox.training.stepping.TrainingStep` steps
the optimizers.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info, get_rank, is_main_process

from toolbox.config.differences import Change
from toolbox.config.loading import changed_options, dump_config, load_config
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import stop_workers, training_loader, validation_loader
from toolbox.data.splits import split_photos, split_seed
from toolbox.data.workers import loss_of_a_worker_explained, shared_memory_shortage
from toolbox.nn.device import default_device
from toolbox.scoring.baselines import shortfall
from toolbox.system.disk_errors import writing_into
from toolbox.system.interruption import Stopped
from toolbox.system.paths import find_config
from toolbox.system.tables import score_table
from toolbox.training import announcements, run_folder
from toolbox.training.checkpoint_forms import check_keys
from toolbox.training.distributed import by_main_process, loss_of_a_process_explained, start_processes
from toolbox.training.evaluation import baseline_scores, build_evaluator
from toolbox.training.hooks import ProgressHook, SampleGridHook, ScalarsHook, TrainingHook
from toolbox.training.learning_rate import run_length
from toolbox.training.load_model import model_to_train
from toolbox.training.precision import settle_training_precision
from toolbox.training.resuming import check_resumable, check_same_photographs, config_before, newest_checkpoint
from toolbox.training.trainer import Trainer

logger = logging.getLogger('huefill')

_GO_ON = 'go on with --resume'
_SAFE = 'what is saved is kept: the same command with --resume goes on'


def train(
    config: str,
    train_folds: Callable[[Config, Path, Mapping[str, Any]], list[Path]],
    data_root: str | None = None,
    work_dir: str | None = None,
    fold: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    launcher: str = 'none',
    options: Mapping[str, Any] | None = None,
    trust_plugins: bool = False,
) -> list[Path]:
    """Train a config and print how it did.

    Args:
        config: a config file.
        train_folds: trains all folds one after another, each in a process: `toolbox.experiment.all_folds.train_folds`.
        data_root: a folder of photographs or the competition's; None: what the config says.
        work_dir: the run folder; None: a new one below `work_dirs/`.
        fold: a fold's number, or `all`.
        seed: in place of the config's.
        resume: go on with the run in `work_dir`, or with the newest run of this config.
        launcher: none, pytorch, slurm or mpi.
        options: values by dotted path, in place of the config's.
        trust_plugins: import what a run folder's `config.py`, given as the config, lists as `custom_imports`.

    Returns:
        The run folders, one for each fold.

    Raises:
        FileNotFoundError, FileExistsError, ValueError, ConnectionError, OSError: with what to type instead.
        Stopped: by Ctrl-C or SIGTERM, after a save.
    """
    start_processes(launcher)
    given = dict(data_root=data_root, seed=seed, fold=None if fold in (None, 'all') else int(fold))
    paths = dict(data_root='data.root', seed='seed', fold='fold')
    options = {**(options or {}), **{paths[key]: value for key, value in given.items() if value is not None}}
    path = find_config(config)
    resolved = load_config(path, options, trust_plugins=trust_plugins)
    changes = changed_options(path, options)
    with ExitStack() as stack:  # of the main process, for all of them

        def occupy(folder: Path, made: bool = False) -> None:
            by_main_process(lambda: stack.enter_context(run_folder.occupied(folder, made)))

        chosen = path, resolved, work_dir, resume, fold == 'all'
        folder, made = by_main_process(lambda: run_folder.choose_folder(*chosen))
        stack.enter_context(writing_into(folder, _SAFE))
        occupy(folder, made)
        if path.parent == folder.resolve():  # its own config.py, which has them already
            changes = {**run_folder.recorded_changes(folder), **changes}
        if fold != 'all':
            return [train_fold(resolved, folder, resume, changes)]
        if launcher == 'none':
            return train_folds(resolved, folder, changes)
        folders = []
        for number in range(resolved.data.folds):  # the processes that the launcher started train each of them together
            resolved.fold = number
            fold_folder = folder / f'fold_{number}'
            occupy(fold_folder)
            folders.append(train_fold(resolved, fold_folder, resume, changes))
        return folders


def train_fold(
    config: Config,
    folder: Path,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Train a complete config in a run folder, and print how it did; arguments as of `FoldRun`."""
    with FoldRun(config, folder, resume=resume, changes=changes) as run:
        run.train()
        run.compare_with_baselines()
    return folder


class FoldRun:
    """A training that is ready to start; what happens is logged in its folder and printed.

    Args:
        config: a complete config.
        folder: the run folder; it exists.
        hooks: what watches the run besides the usual ones.
        resume: take up the run from its newest checkpoint that can be read, the same one in all processes.
        changes: what the run has otherwise than its config file, to be recorded.

    Raises:
        ValueError, OSError: with what to do; the folder's config.py is still that of before.

    Attributes:
        split: the photographs.
        precision: of its training steps, 'bf16' or 'float32'.
        model: with its first weights.
        trainer: trains it.
        best: what best.pth, and metrics.json with it, says of its validation; {} before the end.
    """

    def __init__(
        self,
        config: Config,
        folder: Path,
        hooks: Sequence[TrainingHook] = (),
        resume: bool = False,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        run_folder.log_to(folder, get_rank())
        self.config = config
        self.folder = folder
        self.best: dict[str, Any] = {}
        self.split = split_photos(config)
        found = newest_checkpoint(folder) if resume else None
        resumed_with = [] if found is None else self._check_resumable(*found)
        torch.manual_seed(config.seed)  # the initial weights
        self.model = model_to_train(config)
        self.precision = self._settle_precision(found and found[1].get('precision'))
        self.trainer = self._build_trainer(hooks)
        if found is not None:
            self.trainer.resume_from(*found)
        if is_main_process():
            dump_config(config, folder / 'config.py')
            run_folder.record_environment(folder, self.split.digest, self.precision, changes or {}, config.filename)
            logger.info(announcements.plan(config, self.split, self.trainer))
            if shortage := self._shared_memory_shortage():
                logger.warning(shortage)
        if found is not None:
            logger.info(f'resuming from {found[0]}, step {found[1]["step"]}')
            for change in resumed_with:
                logger.info(f'resumed with {change}')
        elif resume:
            logger.info(f'nothing to resume in {folder}: starting afresh')

    def __enter__(self) -> 'FoldRun':
        return self

    def train(self, pause_after: int | None = None) -> bool:
        """Train to the end, or to the end of an epoch.

        Returns:
            Whether it is the end; then metrics.json is written: what best.pth says.

        Raises:
            UnsavedWeights: the disk had no room for the last or the best weights; metrics.json is not written.
            ValueError, OSError: with what to do.
            Stopped: by Ctrl-C or SIGTERM, after a save.
        """
        try:
            with loss_of_a_process_explained(), loss_of_a_worker_explained(_GO_ON):
                self.trainer.fit(pause_after)
            by_main_process(lambda: self.trainer.generations.check_saved(self.trainer.epoch, self.trainer.step))
            if self.trainer.ended:
                self.best = by_main_process(self.trainer.generations.write_metrics)
        except (Stopped, ValueError, OSError) as end:
            logger.error(str(end), extra=dict(file_only=True))
            raise
        return self.trainer.ended

    def compare_with_baselines(self) -> None:
        """Print the model's best validation beside the baselines on the same images, and what to type next.

        Called once `train` has come to the end.
        """
        with loss_of_a_process_explained(), loss_of_a_worker_explained(_GO_ON):  # each process restores its share
            rows = {
                'this model': self.best,
                **baseline_scores(self.config.metrics, self.trainer.validation),
            }
        if is_main_process():
            logger.info(f'\n{score_table(rows)}\n\n{announcements.ending(self.config, self.folder)}')
            below = shortfall(rows, self.trainer.evaluator.ranking)
            if below:
                logger.info(below)

    def __exit__(self, *_: object) -> None:
        for loader in (self.trainer.training, self.trainer.validation):
            stop_workers(loader)

    def _settle_precision(self, before: Mapping[str, Any] | None) -> str:
        """The precision of training steps, the same in all processes."""
        data, (_, world_size) = self.config.data, get_dist_info()
        share = max(1, data.batch_size // world_size)
        self.model.trains_in = by_main_process(
            lambda: settle_training_precision(self.model, data.size, share, default_device(), before)
        )
        return self.model.trains_in

    def _check_resumable(self, checkpoint: Path, content: Mapping[str, Any]) -> list[Change]:
        check_keys(content, checkpoint)
        check_same_photographs(content['data'], self.split.digest, self.folder)
        before = config_before(checkpoint, content, self.config)
        return check_resumable(before.to_dict(), self.config.to_dict(), self.folder)

    def _shared_memory_shortage(self) -> str:
        loader, data = self.trainer.training, self.config.data
        assert loader.batch_size is not None  # it makes batches
        return shared_memory_shortage(loader.num_workers, loader.batch_size, data.size)

    def _build_trainer(self, hooks: Sequence[TrainingHook]) -> Trainer:
        config, data, split = self.config, self.config.data, self.split
        steps_per_epoch = -(-len(split.training) * data.repeat // data.batch_size)
        epochs, _ = run_length(config.train_cfg, steps_per_epoch)
        training = TrainingDataset(split.training, data, config.seed, epochs)
        validation = ValidationDataset(split.validation, data, split_seed(config))
        rank, world_size = get_dist_info()
        return Trainer(
            config,
            self.model,
            training_loader(training, data.batch_size, data.workers, rank, world_size),
            validation_loader(validation, data.batch_size, data.workers, rank, world_size),
            build_evaluator(config.metrics),
            self.folder,
            hooks=[*hooks, ScalarsHook(), SampleGridHook(config.sample_images), ProgressHook()],
            data_digest=split.digest,
        )
