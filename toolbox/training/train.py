"""Trains a config: one fold in one run folder, or all folds one after another."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config.loading import changed_options, load_config
from toolbox.system.files import writing_into
from toolbox.system.paths import find_config
from toolbox.training import run_folder
from toolbox.training.checkpoint_rotation import LAST, PREVIOUS
from toolbox.training.distributed import by_main_process, start_processes
from toolbox.training.fold_run import train_fold

_GO_ON = 'what is saved is kept: the same command with --resume goes on'


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

        folder, made = by_main_process(lambda: _choose_folder(path, resolved, work_dir, resume, fold == 'all'))
        stack.enter_context(writing_into(folder, _GO_ON))
        occupy(folder, made)
        if path.parent == folder.resolve():  # its own config.py, which has them already
            changes = {**run_folder.recorded_changes(folder), **changes}
        if fold != 'all':
            return [train_fold(resolved, folder, resume, launcher, changes)]
        if launcher == 'none':
            return train_folds(resolved, folder, changes)
        folders = []
        for number in range(resolved.data.folds):  # the processes that the launcher started train each of them together
            resolved.fold = number
            fold_folder = folder / f'fold_{number}'
            occupy(fold_folder)
            folders.append(train_fold(resolved, fold_folder, resume, launcher, changes))
        return folders


def _choose_folder(
    path: Path, config: Config, work_dir: str | None, resume: bool, every_fold: bool
) -> tuple[Path, bool]:
    """The run folder, and whether it was made now."""
    runs = run_folder.runs_folder(path, sample=config.data.root is None)
    if work_dir is not None:
        if not resume:
            run_folder.refuse_used(Path(work_dir))
        return Path(work_dir), False
    if resume:
        found = [run_folder.newest(runs, name) for name in (LAST, PREVIOUS)]
        newest = next(filter(None, found), None)
        if newest is not None:
            of_fold = every_fold and newest.parent.name.startswith('fold_')
            return newest.parent.parent if of_fold else newest.parent, False
    return run_folder.new_run_folder(runs), True
