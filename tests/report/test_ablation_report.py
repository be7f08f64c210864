"""The ablation's report: what it says, that no name can act in it, and the page in a browser without a network."""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support import scene
from toolbox.experiment.results import Arm, ArmSummary, Comparison, Costs, MainEffect, Summary, TrialResult
from toolbox.report.ablation import RestoredPhoto, write_ablation_report

NASTY = '<script>alert("x")</script>&\'"'
T_95 = {2: 12.706, 3: 4.303}  # Student's t for an interval over so many pairs
EFFECTS = (0.0, 0.021, 0.013, 0.006, 0.001, -0.012)
NAMES = ('baseline', 'attention=se', 'losses=ssim + edges', 'attention=cbam', 'fill=one_stage', 'encoder=tiny')
FACTS = {'data': '96 photographs', 'seeds': '0, 1, 2', 'command': 'python tools/ablate.py example'}
NAN = math.nan


def trials(arm: int, name: str, seeds: int = 3, epochs: int = 12) -> list[TrialResult]:
    """Trainings of an arm, of plausible courses."""
    found = []
    for seed in range(seeds):
        rng, shared = np.random.default_rng((arm, seed)), np.random.default_rng(seed)
        last = 0.6 + shared.normal(0, 0.006) + EFFECTS[arm % len(EFFECTS)] + rng.normal(0, 0.0018)
        course = last - 0.22 * np.exp(-np.arange(epochs + 1) / (2.5 + 0.3 * (arm % 5))) + rng.normal(0, 0.002, epochs + 1)
        values = [
            {'step': 50 * epoch, 'epoch': epoch, 'score': value, 'ssim': value + 0.2, 'masked_ssim': value - 0.1}
            for epoch, value in enumerate(course.tolist())
        ]
        best = {key: value for key, value in max(values, key=lambda row: row['score']).items() if key not in ('step', 'epoch')}
        costs = Costs(int(2.4e7 + 9e5 * arm), 88.5 - 4 * arm, 5100 + 200 * arm, 21.5 + 1.1 * arm + seed / 3, 21.5 + 1.1 * arm)
        folder = Path(f'trials/{arm}-{seed}')
        found.append(
            TrialResult(name, seed, 0, 'done', '', best, values[0], curve=values[1:], costs=costs, folder=folder)
        )
    return found


def row(name: str, results: Sequence[TrialResult], base: Sequence[TrialResult]) -> ArmSummary:
    """What trainings of an arm say together, and against those of the baseline."""
    if not results:
        return ArmSummary(Arm(name, {}), 0, {}, {}, NAN, None, None, ('failed (3 of 3): ValueError: loss is NaN',))
    metrics = results[0].metrics
    values = {metric: np.array([result.metrics[metric] for result in results]) for metric in metrics}
    n = len(results)
    std = {metric: float(value.std(ddof=1)) if n > 1 else NAN for metric, value in values.items()}
    mean = {metric: float(value.mean()) for metric, value in values.items()}
    difference = None
    if results is not base:
        pairs = values['score'] - [result.metrics['score'] for result in base]
        center, half = float(pairs.mean()), T_95[n] * float(pairs.std(ddof=1)) / n**0.5 if n > 1 else NAN
        p = (0.004 if abs(center) > half else 0.31) if n > 1 else None
        difference = Comparison(n, center, center - half, center + half, p, p and min(1.0, 3 * p))
    untrained = float(np.mean([result.untrained['score'] for result in results]))
    return ArmSummary(Arm(name, {}), n, mean, std, untrained, difference, results[-1].costs)


def experiment(names: Sequence[str] = NAMES, seeds: int = 3) -> tuple[Summary, list[TrialResult]]:
    """Several arms, the first one the baseline, in an order as the table's."""
    by_arm = {name: trials(number, name, seeds) for number, name in enumerate(names)}
    base = by_arm[names[0]]
    rows = [row(name, results, base) for name, results in by_arm.items()]
    rows[1:] = sorted(rows[1:], key=lambda each: -each.mean['score'])
    differences = {each.arm.name: each.difference for each in rows[1:]}
    effects = [MainEffect(*name.partition('=')[::2], 'none', difference) for name, difference in differences.items()]
    effects = sorted(effects, key=lambda effect: effect.axis)
    return Summary('Which parts help', names[0], 'score', rows, effects), [r for own in by_arm.values() for r in own]
