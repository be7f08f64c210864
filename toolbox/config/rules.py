"""What the keys of a config may hold: the rules of which `toolbox.config.schema` is made."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from toolbox.plugin.registry import PluginRegistry
from toolbox.system.annotations import fits, in_words, parameter_types
from toolbox.system.words import did_you_mean

REQUIRED = object()
_NUMBER = (int, float)


# Of an optimizer's options: what it is, and how torch computes it, which may need the device that it will run on.
_NOT_TRIED = ('type', 'fused', 'foreach', 'capturable', 'differentiable')


@dataclass(frozen=True)
class Key:
    """A plain value.

    Attributes:
        types: what it may be; bool is no int here.
        meaning: one line for people.
        default: taken where a config does not name the key; without one the key must be there.
        low, high: inclusive bounds of a number.
        choices: the words that are allowed, besides values of other types.
    """

    types: tuple[type, ...]
    meaning: str
    default: Any = REQUIRED
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError unless the value fits."""
        kinds = ' or '.join('None' if kind is type(None) else kind.__name__ for kind in self.types)
        is_bool = isinstance(value, bool) and bool not in self.types
        if is_bool or not isinstance(value, self.types):
            raise ValueError(f'{where}: expected {kinds}, got {value!r} ({self.meaning})')
        if isinstance(value, str) and self.choices and value not in self.choices:
            raise ValueError(f'{where}: {value!r} is not one of them{did_you_mean(value, self.choices)}')
        if not isinstance(value, _NUMBER) or isinstance(value, bool):
            return
        too_low = self.low is not None and not value >= self.low
        too_high = self.high is not None and not value <= self.high
        if too_low or too_high:
            raise ValueError(f'{where}: {value!r} is out of range [{self.low}, {self.high or "inf"}] ({self.meaning})')


@dataclass(frozen=True)
class Plugin:
    """A plugin of one kind: ``dict(type=..., options)``."""

    registry: PluginRegistry
    meaning: str

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError unless the registry could build it."""
        self.registry.check(value, where)


@dataclass(frozen=True)
class Plugins:
    """A list of plugins of one kind."""

    registry: PluginRegistry
    meaning: str
    may_be_empty: bool = True

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError unless the registry could build each."""
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ValueError(f"{where}: expected a list of dict(type='...'), got {value!r}")
        if not value and not self.may_be_empty:
            raise ValueError(f'{where}: the list is empty; name at least one of {", ".join(self.registry.module_dict)}')
        for index, item in enumerate(value):
            self.registry.check(item, f'{where}.{index}')


@dataclass(frozen=True)
class Stages:
    """By name, parts of a network that differ from the common ones: ``dict(color=dict(encoder=dict(name=...)))``.

    Whether the layout has a network of a name, and what a part that names no type may be told, shows when it is built.
    """

    registries: dict[str, PluginRegistry]
    meaning: str
    default: Any = field(default_factory=dict)

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError unless it is networks' parts by name, each as a dict."""
        if not isinstance(value, Mapping) or not all(isinstance(parts, Mapping) for parts in value.values()):
            raise ValueError(f"{where}: expected parts by a network's name, like dict(color=dict(encoder=dict(...)))")
        for name, parts in value.items():
            for part, config in parts.items():
                path = f'{where}.{name}.{part}'
                if part not in self.registries:
                    raise ValueError(f'{path}: a network has no part {part!r}{did_you_mean(part, self.registries)}')
                if not isinstance(config, Mapping):
                    raise ValueError(f"{path}: expected dict(name=...) or dict(type='...'), got {config!r}")
                if 'type' in config:
                    self.registries[part].check(config, path)


@dataclass(frozen=True)
class OptimizerClass:
    """An optimizer of torch.optim: ``dict(type='AdamW', lr=1e-4, options)``."""

    meaning: str

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError unless torch.optim has the class and it takes the options."""
        if not isinstance(value, Mapping) or 'type' not in value or 'lr' not in value:
            raise ValueError(f"{where}: expected dict(type='AdamW', lr=1e-4), got {value!r}")
        known = {
            name: item for name, item in vars(torch.optim).items() if inspect.isclass(item) and name != 'Optimizer'
        }
        if not isinstance(value['type'], str) or value['type'] not in known:
            raise ValueError(f'{where}.type: torch.optim has no {value["type"]!r}{did_you_mean(value["type"], known)}')
        optimizer = known[value['type']]
        options = [name for name in inspect.signature(optimizer).parameters if name != 'params']
        expected = parameter_types(optimizer)
        for key in value:
            if key != 'type' and key not in options:
                raise ValueError(f'{where}.{key}: {value["type"]} takes no option {key!r}{did_you_mean(key, options)}')
            if key != 'type' and not fits(value[key], expected.get(key, Any)):
                raise ValueError(
                    f'{where}.{key}: {value["type"]} takes {in_words(expected[key])} here, got {value[key]!r}'
                )
        _try_optimizer(optimizer, {key: value[key] for key in value if key not in _NOT_TRIED}, where)


def _try_optimizer(optimizer: type, options: Mapping[str, Any], where: str) -> None:
    """Raise ValueError unless an optimizer takes its options, each alone and all together, and steps as we step."""
    alone = [{'lr': 1e-3, key: value} for key, value in options.items()]
    for place, given in [('type', {'lr': 1e-3}), *zip(options, alone, strict=True), ('', options)]:
        weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((2,), (2, 2, 1, 1))]
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        try:
            optimizer(weights, **given).step()
        except Exception as error:  # torch's own checks raise several
            value = f'={given[place]!r}' if place in given else ''
            key = f'{where}.{place}{value}' if place else where
            raise ValueError(f'{key}: {optimizer.__name__} cannot be used so: {error}') from error
