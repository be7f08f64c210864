"""What an experiment is made of and what came of it: arms, trials, their results, and what they say together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal['waiting', 'running', 'done', 'failed', 'dropped']


@dataclass(frozen=True)
class Arm:
    """One combination of parts that is tried.

    Attributes:
        name: unique, short, for people: `se + one_stage`, `attention=se`, `baseline`.
        levels: the level of each axis, by the axis' name.
        changes: config values by dotted path, in place of the base config's.
    """

    name: str
    levels: Mapping[str, str]
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Costs:
    """What a trial took, over all its starts.

    Attributes:
        parameters: of the restorer.
        images_per_second: in training steps.
        peak_memory_mib: of the GPU where there is one, else of the process.
        wall_minutes: from start to end, pauses left out.
        gpu_minutes: the same times the number of GPUs; 0 on CPU.
    """

    parameters: int
    images_per_second: float
    peak_memory_mib: float
    wall_minutes: float
    gpu_minutes: float


@dataclass(frozen=True)
class TrialResult:
    """What came of one training of an arm.

    Trials of several arms with one seed and one fold are a pair: they saw the same photographs in the same order with
    the same damage, and are measured on the same ones.

    Attributes:
        arm: its name.
        seed, fold: which of its trainings.
        state: `dropped`: successive halving ended it early; its numbers are those of that epoch.
        reason: why it failed or was dropped, in one line; '' otherwise.
        metrics: of the best validation, by name: score, ssim, masked_ssim, hue_similarity, ...
        untrained: of a validation before the first step.
        per_image: rows of the best validation by photograph, with the same names.
        precision: that it trained in, 'bf16' or 'float32'; '' before it ended an epoch.
        curve: one mapping per validation, in order: `step`, `epoch` and the metrics.
        costs: None before it ended.
        folder: the trial's folder; `photos/NAME.png` are restored validation photographs, the same in all arms.
    """

    arm: str
    seed: int
    fold: int
    state: State
    reason: str = ''
    metrics: Mapping[str, float] = field(default_factory=dict)
    untrained: Mapping[str, float] = field(default_factory=dict)
    per_image: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    precision: str = ''
    curve: Sequence[Mapping[str, float]] = ()
    costs: Costs | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Comparison:
    """A paired difference with its 95 % interval: positive is better.

    Attributes:
        n: pairs: seeds and folds that both sides have, or images.
        mean, low, high: of the difference; low and high are NaN where there is no interval.
        p: two-sided, of the paired t-test; None where there is none.
        p_holm: with Holm's correction over the arms of the table.
        basis: 'pairs' of seeds and folds, or 'images': there was one pair alone, and the interval, a bootstrap over its
            images, is about these images only.
        images: how many photographs both sides were measured on; None: not known. On fewer than
            `toolbox.scoring.intervals.MIN_IMAGES` there are neither interval nor p.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float | None = None
    p_holm: float | None = None
    basis: Literal['pairs', 'images'] = 'pairs'
    images: int | None = None


@dataclass(frozen=True)
class ArmSummary:
    """One row of the table.

    Attributes:
        arm: the arm.
        n: its trials that are done, or dropped.
        mean, std: over them, by metric; std is NaN for n = 1.
        untrained: mean of the ranking metric before training.
        difference: to the baseline; None for the baseline itself, or where there is no pair.
        costs: means over its trials; None without any.
        notes: what a reader has to know: what failed and why, dropped when, no better than untrained, ...
        learned: whether its mean is better than before training; an arm that did not learn never wins.
    """

    arm: Arm
    n: int
    mean: Mapping[str, float]
    std: Mapping[str, float]
    untrained: float
    difference: Comparison | None
    costs: Costs | None
    notes: tuple[str, ...] = ()
    learned: bool = True


@dataclass(frozen=True)
class MainEffect:
    """What a level of an axis changes, against the baseline's level, averaged over the other axes."""

    axis: str
    level: str
    against: str
    difference: Comparison


@dataclass(frozen=True)
class Summary:
    """What an experiment says.

    Attributes:
        title: of the experiment.
        baseline: name of the arm that the others are compared with.
        ranking: name of the metric that ranks.
        rows: an entry per arm, the baseline first, then by mean of the ranking metric, best first; failed ones last.
        main_effects: by axis.
        warnings: what limits all of it: few pairs, trials that are missing, ...
        higher_is_better: of the ranking metric.
    """

    title: str
    baseline: str
    ranking: str
    rows: Sequence[ArmSummary]
    main_effects: Sequence[MainEffect]
    warnings: Sequence[str] = ()
    higher_is_better: bool = True
