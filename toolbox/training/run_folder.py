"""Run folders: where a run goes, which one is meant, and what is recorded in it."""

import logging
import os
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config.differences import shown
from toolbox.system.disk_errors import require_room
from toolbox.system.environment import code_commit
from toolbox.system.files import read_json_if_any, remove_leftovers, write_json
from toolbox.system.locks import locked
from toolbox.system.paths import RUN_CONFIG
from toolbox.training.checkpoint_rotation import LAST, PREVIOUS

logger = logging.getLogger('huefill')

ENVIRONMENT = 'environment.json'

_PACKAGES = (
    *('huefill', 'torch', 'torchvision', 'segmentation-models-pytorch', 'timm', 'mmengine', 'albumentations'),
    *('scikit-image', 'opencv-python', 'opencv-python-headless', 'numpy', 'pillow'),
)
# What a start writes before its first step, and what there is of a run only after one.
_OF_START = (RUN_CONFIG, ENVIRONMENT, 'train.log', 'train.rank*.log', '.lock', 'vis_data', 'fold_*')
_OF_STEPS = ('*.pth', 'scalars.jsonl', 'failures*.csv', 'samples')
LEAST_ROOM = 2**20  # for logs, records and what libraries write; checkpoints ask for more (`Generations.check_space`)
_CLOCKS_DIFFER = 60  # seconds, of this machine's and of a file server's, at most
_LOCK_WAIT = 1  # seconds: whoever lists runs looks at their locks


def runs_folder(config_path: Path, sample: bool) -> Path:
    """Where the runs of a config are kept: `work_dirs/<config>[-sample]`, below the working folder."""
    return Path('work_dirs') / (config_path.stem + ('-sample' if sample else ''))


def new_run_folder(runs: Path) -> Path:
    """Make the next numbered folder, `001` onwards; two runs that start at once get two."""
    number = max((int(path.name) for path in runs.glob('[0-9]*') if path.name.isdigit()), default=0)
    while True:
        number += 1
        folder = runs / f'{number:03d}'
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue


def choose_folder(
    path: Path, config: Config, work_dir: str | None, resume: bool, every_fold: bool
) -> tuple[Path, bool]:
    """The folder of a run that starts or goes on, and whether it was made now.

    Args:
        path: of the config.
        config: resolved.
        work_dir: which was asked for; None: a new one, or the newest.
        resume: go on with a run.
        every_fold: the folder is that of all folds.
    """
    runs = runs_folder(path, sample=config.data.root is None)
    if work_dir is not None:
        if not resume:
            refuse_used(Path(work_dir))
        return Path(work_dir), False
    if resume:
        found = [newest(runs, name) for name in (LAST, PREVIOUS)]
        checkpoint = next(filter(None, found), None)
        if checkpoint is not None:
            of_fold = every_fold and checkpoint.parent.name.startswith('fold_')
            return checkpoint.parent.parent if of_fold else checkpoint.parent, False
    return new_run_folder(runs), True


def newest(runs: Path, name: str) -> Path | None:
    """The newest file `name` in the run folders below `runs`, fold folders included.

    Where a file is of the future, the clock was set back, and times do not tell: then it is that of the highest number.
    """
    found = [*runs.glob(f'[0-9]*/{name}'), *runs.glob(f'[0-9]*/fold_*/{name}')]
    times = {path: path.stat().st_mtime for path in found}
    numbers = {path: _number(path.relative_to(runs).parts[0]) for path in found}
    if any(at > time.time() + _CLOCKS_DIFFER for at in times.values()):
        newest = max(found, key=lambda path: (numbers[path], times[path]))
        print(f'careful: files below {runs} are of the future: {newest} is taken for the newest, by its number')
        return newest
    return max(found, key=times.__getitem__, default=None)


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


def trust_option(config: Config) -> str:
    """What to add to a command that reads a run's checkpoints: plugins that they name are not imported unasked."""
    return ' --trust-plugins' if config.custom_imports else ''


def refuse_used(folder: Path) -> None:
    """Raise FileExistsError for a folder that holds a run already: it is not overwritten."""
    if _holds_run(folder):
        raise FileExistsError(
            f'{folder} holds a run already: add --resume to go on with it, or choose another --work-dir'
        )


