"""What an ablation's folder says, also while it runs."""

import json
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Arm, Summary, TrialResult
from toolbox.experiment.summary import summarize
from toolbox.experiment.tables import as_text
from toolbox.experiment.trials import TrialFolder

PLAN = 'plan.json'


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
    """
    if not (folder / PLAN).is_file():
        raise FileNotFoundError(f'{folder} holds no ablation: it has no {PLAN}; give the folder that ablate.py named')
    plan = json.loads((folder / PLAN).read_text(encoding='utf-8'))
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
        plan.get('baselines', {}),  # plans of before have none
    )
    return summary, results, plan
