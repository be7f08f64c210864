"""Loads a config into one that is complete and checked, and writes it back so that it reloads equal.

Configs are mmengine text configs with `_base_` strings. Added here: options that swap a part's `type` drop what the new
type does not take, a misspelt key anywhere is an error with a suggestion, and without photographs of one's own a config
takes the sample scale of `configs/_base_/sample.py`.

A file that a person names as a config is a program of theirs and runs. What came with data, the config in a checkpoint
or the `config.py` of a run folder, is read as plain values and never runs (docs/security.md).
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config import schema
from toolbox.config.differences import differences, value_at
from toolbox.config.literals import MAX_CHARACTERS, plain, read_assignments
from toolbox.config.overrides import apply_options
from toolbox.plugin.discovery import discover_plugins, import_custom, require_trust
from toolbox.plugin.registry import ENCODERS
from toolbox.system.files import write_text
from toolbox.system.paths import CONFIGS, RUN_CONFIG, find_config
from toolbox.system.words import did_you_mean

SAMPLE_OVERRIDES = '_base_/sample.py'


def load_config(
    path: str | Path,
    options: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
    rules: Mapping[str, Any] = schema.SCHEMA,
    trust_plugins: bool = False,
) -> Config:
    """Load, complete and check a config.

    Args:
        path: a config file, found from any working folder (`toolbox.system.paths.find_config`). It runs, unless it is
            called `config.py`: that is what runs write down, and is read.
        options: values by dotted path, as `toolbox.config.options.parse_options` reads them; they win over the file.
        say: told about options of a swapped part that its new type does not take.
        rules: the schema: of training configs, or of another kind.
        trust_plugins: import what a `config.py` lists as `custom_imports`. A config that runs may import anyway.

    Raises:
        FileNotFoundError, ValueError: with what to type instead.
    """
    path = find_config(str(path))
    options = dict(options or {})
    config = _read(path, rules)
    of_run = path.name == RUN_CONFIG
    _import_plugins(config, options, path.parent, str(path) if of_run and not trust_plugins else None)
    if of_run or ('data' in rules and not {'data', 'model'} <= config.keys()):
        schema.complete(config, rules)  # one of a run is resolved as it is; what follows may rely on its shape
    if 'data' in rules and _needs_sample_scale(path, config, options):
        apply_options(config, _sample_options(config), say)
    apply_options(config, options, say, rules)
    schema.complete(config, rules)
    return config


def changed_options(path: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Of options that `load_config` took, those whose values the file does not have itself; `data.root` always."""
    config = _read(path)
    if _needs_sample_scale(path, config, options):
        apply_options(config, _sample_options(config), lambda _: None)
    file = config.to_dict()
    return {
        key: value
        for key, value in options.items()
        if key == 'data.root' or differences({key: value_at(file, key)}, {key: value})
    }


def config_from_data(
    content: Mapping[str, Any] | str, source: str | Path, options: Mapping[str, Any] | None = None, trust: bool = False
) -> Config:
    """A resolved config that came with data, checked like one from a file; nothing of it runs.

    Args:
        content: plain values, as `config_data` gives them and checkpoints hold them; or a text of assignments of
            literals, as run folders and older checkpoints do.
        source: names where it is from in errors.
        options: values by dotted path in place of its own, from the person.
        trust: import what it lists as `custom_imports`. Without, they must have been imported on the person's behalf
            (`toolbox.plugin.discovery.require_trust`).

    Raises:
        ValueError: no plain values, not a config, or plugins that nobody allowed; with what to type.
    """
    values = _values(content, source)
    _check_keys(values, source, schema.SCHEMA)
    config = Config(values)
    options = dict(options or {})
    _import_plugins(config, options, Path.cwd(), None if trust else str(source))
    try:
        schema.complete(config)
    except ValueError as error:
        raise ValueError(f'{source}: its config cannot be used here: {error}') from error
    if options:
        apply_options(config, options)
        schema.complete(config)
    return config


def read_run_config(folder: Path, trusted: Sequence[str] = ()) -> Config:
    """The resolved config that was written into a run folder.

    Args:
        folder: of a run.
        trusted: `custom_imports` that the person's own config names.
    """
    discover_plugins()  # first: the person's own plugins may build on the bundled ones
    import_custom(trusted)
    path = folder / RUN_CONFIG
    return config_from_data(_text(path), path)


def config_data(config: Config) -> dict[str, Any]:
    """A config as plain values: nested dicts, lists, tuples, strings, numbers and None, of exactly these types.

    Raises:
        ValueError: it holds something else, which no checkpoint could.
    """
    return plain(config._cfg_dict.to_dict())


def config_text(config: Config) -> str:
    """A config as text that reads back equal without being run.

    Raises:
        ValueError: it holds what cannot be written so.
    """
    try:
        values = config_data(config)
        text = config.pretty_text
        same = read_assignments(text) == values
    except (ValueError, SyntaxError) as error:
        raise ValueError(f'a config must hold literals alone to be kept: {error}') from error
    if not same:
        raise ValueError('a config must hold literals alone to be kept; this one reads back as another')
    return text


