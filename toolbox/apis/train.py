"""Trains a config: one fold in one run folder, or all folds one after another."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info, get_rank, is_main_process

from toolbox.apis import run_folder
from toolbox.apis.setup import Split, split_photos, split_seed
from toolbox.apis.tables import score_table
from toolbox.config import dump_config, load_config
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loading import Batches, stop_workers, training_loader, validation_loader
from toolbox.engine.baselines import BASELINES, baseline_restorer
from toolbox.engine.checkpoint import read_checkpoint
from toolbox.engine.distributed import from_main_process, loss_of_a_process_explained, start_processes
from toolbox.engine.evaluation import build_evaluator, evaluate
from toolbox.engine.generations import LAST, PREVIOUS
from toolbox.engine.hooks import ProgressHook, SampleGridHook, ScalarsHook
from toolbox.engine.model import RestorationModel
from toolbox.engine.runner import RestorationRunner
from toolbox.interruption import Stopped
from toolbox.paths import find_config

logger = logging.getLogger('huefill')


def train(
    config: str,
    data_root: str | None = None,
    work_dir: str | None = None,
    fold: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    launcher: str = 'none',
    options: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Train a config and print how it did.

    Args:
        config: a config file.
        data_root: a folder of photographs or the competition's; None: what the config says.
        work_dir: the run folder; None: a new one below `work_dirs/`.
        fold: a fold's number, or `all`.
        seed: in place of the config's.
        resume: go on with the run in `work_dir`, or with the newest run of this config.
        launcher: none, pytorch, slurm or mpi.
        options: values by dotted path, in place of the config's.

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
    resolved = load_config(path, options)
    folder = None
    if is_main_process():
        folder = _choose_folder(path, resolved, work_dir, resume, every_fold=fold == 'all')
    folder = from_main_process(folder)
    if fold != 'all':
        return [train_fold(resolved, folder, resume, launcher)]
    folders = []
    for number in range(resolved.data.folds):
        resolved.fold = number
        fold_folder = folder / f'fold_{number}'
        fold_folder.mkdir(exist_ok=True)
        folders.append(train_fold(resolved, fold_folder, resume, launcher))
    return folders


def train_fold(config: Config, folder: Path, resume: bool = False, launcher: str = 'none') -> Path:
    """Train a complete config in a run folder; what happened is logged there and printed."""
    rank = get_rank()
    run_folder.log_to(folder, rank)
    split = split_photos(config)
    if is_main_process():
        dump_config(config, folder / 'config.py')
        run_folder.record_environment(folder, split.digest)
    torch.manual_seed(config.seed)  # the initial weights
    model = RestorationModel(config.model, config.precision)
    runner = _build_runner(config, model, split, folder, launcher)
    if is_main_process():
        logger.info(_plan(config, split, model, runner))
    if resume:
        _resume(runner)
    try:
        with loss_of_a_process_explained():
            runner.train()
            _finish(config, runner)
    except (Stopped, ValueError, OSError) as end:
        logger.error(str(end), extra=dict(file_only=True))
        raise
    finally:
        for loader in (runner.train_dataloader, runner.val_dataloader):
            stop_workers(loader)
    return folder


def _resume(runner: RestorationRunner) -> None:
    """Take up the run from its newest checkpoint that can be read, the same one in all processes."""
    found = runner.generations.newest() if is_main_process() else None
    path = from_main_process(found and found[0])
    if path is None:
        logger.info(f'nothing to resume in {runner.generations.folder}: starting afresh')
        return
    content = found[1] if found else read_checkpoint(path)
    logger.info(f'resuming from {path}, step {content["step"]}')
    runner.resume_from(content)


def _choose_folder(path: Path, config: Config, work_dir: str | None, resume: bool, every_fold: bool) -> Path:
    runs = run_folder.runs_folder(path, sample=config.data.root is None)
    if work_dir is not None:
        folder = Path(work_dir)
        if resume:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            run_folder.claim(folder)
        return folder
    if resume:
        found = [run_folder.newest(runs, name) for name in (LAST, PREVIOUS)]
        newest = next(filter(None, found), None)
        if newest is not None:
            return newest.parent.parent if every_fold and newest.parent.name.startswith('fold_') else newest.parent
    return run_folder.new_run_folder(runs)


def _build_runner(
    config: Config, model: RestorationModel, split: Split, folder: Path, launcher: str
) -> RestorationRunner:
    data = config.data
    training = TrainingDataset(split.training, data, config.seed, config.train_cfg.max_epochs)
    validation = ValidationDataset(split.validation, data, split_seed(config))
    rank, world_size = get_dist_info()
    return RestorationRunner(
        config,
        model,
        training_loader(training, data.batch_size, data.workers, rank, world_size),
        validation_loader(validation, data.batch_size, data.workers, rank, world_size),
        build_evaluator(config.metrics),
        folder,
        hooks=[ProgressHook(), ScalarsHook(), SampleGridHook(config.sample_images)],
        data_digest=split.digest,
        launcher=launcher,
    )


def _plan(config: Config, split: Split, model: RestorationModel, runner: RestorationRunner) -> str:
    """One paragraph that says what will happen."""
    data, epochs = config.data, config.train_cfg.max_epochs
    parameters = sum(parameter.numel() for parameter in model.layout.parameters())
    root = (
        data.root
        if data.root is not None
        else 'bundled sample photographs (reduced scale; for your own: --data-root DIR)'
    )
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f'CPU ({torch.get_num_threads()} threads)'
    cleaning = f'cleaned by {split.cleaning}\n' if split.cleaning else ''
    return (
        f'data: {root}\n{cleaning}'
        f'{len(split.training)} photos train, {len(split.validation)} validate (fold {config.fold} of {data.folds}), '
        f'{data.size} px, batch {data.batch_size}; {parameters / 1e6:.1f} M parameters on {device}; '
        f'at most {epochs} epochs of {len(runner.train_dataloader)} steps; best.pth and last.pth go to {runner.folder}'
    )


def _finish(config: Config, runner: RestorationRunner) -> None:
    """Write metrics.json, and print the model's best validation beside the baselines on the same images."""
    best = runner.best_score.best
    rows = {'this model': best, **baseline_scores(config, runner.val_dataloader)}  # each process restores its share
    if is_main_process():
        run_folder.write_json(runner.folder / 'metrics.json', best)
        logger.info(f'\n{score_table(rows)}\n\n{_where(config, runner.folder)}')


def baseline_scores(config: Config, loader: Iterable[Batches]) -> dict[str, dict[str, float]]:
    """The metrics of each baseline on a validation loader's images."""
    return {
        name: evaluate(loader, baseline_restorer(baseline), build_evaluator(config.metrics), len(loader.dataset))
        for name, baseline in BASELINES.items()
    }


def _where(config: Config, folder: Path) -> str:
    lines = [
        f'result: {folder}  (best.pth, metrics.json, scalars.jsonl, pictures in samples/)',
        f'score it again: python tools/test.py {folder}',
    ]
    if config.data.root is None:
        lines.append(
            'this was the sample scale; for real data add --data-root DIR: photographs, or the competition folder'
        )
    return '\n'.join(lines)
