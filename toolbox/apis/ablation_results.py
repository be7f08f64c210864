"""What an ablation's folder says, also while it runs."""

import os
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Arm, Summary, TrialResult
from toolbox.experiment.summary import summarize
from toolbox.experiment.tables import as_text
from toolbox.experiment.trials import TrialFolder
from toolbox.files import read_json

PLAN = 'plan.json'
_TYPES = {
    **dict.fromkeys(('title', 'baseline', 'ranking'), str),
    **dict.fromkeys(('arms', 'trials', 'seeds', 'folds', 'pictures'), list),
    **dict.fromkeys(('not_tried', 'facts', 'baselines'), dict),
    'higher_is_better': bool,
}


def show(folder: str) -> None:
    """Print the table of an ablation's folder as it stands.

    Raises:
        FileNotFoundError: it is none.
    """
    print(as_text(read_summary(Path(folder))[0]))


def read_summary(folder: Path) -> tuple[Summary, list[TrialResult], dict[str, Any]]:
    """What an ablation's folder says: the summary, the trials, and the plan.

    Raises:
        FileNotFoundError: it is no ablation's folder.
        ValueError: its files hold what no ablation wrote.
    """
    if not (folder / PLAN).is_file():
        raise FileNotFoundError(f'{folder} holds no ablation: it has no {PLAN}; give the folder that ablate.py named')
    plan = _read_plan(folder / PLAN)
    arms = [Arm(**arm) for arm in plan['arms']]
    results = [TrialFolder(folder / 'trials' / name).result() for name in plan['trials']]
    for name, reason in plan['not_tried'].items():
        results += [TrialResult(name, seed, fold, 'failed', reason) for seed in plan['seeds'] for fold in plan['folds']]
    summary = summarize(
        plan['title'],
        arms,
        plan['baseline'],
        results,
        plan['ranking'],
        plan['higher_is_better'],
        plan['baselines'],
    )
    return summary, results, plan


def _read_plan(path: Path) -> dict[str, Any]:
    """What `ablate.py` wrote; its names are names and nothing else, since folders are looked up by them.

    Raises:
        ValueError: it is something else.
    """
    plan = {'baselines': {}, **read_json(path)}  # plans of before have none
    wrong = [key for key, kind in _TYPES.items() if not isinstance(plan.get(key), kind)]
    wrong += [
        f'trials: {name!r}' for name in plan.get('trials', ()) if not isinstance(name, str) or not _is_file_name(name)
    ]
    if not wrong and not all(isinstance(value, int | float) for value in plan['baselines'].values()):
        wrong = ['baselines']
    if wrong or not all(_is_arm(arm) for arm in plan['arms']):
        raise ValueError(f'{path} is not what ablate.py wrote: look at {wrong[0] if wrong else "arms"}')
    return plan


def _is_file_name(name: str) -> bool:
    return name not in ('', '.', '..') and name.isprintable() and '/' not in name and os.sep not in name


def _is_arm(arm: Any) -> bool:
    if not isinstance(arm, dict) or not {'name', 'levels'} <= arm.keys() <= {'name', 'levels', 'changes'}:
        return False
    name, levels = arm['name'], arm['levels']
    return isinstance(levels, dict) and all(isinstance(text, str) for text in (name, *levels.values()))
