"""Which values of a config a resumed run may have otherwise than before, and which would make it another run."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process

from toolbox.config.differences import Change, differences
from toolbox.system.paths import command
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.checkpoint_rotation import Generations
from toolbox.training.distributed import from_main_process
from toolbox.training.load_model import checkpoint_config

# These change no weight and no score: where files lie, how fast it goes, what is written besides.
UNSEEN = (
    *('data.root', 'data.val_root', 'data.workers', 'data.max_unreadable', 'train_cfg.save_steps'),
    *('train_cfg.save_minutes', 'train_cfg.compile', 'deterministic', 'tf32', 'visualizers', 'sample_images'),
    *('save_out_of_fold', 'custom_imports'),
)
# These hold from the step on at which the run goes on. The schedule is that of a run that had them from its start.
FROM_HERE_ON = (
    *('train_cfg.max_epochs', 'train_cfg.max_steps', 'train_cfg.val_interval', 'train_cfg.accumulate'),
    *('train_cfg.clip_norm', 'train_cfg.ema', 'train_cfg.max_bad_steps', 'precision'),
    *('optimizer.lr', 'optimizer.weight_decay', 'lr_schedule', 'early_stopping'),
    *('data.mask', 'data.fill', 'data.transforms', 'data.real_pairs'),
)


def check_resumable(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    folder: Path,
    allowed: Collection[str] = (*UNSEEN, *FROM_HERE_ON),
) -> list[Change]:
    """The values that are otherwise than before; all of them are of keys that a resumed run takes.

    Args:
        before: the config of the run.
        after: the one that it is to be resumed with.
        folder: of the run.
        allowed: keys, and parents of keys.

    Raises:
        ValueError: values that would make it another run.
    """
    changes = differences(before, after)
    refused = [change for change in changes if not _is_below(change.key, allowed)]
    if refused:
        raise ValueError(
            f'{folder} cannot be resumed with {", ".join(map(str, refused))}: that would be another run. To go on as '
            f'it was: {command("train")} {folder} --work-dir {folder} --resume; for another run leave --resume out. '
            f'A resumed run takes {", ".join(allowed)}'
        )
    return changes


def check_same_photographs(before: str, after: str, folder: Path) -> None:
    """Raise ValueError unless the digests of the photographs, then and now, are equal."""
    if before != after:
        raise ValueError(
            f'{folder} cannot be resumed: its photographs are not those of its start, by their names and sizes. Other '
            'photographs fall into other folds, and it would validate on what it has trained on. Give the --data-root '
            'and clean_csv of before with all its files, or start a new run'
        )


def newest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that can be read, with its content; what the main process found, in every process."""
    found = Generations(folder).newest() if is_main_process() else None
    path = from_main_process(found and found[0])
    if path is None or found:
        return found
    return path, read_checkpoint(path)


def config_before(checkpoint: Path, content: Mapping[str, Any], config: Config) -> Config:
    """The config in the checkpoint of a run that is to be resumed.

    Args:
        checkpoint: names it in errors.
        content: of it.
        config: which the run is resumed with; its `custom_imports` stand in for the checkpoint's, which nobody named.
    """
    return checkpoint_config(content, checkpoint, {'custom_imports': list(config.custom_imports)})


def _is_below(key: str, parents: Collection[str]) -> bool:
    return any(key == parent or key.startswith(f'{parent}.') for parent in parents)
