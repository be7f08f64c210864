"""The runs below a folder, from what their folders hold; nothing in them is executed, no heavy library loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from toolbox.experiment.trials import is_locked
from toolbox.tables import aligned

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
    found = {_of_all_folds(folder) for folder in found if not {'trials', 'tried'} & set(folder.parts)}
    if not found:
        raise FileNotFoundError(
            f'no runs below {below}/: train first (python tools/train.py configs/unetpp_cbam_b4.py), or give the '
            'folder that holds them by --work-dir'
        )
    return [read_run(folder) for folder in sorted(found)]


def read_run(folder: Path) -> Run:
    """What a run folder, of one fold or of all of them, says of its run."""
    folds = sorted(folder.glob('fold_*'))
    facts = _json(folder / 'environment.json') or _json(folds[0] / 'environment.json' if folds else folder) or {}
    started = facts.get('started')
    config = folds[0] / 'config.py' if folds else folder / 'config.py'
    if folds:
        done = sum((fold / 'metrics.json').is_file() for fold in folds)
        state = _state(folder, (folder / 'metrics.json').is_file(), any(folder.glob('fold_*/*.pth')))
        score, epoch = (_json(folder / 'metrics.json') or {}).get('score'), f'{done} of {len(folds)} folds'
    else:
        score, last = _validations(folder)
        state = _state(folder, _is_done(folder), any(folder.glob('*.pth')))
        epoch = '' if last is None else str(last)
    return Run(
        folder,
        state,
        score,
        epoch,
        datetime.fromisoformat(started) if started else datetime.fromtimestamp(config.stat().st_mtime),
        facts.get('changes'),
    )


def runs_table(runs: list[Run]) -> str:
    """A line per run."""
    cells = [
        (
            str(run.folder),
            run.state,
            run.epoch,
            '' if run.score is None else f'{run.score:.4f}',
            run.started.strftime(_FORMAT),
            changes_text(run.changes),
        )
        for run in runs
    ]
    header = ('run', 'state', 'epoch', 'score', 'started', 'otherwise than its config file')
    widest = max(len(row[-1]) for row in [header, *cells])
    cells = [(*row[:-1], f'{row[-1]:<{widest}}') for row in cells]
    lines = aligned((*header[:-1], f'{header[-1]:<{widest}}'), cells).splitlines()
    return '\n'.join(line.rstrip() for line in lines)


def changes_text(changes: Mapping[str, str] | None) -> str:
    """`model.attention.type=SE seed=7`, as typed; `-` for none."""
    if changes is None:
        return '(not recorded)'
    return ' '.join(f'{key}={value}' for key, value in changes.items()) or '-'


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


def _validations(folder: Path) -> tuple[float | None, int | None]:
    """The best score so far and the epoch of the last validation."""
    path, scores, epoch = folder / 'scalars.jsonl', [], None
    if path.is_file():
        for line in path.read_text(encoding='utf-8').splitlines():
            if '"val_' in line:
                row = _parsed(line) or {}
                epoch = row.get('epoch', epoch)
                scores.append(row.get('val_score'))
    scores = [score for score in scores if isinstance(score, int | float)]
    return max(scores, default=None), epoch


def _json(path: Path) -> dict[str, Any] | None:
    return _parsed(path.read_text(encoding='utf-8')) if path.is_file() else None


def _parsed(text: str) -> dict[str, Any] | None:
    """None for what a kill or a full disk cut short."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
