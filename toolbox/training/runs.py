"""The runs below a folder, from what their folders hold; nothing in them is executed, no heavy library loaded."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from toolbox.system.files import parse_json, read_json_if_any
from toolbox.system.locks import is_locked
from toolbox.system.paths import command
from toolbox.system.tables import aligned

WORK_DIRS = Path('work_dirs')
_FORMAT = '%Y-%m-%d %H:%M'


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: the path.
        state: `done`, `running`, `stopped` (`--resume` goes on with it) or `no checkpoint`.
        score: of the best validation; None before the first one, or where another metric than the score ranks.
        epoch: of the last validation; of a run of all folds, how many folds are done.
        started: when its last start began.
        changes: what it has otherwise than its config file, by dotted path; None where that was not recorded.
    """

    folder: Path
    state: str
    score: float | None
    epoch: str
    started: datetime
    changes: Mapping[str, str] | None


def find_runs(below: Path = WORK_DIRS) -> list[Run]:
    """The runs below a folder, those of one config together, oldest first.

    Trials of ablations are no runs; `tools/ablate.py --show` lists them.

    Raises:
        FileNotFoundError: none there.
    """
    found = {path.parent for path in below.glob('**/config.py')} if below.is_dir() else set()
    of_ablations = {'trials', 'tried'}
    found = {_of_all_folds(folder) for folder in found if not of_ablations & set(folder.relative_to(below).parts)}
    if not found:
        raise FileNotFoundError(
            f'no runs below {below}/: train first ({command("train")} configs/unetpp_cbam_b4.py), or give the '
            'folder that holds them by --work-dir'
        )
    return [read_run(folder) for folder in sorted(found)]


def read_run(folder: Path) -> Run:
    """What a run folder, of one fold or of all of them, says of its run."""
    folds = sorted(folder.glob('fold_*'))
    first = folds[0] if folds else folder
    facts = read_json_if_any(first / 'environment.json') or {}
    changes = facts.get('changes')
    if folds:
        done = sum((fold / 'metrics.json').is_file() for fold in folds)
        state = _state(folder, (folder / 'metrics.json').is_file(), any(folder.glob('fold_*/*.pth')))
        score = _number((read_json_if_any(folder / 'metrics.json') or {}).get('score'))
        epoch = f'{done} of {len(folds)} folds'
    else:
        score, last = _validations(folder)
        state = _state(folder, _is_done(folder), any(folder.glob('*.pth')))
        epoch = '' if last is None else str(last)
    return Run(
        folder,
        state,
        score,
        epoch,
        _date(facts.get('started')) or datetime.fromtimestamp((first / 'config.py').stat().st_mtime),
        changes if isinstance(changes, Mapping) else None,
    )


def runs_table(runs: list[Run]) -> str:
    """A line per run, however long: the terminal breaks it, and grep finds it."""
    cells = [
        (
            str(run.folder),
            run.state,
            run.epoch,
            '' if run.score is None else f'{run.score:.4f}',
            run.started.strftime(_FORMAT),
        )
        for run in runs
    ]
    lines = aligned(('run', 'state', 'epoch', 'score', 'started'), cells, width=sys.maxsize).splitlines()
    changes = ['otherwise than its config file', *(changes_text(run.changes) for run in runs)]
    return '\n'.join(f'{line}  {text}' for line, text in zip(lines, changes, strict=True))


def changes_text(changes: Mapping[str, str] | None) -> str:
    """`model.attention.type=SE seed=7`, as typed; `-` for none."""
    if changes is None:
        return '(not recorded)'
    text = ' '.join(f'{key}={value}' for key, value in changes.items()) or '-'
    return ''.join(letter if letter.isprintable() else '?' for letter in text)


def _of_all_folds(folder: Path) -> Path:
    return folder.parent if folder.name.startswith('fold_') else folder


def _state(folder: Path, is_done: bool, has_checkpoint: bool) -> str:
    if is_locked(folder):
        return 'running'
    return 'done' if is_done else 'stopped' if has_checkpoint else 'no checkpoint'


def _is_done(folder: Path) -> bool:
    """A run writes its metrics at its end, after its last checkpoint; one that was resumed since has newer ones."""
    metrics, last = folder / 'metrics.json', folder / 'last.pth'
    return metrics.is_file() and last.is_file() and metrics.stat().st_mtime_ns >= last.stat().st_mtime_ns


def _validations(folder: Path) -> tuple[float | None, float | None]:
    """The best score so far and the epoch of the last validation."""
    path, scores, epoch = folder / 'scalars.jsonl', [], None
    if path.is_file():
        for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
            if '"val_' in line:
                row = parse_json(line) or {}
                epoch = _number(row.get('epoch')) or epoch
                scores.append(_number(row.get('val_score')))
    return max((score for score in scores if score is not None), default=None), epoch


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _date(text: Any) -> datetime | None:
    """None for what is no date, or of a run from before dates were recorded."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
