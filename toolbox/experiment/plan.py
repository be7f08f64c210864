"""What an ablation will do: its arms as resolved configs, and a trial for each arm, seed and fold."""

import copy
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from toolbox.config import schema
from toolbox.config.loading import flatten, load_config
from toolbox.data.splits import split_photos
from toolbox.experiment.design import MEASURED, make_arms
from toolbox.experiment.results import Arm
from toolbox.plugin.registry import METRICS
from toolbox.system.environment import code_version
from toolbox.system.paths import CONFIGS, find_config

_ENDLESS = 10**6  # epochs: the steps end the run
_NAME_LENGTH = 48

# A base config by its name, with changes, and whom to tell what swapped parts do not take.
_Load = Callable[[str, Mapping[str, Any], Callable[[str], None]], Config]


@dataclass(frozen=True)
class Trial:
    """One training of an arm.

    Attributes:
        name: of its folder: what it is in words, and its id.
        config: complete.
    """

    name: str
    arm: str
    seed: int
    fold: int
    config: Config

    @property
    def place(self) -> dict[str, Any]:
        """Its `arm`, `seed` and `fold`, for records."""
        return dict(arm=self.arm, seed=self.seed, fold=self.fold)

    def __str__(self) -> str:
        return f'{self.arm}, seed {self.seed}, fold {self.fold}'


@dataclass
class Plan:
    """An ablation, resolved.

    Attributes:
        name: of the ablation's config.
        settings: the ablation's config.
        arms: the baseline first.
        configs: the complete config of each arm with the first seed and fold.
        sample: whether it runs on the bundled photographs.
        validation: names of the photographs that validate, by fold.
        digest: identifies the photographs.
        code: identifies the code.
        ranking, higher_is_better: of the first metric.
    """

    name: str
    settings: Config
    arms: Sequence[Arm]
    configs: Mapping[str, Config]
    sample: bool
    validation: Mapping[int, Sequence[str]]
    digest: str
    code: str
    ranking: str
    higher_is_better: bool
    folds: Sequence[int]

    @property
    def baseline(self) -> str:
        return self.arms[0].name

    def identity(self, config: Config) -> str:
        """A hash of what decides a training: its config, the photographs, the code."""
        return hashlib.sha256(f'{config.pretty_text}\0{self.digest}\0{self.code}'.encode()).hexdigest()[:10]

    def trials(self, arm: Arm, steps: int | None = None) -> list[Trial]:
        """An arm's trials, by seed, then by fold.

        Args:
            arm: of this plan.
            steps: of each trial, where the budget is in minutes.
        """
        trials = []
        for seed in self.settings.seeds:
            for fold in self.folds:
                config = copy.deepcopy(self.configs[arm.name])
                config.seed, config.fold = seed, fold
                if steps is not None:
                    config.train_cfg.max_steps = steps
                words = ''.join(letter if letter.isalnum() else '_' for letter in arm.name)[:_NAME_LENGTH]
                trials.append(
                    Trial(f'{words}-seed{seed}-fold{fold}-{self.identity(config)}', arm.name, seed, fold, config)
                )
        return trials

    def budget_in_words(self) -> str:
        """Such as `4 minutes a trial`."""
        budget = self.settings.budget
        for unit in ('steps', 'minutes'):
            if budget[unit] is not None:
                return f'{budget[unit]:g} {unit} a trial'
        return f'{next(iter(self.configs.values())).train_cfg.max_epochs} epochs a trial'

    def pictured(self) -> tuple[str, ...]:
        """The photographs that the report shows: of the first fold, evenly spread."""
        names = self.validation[self.folds[0]]
        count = min(self.settings.photos, len(names))
        return tuple(names[place] for place in np.linspace(0, len(names) - 1, count).round().astype(int))


def make_plan(
    ablation: str,
    data_root: str | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
    trust_plugins: bool = False,
) -> Plan:
    """Resolve an ablation's config, and check that its arms can be compared.

    Args:
        ablation: a config of axes.
        data_root: photographs; None: what the base config says.
        options: values of the base config, for all arms.
        settings: values of the ablation's config, by dotted path.
        say: told what swapped parts do not take.
        trust_plugins: import what the `config.py` of a run folder lists, where arms start from one.

    Raises:
        FileNotFoundError, ValueError: with what to type instead.
    """
    path = find_config(ablation)
    chosen = load_config(path, settings, say, schema.ABLATION)
    _check(chosen)
    options = {**(options or {}), **({} if data_root is None else {'data.root': data_root})}
    arms = make_arms(chosen.axes, chosen.design, chosen.baseline)
    shipped = path.is_relative_to(CONFIGS)

    def load(base: str, changes: Mapping[str, Any], say: Callable[[str], None]) -> Config:
        return load_config(find_config(base, shipped), changes, say, trust_plugins=trust_plugins)

    sample = _is_sample(chosen, options, load)
    said = defaultdict(list)
    configs = {
        arm.name: _resolve(chosen, arm, options, sample, load, lambda text, arm=arm: said[text].append(arm.name))
        for arm in arms
    }
    _check_measured_alike(configs)
    first = configs[arms[0].name]
    folds = list(range(first.data.folds)) if chosen.folds == 'all' else list(chosen.folds)
    splits = _Splits()
    for name, config in configs.items():
        config.fold = folds[0]
        for fold in folds:
            splits.check(config, fold, name)
    for text, names in said.items():
        say(text if len(names) == len(arms) else f'{text} (in {", ".join(names)})')
    metric = METRICS.build(first.metrics[0])
    return Plan(
        path.stem,
        chosen,
        arms,
        configs,
        sample,
        splits.validation,
        splits.digest,
        code_version(first.custom_imports),
        metric.name,
        metric.higher_is_better,
        folds,
    )


