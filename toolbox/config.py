"""Loads a config into one that is complete and checked, and writes it back so that it reloads equal.

Configs are mmengine text configs with `_base_` strings. Added here: options that swap a part's `type` drop what the new
type does not take, a misspelt key anywhere is an error with a suggestion, and without photographs of one's own a config
takes the sample scale of `configs/_base_/sample.py`.
"""

import tempfile
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox import schema
from toolbox.annotations import fits
from toolbox.discovery import discover_plugins, import_custom
from toolbox.paths import find_config
from toolbox.registry import ENCODERS, did_you_mean

SAMPLE_OVERRIDES = '_base_/sample.py'


def load_config(
    path: str | Path,
    options: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
    rules: Mapping[str, Any] = schema.SCHEMA,
) -> Config:
    """Load, complete and check a config.

    Args:
        path: a config file, found from any working folder (`toolbox.paths.find_config`).
        options: values by dotted path, as `toolbox.options.parse_options` reads them; they win over the file.
        say: told about options of a swapped part that its new type does not take.
        rules: the schema: of training configs, or of another kind.

    Raises:
        FileNotFoundError, ValueError: with what to type instead.
    """
    path = find_config(str(path))
    config = _read(path)
    _check_kind(config, path, rules)
    options = dict(options or {})
    _import_plugins(config, options, path.parent)
    if 'data' in rules and not {'data', 'model'} <= config.keys():
        schema.complete(config, rules)  # says which is missing, or misspelt
    if 'data' in rules and options.get('data.root', _root(config)) is None:
        apply_options(config, _sample_options(config), say)
    apply_options(config, options, say, rules)
    schema.complete(config, rules)
    return config


def config_from_text(text: str) -> Config:
    """A resolved config from its text, as checkpoints carry it; checked like one from a file."""
    with tempfile.TemporaryDirectory() as folder:  # mmengine's own way from a text would import the custom modules
        path = Path(folder, 'config.py')
        path.write_text(text, encoding='utf-8')
        config = _read(path)
    _import_plugins(config, {}, Path.cwd())
    schema.complete(config)
    return config


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
        for depth, key in enumerate(parents):
            node = _child(node, key, '.'.join(parents[:depth]))
        if isinstance(node, MutableSequence):
            node[_index(node, last, path)] = value
            continue
        if not isinstance(node, MutableMapping):
            raise ValueError(f'config: {".".join(parents)!r} is {node!r} and has no keys to set')
        if last == 'type' and node.get('type') not in (None, value):
            given = {name for name in node if f'{".".join(parents)}.{name}' in options}
            _drop_foreign_options(node, value, parents, given, say, rules)
        node[last] = value


def flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested dicts as values by dotted path."""
    flat = {}
    for key, value in tree.items():
        flat.update(flatten(value, f'{prefix}{key}.') if isinstance(value, Mapping) else {prefix + key: value})
    return flat


def dump_config(config: Config, path: Path) -> None:
    """Write a config as Python text that `load_config` reloads equal."""
    path.write_text(config.pretty_text, encoding='utf-8')


def _read(path: Path) -> Config:
    if path.suffix != '.py':
        raise ValueError(f'{path}: no config, which is a Python file (.py); give one, or a run folder')
    try:
        config = Config.fromfile(path, import_custom_modules=False, lazy_import=False)
    except FileNotFoundError as error:  # a `_base_` that is not there
        raise FileNotFoundError(f'{path}: {error}') from error
    except SyntaxError as error:
        raise ValueError(f'{path}: not a Python config: {error}') from error
    except Exception as error:  # a config is a program, and this is another's
        raise ValueError(f'{path}: this config cannot be run: {type(error).__name__}: {error}') from error
    for name in [name for name in config if name.startswith('_')]:  # a file's own helpers
        del config._cfg_dict[name]
    return config


def _check_kind(config: Config, path: Path, rules: Mapping[str, Any]) -> None:
    """Raise ValueError for a config that another tool takes."""
    shared = {key: sum(key in kind.rules for kind in schema.KINDS) for key in config}
    own = [kind for kind in schema.KINDS if any(key in kind.rules and shared[key] == 1 for key in config)]
    if own and all(kind.rules is not rules for kind in own) and any(kind.rules is rules for kind in schema.KINDS):
        raise ValueError(f'{path} is the config of {own[0].name}: {own[0].command.format(path)}')


def _import_plugins(config: Config, options: MutableMapping[str, Any], folder: Path) -> None:
    """Import bundled and custom plugins; paths of files are read from the config's folder and kept absolute."""
    discover_plugins()
    modules = options.get('custom_imports', config.get('custom_imports', ()))
    if not isinstance(modules, list | tuple) or not all(isinstance(name, str) for name in modules):
        raise ValueError(f"custom_imports: expected a list like ['my_part.py'], got {modules!r}")
    modules = [str((folder / name).resolve()) if name.endswith('.py') else name for name in modules]
    import_custom(modules)
    if modules:
        config.custom_imports = modules
        options.pop('custom_imports', None)


def _root(config: Config) -> Any:
    """Where a training config's photographs lie; None: it names no folder."""
    return config.data.get('root') if isinstance(config.data, Mapping) else None


def _sample_options(config: Config) -> dict[str, Any]:
    """The sample scale as options, without those that this config's parts do not take."""
    options = flatten(Config.fromfile(find_config(SAMPLE_OVERRIDES)).to_dict())
    try:
        takes_weights = 'weights' in ENCODERS.options(config.model.encoder.type)
    except (AttributeError, ValueError):  # it is told where the config is checked
        takes_weights = False
    if not takes_weights:
        options.pop('model.encoder.weights', None)
    return options


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
    if not isinstance(rule, schema.Plugin | schema.Plugins):
        return
    try:
        taken = rule.registry.options(new_type)
    except ValueError as error:
        raise ValueError(f'{where}.type: {error}') from None
    fitting = {name for name in node if name in taken and fits(node[name], rule.registry.expected_type(new_type, name))}
    keep = {'type', *given, *fitting, *rule.registry.placement}
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
