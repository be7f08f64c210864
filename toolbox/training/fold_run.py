"""One training: a complete config, a fold, a run folder."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info, get_rank, is_main_process
from mmengine.hooks import Hook

from toolbox.config.differences import Change
from toolbox.config.loading import dump_config
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import Batches, stop_workers, training_loader, validation_loader
from toolbox.data.splits import Split, split_photos, split_seed
from toolbox.data.workers import loss_of_a_worker_explained, shared_memory_shortage
from toolbox.nn.device import default_device
from toolbox.scoring.baselines import BASELINES, shortfall
from toolbox.system.interruption import Stopped
from toolbox.system.paths import command
from toolbox.system.tables import score_table
from toolbox.training import run_folder
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.checkpoint_rotation import Generations
from toolbox.training.distributed import by_main_process, from_main_process, loss_of_a_process_explained
from toolbox.training.evaluation import baseline_restorer, build_evaluator, evaluate
from toolbox.training.hooks import ProgressHook, SampleGridHook, ScalarsHook
from toolbox.training.load_model import checkpoint_config, model_to_train
from toolbox.training.model import RestorationModel
from toolbox.training.optimizers import run_length
from toolbox.training.precision import settle_training_precision
from toolbox.training.resuming import check_resumable, check_same_photographs
from toolbox.training.runner import RestorationRunner
from toolbox.training.training_state import check_keys

logger = logging.getLogger('huefill')

_GO_ON = 'go on with --resume'


class FoldRun:
    """A training that is ready to start; what happens is logged in its folder and printed.

    Args:
        config: a complete config.
        folder: the run folder; it exists.
        launcher: none, pytorch, slurm or mpi.
        hooks: what watches the run besides the usual ones.
        resume: take up the run from its newest checkpoint that can be read, the same one in all processes.
        changes: what the run has otherwise than its config file, to be recorded.

    Raises:
        ValueError, OSError: with what to do; the folder's config.py is still that of before.

    Attributes:
        split: the photographs.
        precision: of its training steps, 'bf16' or 'float32'.
        model: with its first weights.
        runner: trains it.
        best: what best.pth, and metrics.json with it, says of its validation; {} before the end.
    """

    def __init__(
        self,
        config: Config,
        folder: Path,
        launcher: str = 'none',
        hooks: Sequence[Hook] = (),
        resume: bool = False,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        run_folder.log_to(folder, get_rank())
        self.config = config
        self.folder = folder
        self.best: dict[str, Any] = {}
        self.split = split_photos(config)
        found = _newest(folder) if resume else None
        resumed_with = [] if found is None else self._check_resumable(*found)
        torch.manual_seed(config.seed)  # the initial weights
        self.model = model_to_train(config)
        self.precision = self._settle_precision()
        self.runner = _build_runner(config, self.model, self.split, folder, launcher, hooks)
        if found is not None:
            self.runner.resume_from(*found, resumed_with)
        if is_main_process():
            dump_config(config, folder / 'config.py')
            run_folder.record_environment(folder, self.split.digest, self.precision, changes or {}, config.filename)
            logger.info(self._plan())
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
        loop = self.runner.train_loop
        loop.pause_after = pause_after
        try:
            with loss_of_a_process_explained(), loss_of_a_worker_explained(_GO_ON):
                self.runner.train()
            self.runner.check_saved()
            if loop.ended:
                self.best = by_main_process(self.runner.generations.write_metrics)
        except (Stopped, ValueError, OSError) as end:
            logger.error(str(end), extra=dict(file_only=True))
            raise
        return loop.ended

    def compare_with_baselines(self) -> None:
        """Print the model's best validation beside the baselines on the same images, and what to type next.

        Called once `train` has come to the end.
        """
        with loss_of_a_process_explained(), loss_of_a_worker_explained(_GO_ON):  # each process restores its share
            rows = {
                'this model': self.best,
                **baseline_scores(self.config, self.runner.val_dataloader),
            }
        if is_main_process():
            logger.info(f'\n{score_table(rows)}\n\n{_where(self.config, self.folder)}')
            below = shortfall(rows, self.runner.ranking_metric)
            if below:
                logger.info(below)

    def __exit__(self, *_: object) -> None:
        for loader in (self.runner.train_dataloader, self.runner.val_dataloader):
            stop_workers(loader)

    def _settle_precision(self) -> str:
        """The precision of training steps, the same in all processes."""
        data, (_, world_size) = self.config.data, get_dist_info()
        share = max(1, data.batch_size // world_size)
        self.model.trains_in = by_main_process(
            lambda: settle_training_precision(self.model, data.size, share, default_device())
        )
        return self.model.trains_in

    def _check_resumable(self, checkpoint: Path, content: Mapping[str, Any]) -> list[Change]:
        check_keys(content, checkpoint)
        check_same_photographs(content['data'], self.split.digest, self.folder)
        before = config_before(checkpoint, content, self.config)
        return check_resumable(before.to_dict(), self.config.to_dict(), self.folder)

    def _shared_memory_shortage(self) -> str:
        loader, data = self.runner._train_dataloader, self.config.data
        return shared_memory_shortage(loader.num_workers, loader.batch_size, data.size)

    def _plan(self) -> str:
        """One paragraph that says what will happen."""
        data, split, runner = self.config.data, self.split, self.runner
        parameters = sum(parameter.numel() for parameter in self.model.layout.parameters())
        root = (
            data.root
            if data.root is not None
            else 'bundled sample photographs (reduced scale; for your own: --data-root DIR)'
        )
        threads = f'CPU ({torch.get_num_threads()} threads)'
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else threads
        cleaning = f'cleaned by {split.cleaning}\n' if split.cleaning else ''
        cleaning += f'passed over: {split.passed_over}\n' if split.passed_over else ''
        return (
            f'data: {root}\n{cleaning}'
            f'{len(split.training)} photos train, {len(split.validation)} validate ({split.validates}), '
            f'{data.size} px, batch {data.batch_size}; {parameters / 1e6:.1f} M parameters on {device}; '
            f'at most {runner.max_epochs} epochs of {len(runner.train_dataloader)} steps in {self.precision}; '
            f'best.pth and last.pth go to {self.folder}'
        )


def train_fold(
    config: Config,
    folder: Path,
    resume: bool = False,
    launcher: str = 'none',
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Train a complete config in a run folder, and print how it did; arguments as of `FoldRun`."""
    with FoldRun(config, folder, launcher, resume=resume, changes=changes) as run:
        run.train()
        run.compare_with_baselines()
    return folder


