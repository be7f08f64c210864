"""From named axes to arms: which combinations of parts are tried, and what they may not touch."""

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from toolbox.config.loading import flatten
from toolbox.experiment.results import Arm
from toolbox.system.words import did_you_mean

# What arms are measured on and for how long: equal for all, or a difference would say nothing about the parts.
MEASURED = (
    *('data.root', 'data.val_root', 'data.folds', 'data.size', 'data.val_size', 'data.reduce'),
    *('data.val_mask', 'data.val_fill', 'data.val_real_pairs'),
    *('metrics', 'seed', 'split_seed', 'fold', 'clean_csv', 'use_labels', 'early_stopping'),
    *('train_cfg.max_epochs', 'train_cfg.max_steps', 'train_cfg.val_interval'),
)

Axes = Mapping[str, Mapping[str, Mapping[str, Any]]]


def make_arms(axes: Axes, design: str, baseline: Mapping[str, str] | None = None) -> list[Arm]:
    """The arms of a design, the baseline first.

    Args:
        axes: by name, levels by name: config values by dotted path, or nested; `base` among them names another config
            file to change.
        design: 'grid', all combinations; 'one_at_a_time', the baseline and each other level of each axis alone.
        baseline: the level of an axis that others are compared with; of an axis that is not named, its first.

    Raises:
        ValueError: an axis without a choice, an unknown level, or changes that would make a comparison unfair.
    """
    if not isinstance(axes, Mapping) or not axes:
        raise ValueError(
            f'axes: expected one or more by name, like dict(attention=dict(cbam=..., se=...)), got {axes!r}'
        )
    changes = {str(axis): {level: flatten(change) for level, change in _levels(axis, axes[axis])} for axis in axes}
    baseline = {str(axis): str(level) for axis, level in (baseline or {}).items()}
    for axis, levels in changes.items():
        for level, change in levels.items():
            _check_fair(f'axes.{axis}.{level}', change)
    chosen = _baseline(changes, baseline)
    if design == 'grid':
        combinations = [dict(zip(changes, names, strict=True)) for names in itertools.product(*changes.values())]
        combinations.sort(key=lambda levels: levels != chosen)  # stable: the baseline, then in the order written
    else:
        others = [{**chosen, axis: level} for axis in changes for level in changes[axis] if level != chosen[axis]]
        combinations = [chosen, *others]
    arms = []
    for levels in combinations:
        together: dict[str, Any] = {}
        for axis, level in levels.items():
            _add(together, changes[axis][level], f'axes.{axis}.{level}')
        arms.append(Arm(_name(levels, chosen, design), levels, together))
    doubled = [name for name, count in Counter(arm.name for arm in arms).items() if count > 1]
    if doubled:
        raise ValueError(
            f'axes: two arms would be called {doubled[0]!r}; rename a level: names may not hold each other'
        )
    return arms


def _levels(axis: str, levels: Any) -> Any:
    if not isinstance(levels, Mapping) or len(levels) < 2:
        raise ValueError(
            f"axes.{axis}: expected two or more levels, like dict(cbam={{'model.attention.type': 'CBAM'}}, "
            f"se={{'model.attention.type': 'SE'}}), got {levels!r}"
        )
    for level, change in levels.items():
        if not isinstance(change, Mapping) or not all(isinstance(path, str) for path in change):
            raise ValueError(f'axes.{axis}.{level}: expected config values by dotted path, got {change!r}')
    named = {str(level): change for level, change in levels.items()}  # 1e-3 names a level as well
    if len(named) < len(levels):
        raise ValueError(f'axes.{axis}: two levels are written alike, of {", ".join(map(repr, levels))}; rename one')
    return named.items()


def _check_fair(where: str, change: Mapping[str, Any]) -> None:
    for path in change:
        for common in MEASURED:
            if f'{path}.'.startswith(f'{common}.') or f'{common}.'.startswith(f'{path}.'):
                hint = '; to compare with and without cleaning change clean_drop' if path == 'clean_csv' else ''
                raise ValueError(
                    f'{where} changes {path}, which arms are measured by: it has to be equal for all; set it in '
                    f'`common`, or by --cfg-options{hint}'
                )


def _baseline(changes: Mapping[str, Mapping], given: Mapping[str, str]) -> dict[str, str]:
    for axis, level in given.items():
        if axis not in changes:
            raise ValueError(f'baseline.{axis}: there is no axis {axis!r}{did_you_mean(axis, changes)}')
        if level not in changes[axis]:
            raise ValueError(f'baseline.{axis}: there is no level {level!r}{did_you_mean(level, changes[axis])}')
    return {axis: given.get(axis, next(iter(levels))) for axis, levels in changes.items()}


def _add(together: dict[str, Any], change: Mapping[str, Any], where: str) -> None:
    """Two axes of one arm may not set the same key: the order would decide."""
    for path, value in change.items():
        if path in together and together[path] != value:
            raise ValueError(f'{where} sets {path}, which another axis sets, too; give each key to one axis')
        together[path] = value


def _name(levels: Mapping[str, str], baseline: Mapping[str, str], design: str) -> str:
    if design == 'grid':
        return ' + '.join(levels.values())
    changed = [f'{axis}={level}' for axis, level in levels.items() if level != baseline[axis]]
    return ', '.join(changed) or 'baseline'
