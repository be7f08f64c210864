"""Run folders: where a run goes, which one is meant, and what is recorded in it."""

import json
import logging
import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from toolbox.files import write_json
from toolbox.paths import REPOSITORY

logger = logging.getLogger('huefill')

CONFIG, ENVIRONMENT = 'config.py', 'environment.json'

_PACKAGES = (
    *('huefill', 'torch', 'torchvision', 'segmentation-models-pytorch', 'timm', 'mmengine', 'albumentations'),
    *('scikit-image', 'opencv-python', 'opencv-python-headless', 'numpy', 'pillow'),
)


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


def newest(runs: Path, name: str) -> Path | None:
    """The newest file `name` in the run folders below `runs`, fold folders included."""
    found = [*runs.glob(f'[0-9]*/{name}'), *runs.glob(f'[0-9]*/fold_*/{name}')]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def claim(folder: Path) -> None:
    """Make a run folder that a person named; one that holds a run already is not overwritten.

    Raises:
        FileExistsError: it holds a run.
    """
    if any(next(folder.glob(pattern), None) for pattern in ('*.pth', 'config.py', 'fold_*')):
        raise FileExistsError(
            f'{folder} holds a run already: add --resume to go on with it, or choose another --work-dir'
        )
    folder.mkdir(parents=True, exist_ok=True)


def run_of(checkpoint: Path) -> Path | None:
    """The run folder that a checkpoint lies in; None: it lies elsewhere."""
    return checkpoint.parent if (checkpoint.parent / CONFIG).is_file() else None


def origin(checkpoint: Path) -> str | None:
    """The config file that a checkpoint's run was started with, as its environment.json says; None: it is not known."""
    try:
        return json.loads((checkpoint.parent / ENVIRONMENT).read_text(encoding='utf-8'))['config']
    except (OSError, ValueError, KeyError, TypeError):  # none there, or somebody else's
        return None


def record_environment(folder: Path, data_digest: str, precision: str, config: str | None = None) -> None:
    """Write environment.json: versions, commit, data hash (over names and sizes), command, config, device, precision.

    Args:
        config: the file that the run was started with. A run folder's own is none to remember.
    """
    import torch

    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    content = dict(
        command=shlex.join([Path(sys.executable).name, *sys.argv]),
        working_folder=os.getcwd(),
        config=None if config is None or Path(config).name == CONFIG else str(config),
        python=platform.python_version(),
        platform=platform.platform(),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else f'CPU, {os.cpu_count()} cores',
        precision=precision,
        packages=versions,
        commit=commit(),
        data=data_digest,
    )
    write_json(folder / ENVIRONMENT, content)


def log_to(folder: Path, rank: int = 0) -> None:
    """Send the toolbox's messages to train.log, and those of the main process to the console, too.

    Args:
        folder: the run folder.
        rank: of this process; others than the first write train.rankN.log.
    """
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if rank == 0:
        console = _Console(sys.stdout)
        console.addFilter(lambda record: not getattr(record, 'file_only', False))  # the tool shows its errors itself
        logger.addHandler(console)
    file = logging.FileHandler(folder / ('train.log' if rank == 0 else f'train.rank{rank}.log'), encoding='utf-8')
    file.setFormatter(logging.Formatter('%(asctime)s %(message)s', '%Y-%m-%d %H:%M:%S'))
    logger.addHandler(file)


class _Console(logging.StreamHandler):
    """Falls silent when nobody reads any more, as behind `| head`: the run goes on, and train.log has it all."""

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            logger.removeHandler(self)
        else:
            super().handleError(record)


def commit() -> str | None:
    """The repository's commit, marked where the code differs from it; None outside a checkout."""
    git = ['git', '-C', str(REPOSITORY)]
    try:
        commit = subprocess.run([*git, 'rev-parse', 'HEAD'], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            [*git, 'status', '--porcelain'], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ('-changed' if changed else '')