def config_before(checkpoint: Path, content: Mapping[str, Any], config: Config) -> Config:
    """The config in the checkpoint of a run that is to be resumed.

    Args:
        checkpoint: names it in errors.
        content: of it.
        config: which the run is resumed with; its `custom_imports` stand in for the checkpoint's, which nobody named.
    """
    return checkpoint_config(content, checkpoint, {'custom_imports': list(config.custom_imports)})


def baseline_scores(config: Config, loader: Iterable[Batches]) -> dict[str, dict[str, float]]:
    """The metrics of each baseline on a validation loader's images."""
    return {
        name: evaluate(loader, baseline_restorer(baseline), build_evaluator(config.metrics), len(loader.dataset))
        for name, baseline in BASELINES.items()
    }


def _newest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that can be read, with its content; what the main process found, in every process."""
    found = Generations(folder).newest() if is_main_process() else None
    path = from_main_process(found and found[0])
    if path is None or found:
        return found
    return path, read_checkpoint(path)


def _build_runner(
    config: Config, model: RestorationModel, split: Split, folder: Path, launcher: str, hooks: Sequence[Hook]
) -> RestorationRunner:
    data = config.data
    steps_per_epoch = -(-len(split.training) * data.repeat // data.batch_size)
    epochs, _ = run_length(config.train_cfg, steps_per_epoch)
    training = TrainingDataset(split.training, data, config.seed, epochs)
    validation = ValidationDataset(split.validation, data, split_seed(config))
    rank, world_size = get_dist_info()
    return RestorationRunner(
        config,
        model,
        training_loader(training, data.batch_size, data.workers, rank, world_size),
        validation_loader(validation, data.batch_size, data.workers, rank, world_size),
        build_evaluator(config.metrics),
        folder,
        hooks=[ProgressHook(), ScalarsHook(), SampleGridHook(config.sample_images), *hooks],
        data_digest=split.digest,
        launcher=launcher,
    )


def _where(config: Config, folder: Path) -> str:
    lines = [
        f'result: {folder}  (best.pth, metrics.json, scalars.jsonl, pictures in samples/)',
        f'score it again: {command("test")} {folder}{run_folder.trust_option(config)}',
    ]
    if config.data.root is None:
        lines.append(
            'this was the sample scale; for real data add --data-root DIR: photographs, or the competition folder'
        )
    return '\n'.join(lines)