class _Splits:
    """Each fold's validation photographs, which have to be the same for all arms."""

    def __init__(self) -> None:
        self.validation: dict[int, list[str]] = {}
        self.digest = ''
        self._known: dict[str, tuple[list[str], str]] = {}

    def check(self, config: Config, fold: int, arm: str) -> None:
        """Raise ValueError if an arm validates on others than those before it."""
        keys = [
            config.data.root,
            config.data.val_root,
            config.data.folds,
            config.split_seed,
            config.clean_csv,
            config.clean_drop,
        ]
        key = repr([*keys, config.use_labels, fold])
        if key not in self._known:  # listing a million files takes a while
            of_fold = copy.deepcopy(config)
            of_fold.fold = fold
            split = split_photos(of_fold)
            self._known[key] = list(split.validation.names), split.digest
        names, digest = self._known[key]
        if self.validation.setdefault(fold, names) != names:
            raise ValueError(
                f'{arm}: fold {fold} validates on other photographs than in the baseline, so scores could not be '
                "compared; let arms differ in training alone, e.g. clean_drop='training' beside 'nowhere'"
            )
        self.digest = self.digest or digest


def _is_sample(chosen: Config, options: Mapping[str, Any], load: _Load) -> bool:
    """Whether nothing names photographs: neither what was typed, nor the ablation, nor its base."""
    if options.get('data.root', flatten(chosen.common).get('data.root')) is not None:
        return False
    return load(chosen.base, {}, lambda _: None).data.root is None


def _resolve(
    chosen: Config, arm: Arm, options: Mapping[str, Any], sample: bool, load: _Load, say: Callable[[str], None]
) -> Config:
    """The complete config of an arm: what is common, the budget, what was typed, the arm, each over those before."""
    together = flatten(chosen.common)
    for layer in (flatten(chosen.sample) if sample else {}, _budget(chosen.budget), options, arm.changes):
        together = {**_kept(together, layer), **layer}
    together |= {'seed': chosen.seeds[0], 'split_seed': chosen.split_seed}
    if chosen.custom_imports:
        together['custom_imports'] = list(chosen.custom_imports)
    return load(together.pop('base', chosen.base), together, say)


def _check_measured_alike(configs: Mapping[str, Config]) -> None:
    """Raise ValueError if arms that start from different configs would be measured by different rules."""
    (baseline, first), *others = (
        (name, {path: value for path, value in flatten(config).items() if path.startswith(MEASURED)})
        for name, config in configs.items()
    )
    for name, measured in others:
        for path in sorted(first.keys() | measured.keys()):
            if first.get(path) != measured.get(path):
                raise ValueError(
                    f'{name}: {path} is {measured.get(path)!r}, and {first.get(path)!r} in {baseline}; arms are '
                    'measured by it, so it has to be equal for all: set it in `common`, or by --cfg-options'
                )


def _kept(values: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Values without the options of parts that are swapped for others later."""
    swapped = tuple(path.removesuffix('type') for path in later if path.endswith('.type'))
    return {path: value for path, value in values.items() if not path.startswith(swapped)} if swapped else dict(values)


def _budget(budget: Mapping[str, Any]) -> dict[str, Any]:
    if budget['epochs'] is not None:
        return {'train_cfg.max_epochs': budget['epochs']}
    if budget['steps'] is not None or budget['minutes'] is not None:
        return {'train_cfg.max_epochs': _ENDLESS, 'train_cfg.max_steps': budget['steps']}
    return {}


def _check(chosen: Config) -> None:
    given = [name for name, value in chosen.budget.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f'budget: {" and ".join(given)} are given; choose one')
    if not chosen.seeds or any(type(seed) is not int or not 0 <= seed <= schema.LARGEST_SEED for seed in chosen.seeds):
        expected = f'whole numbers from 0 to {schema.LARGEST_SEED}, like [0, 1, 2]'
        raise ValueError(f'seeds: expected {expected}, got {chosen.seeds!r}')
    if chosen.folds != 'all' and (not chosen.folds or any(type(fold) is not int for fold in chosen.folds)):
        raise ValueError(f"folds: expected fold numbers like [0, 1], or 'all', got {chosen.folds!r}")
    for name in ('seeds', 'folds'):
        if len(set(chosen[name])) < len(chosen[name]) and chosen[name] != 'all':
            raise ValueError(f'{name}: {chosen[name]!r} names one twice, which would count it twice')
    rungs = list(chosen.halving.epochs)
    if rungs != sorted(set(rungs)) or any(type(rung) is not int or rung < 1 for rung in rungs):
        raise ValueError(f'halving.epochs: expected rising epochs, like [2, 5], got {chosen.halving.epochs!r}')


def trial_folder(folder: Path, trial: Trial) -> Path:
    """Where a trial lives in an ablation's folder."""
    return folder / 'trials' / trial.name