def dump_config(config: Config, path: Path) -> None:
    """Write a config as Python text that `load_config` reloads equal."""
    write_text(path, config_text(config))


def flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested dicts as values by dotted path."""
    flat = {}
    for key, value in tree.items():
        flat.update(flatten(value, f'{prefix}{key}.') if isinstance(value, Mapping) else {prefix + key: value})
    return flat


def _read(path: Path, rules: Mapping[str, Any] = schema.SCHEMA) -> Config:
    """A file as it is: what a run wrote down is read, another one runs."""
    if path.name != RUN_CONFIG:
        config = _run(path)
        _check_kind(config, path, rules)
        return config
    values = _values(_text(path), path)
    _check_kind(values, path, rules)
    _check_keys(values, path, rules)
    return Config(values)


def _run(path: Path) -> Config:
    if path.suffix != '.py':  # a reader of YAML can make objects of any class; what looks like data must not do that
        raise ValueError(f'{path}: expected a config, a Python file (.py), or a run folder')
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


def _check_kind(config: Mapping[str, Any], path: Path, rules: Mapping[str, Any]) -> None:
    """Raise ValueError for a config that another tool takes."""
    shared = {key: sum(key in kind.rules for kind in schema.KINDS) for key in config}
    own = [kind for kind in schema.KINDS if any(key in kind.rules and shared[key] == 1 for key in config)]
    if own and all(kind.rules is not rules for kind in own) and any(kind.rules is rules for kind in schema.KINDS):
        raise ValueError(f'{path} is the config of {own[0].name}: {own[0].command.format(path)}')


def _text(path: Path) -> str:
    """The text of a run folder's config, of which more than the limit is not read.

    Raises:
        FileNotFoundError: there is none, or it is no file; reading a pipe would wait for ever.
        ValueError: it is no text.
    """
    if not path.is_file():
        raise FileNotFoundError(f'{path.parent} has no file {path.name}, which every run writes')
    try:
        with path.open(encoding='utf-8') as file:
            return file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not a text in UTF-8 ({error}); it is not what a run wrote') from error


def _values(content: Any, source: str | Path) -> dict[str, Any]:
    """What came with data as plain values by key."""
    try:
        values = read_assignments(content) if isinstance(content, str) else plain(content)
    except ValueError as error:
        raise ValueError(
            f'{source}: its config is not read: {error}. A config that came with data is values, and never runs; what '
            'you wrote yourself runs from a file of another name, given as the config'
        ) from error
    if not isinstance(values, dict):
        raise ValueError(f'{source}: its config is {type(values).__name__}, expected values by key')
    return values


def _check_keys(values: Mapping[str, Any], source: str | Path, rules: Mapping[str, Any]) -> None:
    """Raise ValueError for a key that no config of this kind has; mmengine reads some of them as commands."""
    for key in values:
        if key not in rules:
            raise ValueError(f'{source}: its config has the key {key!r}{did_you_mean(key, rules)}')


def _import_plugins(
    config: Config, options: MutableMapping[str, Any], folder: Path, untrusted: str | None = None
) -> None:
    """Import bundled and custom plugins; paths of files are read from the config's folder and kept absolute.

    Args:
        options: `custom_imports` among them, which the person typed, wins, and is followed.
        untrusted: names where the config is from, if it is not the person's.
    """
    discover_plugins()
    modules = options.get('custom_imports', config.get('custom_imports', ()))
    if not isinstance(modules, list | tuple) or not all(isinstance(name, str) for name in modules):
        raise ValueError(f"custom_imports: expected a list like ['my_part.py'], got {modules!r}")
    modules = [str((folder / name).resolve()) if name.endswith('.py') else name for name in modules]
    if untrusted is not None and 'custom_imports' not in options:
        require_trust(modules, untrusted)
    import_custom(modules)
    if modules:
        config.custom_imports = modules
        options.pop('custom_imports', None)


def _needs_sample_scale(path: Path, config: Config, options: Mapping[str, Any]) -> bool:
    """Whether there are no photographs; what a run without any wrote down is of that scale, or was asked otherwise."""
    data = config.get('data', {})
    root = data.get('root') if isinstance(data, Mapping) else None
    if path.name == RUN_CONFIG and root is None:
        return False
    return options.get('data.root', root) is None


def _sample_options(config: Config) -> dict[str, Any]:
    """The sample scale as options, without those that this config's parts do not take."""
    options = flatten(Config.fromfile(CONFIGS / SAMPLE_OVERRIDES).to_dict())  # never one of the working folder
    try:
        takes_weights = 'weights' in ENCODERS.options(config.model.encoder.type)
    except (AttributeError, ValueError):  # it is told where the config is checked
        takes_weights = False
    if not takes_weights:
        options.pop('model.encoder.weights', None)
    return options