@contextmanager
def occupied(folder: Path, made: bool = False) -> Iterator[None]:
    """Within, no other process trains in a run folder, which is made if need be.

    What a start leaves that fails before its first step is removed, the folder and its number with it.

    Args:
        folder: the run folder.
        made: it is there because `new_run_folder` has just made it.

    Raises:
        FileExistsError: another process trains there.
    """
    made = made or not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    is_new, before = not _holds_run(folder), set(folder.iterdir())
    with locked(folder, 'a training', wait=_LOCK_WAIT):
        remove_leftovers(folder)
        try:
            require_room(folder, LEAST_ROOM)
            yield
        except BaseException:
            if is_new:
                with suppress(OSError):  # of a disk that fails, what has failed on it first is told
                    _remove_start(folder, before)
                    if made and not any(folder.iterdir()):
                        folder.rmdir()
            raise


def run_of(checkpoint: Path) -> Path | None:
    """The run folder that a checkpoint lies in; None: it lies elsewhere."""
    return checkpoint.parent if (checkpoint.parent / RUN_CONFIG).is_file() else None


def origin(folder: Path) -> str | None:
    """The config file that a folder's run was started with, as its environment.json says; None: it is not known."""
    config = (read_json_if_any(folder / ENVIRONMENT) or {}).get('config')
    return config if isinstance(config, str) else None


def _holds_run(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) for pattern in ('*.pth', RUN_CONFIG, 'fold_*'))


def _remove_start(folder: Path, before: Collection[Path]) -> None:
    if any(next(folder.rglob(pattern), None) for pattern in _OF_STEPS):
        return
    for path in {path for pattern in _OF_START for path in folder.glob(pattern)}.difference(before):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def record_environment(
    folder: Path, data_digest: str, precision: str, changes: Mapping[str, Any], config: str | Path | None = None
) -> None:
    """Write environment.json.

    Args:
        folder: the run folder.
        data_digest: over the photographs' names and sizes.
        precision: of training steps.
        changes: what the run has otherwise than its config file, by dotted path.
        config: the file that the run was started with. None, or a run folder's own: the one recorded there before.
    """
    import torch

    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    of_run = config is None or Path(config).name == RUN_CONFIG
    content = dict(
        started=time.strftime('%Y-%m-%d %H:%M:%S'),
        command=shlex.join([Path(sys.executable).name, *sys.argv]),
        changes={key: shown(value) for key, value in changes.items()},
        working_folder=os.getcwd(),
        config=origin(folder) if of_run else str(config),
        python=platform.python_version(),
        platform=platform.platform(),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else f'CPU, {os.cpu_count()} cores',
        precision=precision,
        packages=versions,
        **code_commit(),
        data=data_digest,
    )
    write_json(folder / ENVIRONMENT, content)


def recorded_changes(folder: Path) -> dict[str, Any]:
    """What `record_environment` was told of a run's changes the last time."""
    changes = (read_json_if_any(folder / ENVIRONMENT) or {}).get('changes')
    return changes if isinstance(changes, dict) else {}


def log_to(folder: Path, rank: int = 0) -> None:
    """Send the toolbox's messages to train.log, and those of the main process to the console, too.

    Args:
        folder: the run folder.
        rank: of this process; others than the first write train.rankN.log.
    """
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        with suppress(OSError):  # lines that a disk did not take are tried once more
            handler.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if rank == 0:
        console = _Console(sys.stdout)
        console.addFilter(lambda record: not getattr(record, 'file_only', False))  # the tool shows its errors itself
        logger.addHandler(console)
    file = _LogFile(folder / ('train.log' if rank == 0 else f'train.rank{rank}.log'), encoding='utf-8', delay=True)
    file.setFormatter(logging.Formatter('%(asctime)s %(message)s', '%Y-%m-%d %H:%M:%S'))
    logger.addHandler(file)


class _LogFile(logging.FileHandler):
    """Lacks the lines that a disk did not take: the console has them. A full one does not end a run, and what ends it
    on one that fails is told where weights are written.
    """

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Console(logging.StreamHandler):
    """Falls silent when nobody reads any more, as behind `| head`: the run goes on, and train.log has it all."""

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            logger.removeHandler(self)
        else:
            super().handleError(record)
