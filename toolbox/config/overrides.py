"""Options of the command line, set in a config: what a swap of a part's `type` keeps, and what it drops."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from mmengine.config import Config

from toolbox.config import schema
from toolbox.config.rules import Plugin, Plugins, Stages
from toolbox.system.annotations import fits
from toolbox.system.words import did_you_mean


def apply_options(
    config: Config,
    options: Mapping[str, Any],
    say: Callable[[str], None] = print,
    rules: Mapping[str, Any] = schema.SCHEMA,
) -> None:
    """Set options by dotted path, in place. Where one changes a `type`, siblings of the old type are dropped.

    Siblings that the new type takes stay, and so do those that are given as options themselves.
    """
    for path, value in options.items():
        *parents, last = path.split('.')
        node = config._cfg_dict
        if isinstance(_rule_at(parents, rules), Stages):
            _make_room(node, parents)
        for depth, key in enumerate(parents):
            node = _child(node, key, '.'.join(parents[:depth]))
        if isinstance(node, MutableSequence):
            node[_index(node, last, path)] = value
            continue
        if not isinstance(node, MutableMapping):
            raise ValueError(f'config: {".".join(parents)!r} is {node!r} and has no keys to set')
        if last == 'type' and node.get('type') != value:
            for place, part in [(parents, node), *_stages_of(config, parents, rules)]:
                given = {name for name in part if f'{".".join(place)}.{name}' in options}
                _drop_foreign_options(part, value, place, given, say, rules)
        node[last] = value


def _make_room(node: MutableMapping, path: Sequence[str]) -> None:
    """Empty dicts where a path into `model.stages` has none yet: networks and parts are named as they are needed."""
    for key in path:
        if key not in node:
            node[key] = {}
        node = node[key]  # what a config keeps is not what it was given


def _stages_of(
    config: Config, parents: list[str], rules: Mapping[str, Any]
) -> Iterator[tuple[list[str], MutableMapping]]:
    """Where `model.stages` changes options of a common part without naming another type, and those options."""
    if 'stages' not in rules.get('model', {}) or parents[:1] != ['model'] or len(parents) != 2:
        return
    for name, parts in config.model.get('stages', {}).items():
        part = parts.get(parents[1], {})
        if part and 'type' not in part:
            yield ['model', 'stages', name, parents[1]], part


def _child(node: Any, key: str, where: str) -> Any:
    if isinstance(node, MutableSequence):
        return node[_index(node, key, f'{where}.{key}')]
    if not isinstance(node, Mapping):
        raise ValueError(f'config: {where!r} is {node!r} and has no keys to set')
    if key not in node:
        raise ValueError(f'config: no key {(where + "." + key).lstrip(".")!r}{did_you_mean(key, node)}')
    return node[key]


def _index(items: MutableSequence, key: str, where: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise ValueError(f'config: {where!r}: expected an index from 0 to {len(items) - 1}')
    return int(key)


def _drop_foreign_options(
    node: MutableMapping,
    new_type: Any,
    parents: list[str],
    given: set[str],
    say: Callable[[str], None],
    rules: Mapping[str, Any],
) -> None:
    where, rule = '.'.join(parents), _rule_at(parents, rules)
    if isinstance(rule, Stages):
        registry = rule.registries.get(parents[-1])
    else:
        registry = rule.registry if isinstance(rule, Plugin | Plugins) else None
    if registry is None:
        return
    try:
        taken = registry.options(new_type)
    except ValueError as error:
        raise ValueError(f'{where}.type: {error}') from None
    fitting = {name for name in node if name in taken and fits(node[name], registry.expected_type(new_type, name))}
    keep = {'type', *given, *fitting, *registry.placement}
    dropped = {name: value for name, value in node.items() if name not in keep}
    for name in dropped:
        del node[name]
    if dropped:
        shown = [f'{name}={value!r}' if name in taken else name for name, value in dropped.items()]
        say(f'{where}: {new_type} takes no {", ".join(shown)}; dropped')


def _rule_at(path: list[str], rules: Mapping[str, Any]) -> Any:
    """What the schema says of the keys of a path; an index into a list of plugins belongs to the list."""
    rule: Any = rules
    for key in path:
        rule = rule.get(key) if isinstance(rule, Mapping) else rule
    return rule
