"""What an ablation's folder says, also while it runs."""

import os
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Arm, Summary, TrialResult
from toolbox.experiment.summary import summarize
from toolbox.experiment.tables import as_text
from toolbox.experiment.trials import TrialFolder
from toolbox.system.annotations import fits
from toolbox.system.records import Damaged, read_record

PLAN = 'plan.json'
_FIELDS: dict[str, Any] = {
    **dict.fromkeys(('title', 'baseline', 'ranking'), str),
    **dict.fromkeys(('seeds', 'folds'), list[int]),
    **dict.fromkeys(('trials', 'pictures'), list[str]),
    **dict.fromkeys(('not_tried', 'facts'), dict[str, str]),
    'arms': list[dict[str, Any]],
    'higher_is_better': bool,
}
# Of what plans of before have none.
_FURTHER: dict[str, Any] = {'baselines': dict[str, float], 'known': dict[str, dict[str, Any]]}
_GO_ON = 'the command that made the ablation writes it anew; what is trained is kept'


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
        ValueError: its files hold what no ablation wrote, or a newer version did.
    """
    if not (folder / PLAN).is_file():
        raise FileNotFoundError(f'{folder} holds no ablation: it has no {PLAN}; give the folder that ablate.py named')
    plan = _read_plan(folder / PLAN)
    arms = [Arm(**arm) for arm in plan['arms']]
    results = [TrialFolder(folder / 'trials' / name).result(plan['known'].get(name)) for name in plan['trials']]
    for name, reason in plan['not_tried'].items():
        results += [TrialResult(name, seed, fold, 'failed', reason) for seed in plan['seeds'] for fold in plan['folds']]
    try:
        summary = summarize(
            plan['title'],
            arms,
            plan['baseline'],
            results,
            plan['ranking'],
            plan['higher_is_better'],
            plan['baselines'],
        )
    except ValueError as error:
        raise Damaged(f'{folder / PLAN}: damaged, or not of these trials: {error}; {_GO_ON}') from error
    return summary, results, plan


def _read_plan(path: Path) -> dict[str, Any]:
    """What `ablate.py` wrote; its names are names and nothing else, since folders are looked up by them.

    Raises:
        ValueError: it is something else.
    """
    plan = read_record(path, {**_FIELDS, **_FURTHER}, _GO_ON, tuple(_FIELDS))
    plan = {**{key: {} for key in _FURTHER}, **plan}
    wrong = [f'trials: {name!r}' for name in plan['trials'] if not _is_file_name(name)]
    wrong += [f'arms: {arm!r}' for arm in plan['arms'] if not _is_arm(arm)]
    if not wrong and plan['baseline'] not in [arm['name'] for arm in plan['arms']]:
        wrong = [f'baseline: {plan["baseline"]!r}']
    wrong += [f'known: {facts!r}' for facts in plan['known'].values() if not _are_facts(facts)]
    if wrong:
        raise Damaged(f'{path}: damaged, {wrong[0][:80]}; {_GO_ON}')
    return plan


def _are_facts(facts: dict[str, Any]) -> bool:
    kinds = {'arm': str, 'seed': int, 'fold': int}
    return facts.keys() == kinds.keys() and all(fits(facts[key], kind) for key, kind in kinds.items())


def _is_file_name(name: str) -> bool:
    return name not in ('', '.', '..') and name.isprintable() and '/' not in name and os.sep not in name


def _is_arm(arm: dict[str, Any]) -> bool:
    return {'name', 'levels'} <= arm.keys() <= {'name', 'levels', 'changes'} and all(
        fits(arm.get(key, {}), kind)
        for key, kind in {'name': str, 'levels': dict[str, str], 'changes': dict[str, Any]}.items()
    )
