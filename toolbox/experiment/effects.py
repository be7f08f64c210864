"""Main effects: what a level of an axis changes, averaged over the other axes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from toolbox.experiment.pairing import Trials, compare
from toolbox.experiment.results import Arm, Comparison, MainEffect
from toolbox.experiment.statistics import holm


def main_effects(arms: Sequence[Arm], baseline: Arm, trials: Trials) -> list[MainEffect]:
    """The effect of each level against the baseline's level of its axis, with Holm's correction over all of them.

    Within a seed and fold it is the mean over the combinations of the other axes' levels that were trained with both.
    Where there is one axis, or one at a time was changed, nothing is averaged and each effect would repeat an arm's own
    difference: then there are none.

    Args:
        arms: those that name other axes than the baseline are no part of the grid, and left out.
        baseline: its levels are what others are compared with.
        trials: the results.

    Raises:
        ValueError: two arms have the same levels.
    """
    grid = _grid([arm for arm in arms if arm.levels and set(arm.levels) == set(baseline.levels)], list(baseline.levels))
    effects: list[MainEffect] = []
    is_averaged = False
    for place, axis in enumerate(baseline.levels):
        against = baseline.levels[axis]
        for level in dict.fromkeys(levels[place] for levels in grid):
            if level != against:
                couples = [
                    (name, grid[reference])
                    for levels, name in grid.items()
                    if levels[place] == level and (reference := _with(levels, place, against)) in grid
                ]
                is_averaged = is_averaged or len(couples) > 1
                difference = _difference(couples, trials)
                if difference is not None:
                    effects.append(MainEffect(axis, level, against, difference))
    if not is_averaged:
        return []
    corrected = holm([effect.difference.p for effect in effects])
    return [
        replace(effect, difference=replace(effect.difference, p_holm=p))
        for effect, p in zip(effects, corrected, strict=True)
    ]


def _grid(arms: Sequence[Arm], axes: Sequence[str]) -> Mapping[tuple[str, ...], str]:
    """Names of arms by their levels, in the order of the axes."""
    grid: dict[tuple[str, ...], str] = {}
    for arm in arms:
        levels = tuple(arm.levels[axis] for axis in axes)
        if levels in grid:
            raise ValueError(f'arms {grid[levels]!r} and {arm.name!r} have the same levels: leave one out')
        grid[levels] = arm.name
    return grid


def _with(levels: tuple[str, ...], place: int, level: str) -> tuple[str, ...]:
    return (*levels[:place], level, *levels[place + 1 :])


def _difference(couples: Sequence[tuple[str, str]], trials: Trials) -> Comparison | None:
    units = [[pair for couple in couples if (pair := trials.pair(*couple, unit))] for unit in trials.units]
    return compare([pairs for pairs in units if pairs], trials.ranking)
