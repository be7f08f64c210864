"""One registry per kind of plugin.

Built on mmengine's `Registry`, with four differences that a person who types a config feels: an unknown type is an
error that suggests the nearest name (mmengine tries to import a dotted path instead), an unknown option is an error
that lists the known ones, a value of another type than its parameter's annotation is an error that names it, and a
value that only the program knows cannot come from a config.
"""

import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mmengine.registry import Registry

from toolbox.system.annotations import fits, in_words, parameter_types
from toolbox.system.words import did_you_mean

_OWN_CODE = tuple(str(Path(__file__).resolve().parents[2] / folder) for folder in ('toolbox', 'plugins'))

# Files that discovery could not import, and why. An unknown type may live in one of them.
import_failures: dict[str, str] = {}

_files_closed = ContextVar('_files_closed', default=False)


@contextmanager
def without_files() -> Iterator[None]:
    """Within, parts are built without the files that their options name: pretrained weights, folders of masks.

    For configs that came with data: a checkpoint fills the networks itself, and what else it names is not to be opened.
    A part says in `file_options` which of its options those are; if it says nothing, one called `weights`. They become
    None; where the part cannot do without, building it is an error.
    """
    token = _files_closed.set(True)
    try:
        yield
    finally:
        _files_closed.reset(token)


class PluginRegistry(Registry):
    """The plugins of one kind.

    Args:
        kind: the folder under `plugins/`, which is also the kind's name.
        config_key: where a config names one, such as `model.encoder`; `model.losses.0` is the first of a list.
        program_values: constructor arguments that the program supplies and a config may not.
        placement: keys that stand beside a plugin's options in a config and are the program's to read, with their types
            where they are to be checked.
    """

    def __init__(
        self,
        kind: str,
        config_key: str = '',
        program_values: tuple[str, ...] = (),
        placement: Mapping[str, Any] | Iterable[str] = (),
    ) -> None:
        super().__init__(kind, scope='huefill')
        self.config_key = config_key
        self.program_values = program_values
        self.placement = dict(placement) if isinstance(placement, Mapping) else dict.fromkeys(placement, Any)

    def get(self, key: str) -> type:
        """The class registered as `key`; ValueError names the nearest one."""
        found = self.module_dict.get(key) if isinstance(key, str) else None
        if found is None:
            message = f'no plugin {key!r} of kind {self.name!r}{did_you_mean(key, self.module_dict)}'
            if import_failures:
                reasons = '\n'.join(f'  {path}: {why}' for path, why in import_failures.items())
                message += f'\nThese plugin files could not be imported:\n{reasons}'
            raise ValueError(message)
        return found

    def options(self, key: str) -> dict[str, inspect.Parameter]:
        """The named options of a plugin, in order, without what the program supplies."""
        parameters = inspect.signature(self.get(key)).parameters.values()
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return {p.name: p for p in parameters if p.kind in named and p.name not in self.program_values}

    def expected_type(self, key: str, option: str) -> Any:
        """The annotation of a plugin's option, or the type of a placement; Any where there is none."""
        return {**parameter_types(self.get(key)), **self.placement}.get(option, Any)

    def check(self, config: object, where: str = '') -> None:
        """Raise ValueError, naming the place in the config, unless `build` would accept it."""
        where = where or self.name
        if not isinstance(config, Mapping) or 'type' not in config:
            raise ValueError(
                f"{where}: expected dict(type='...'), got {config!r}. Known types: {', '.join(self.module_dict)}"
            )
        try:
            options = self.options(config['type'])
        except ValueError as error:
            raise ValueError(f'{where}.type: {error}') from None
        for key in config:
            if key in options or key in self.placement:
                expected = self.expected_type(config['type'], key)
                if not fits(config[key], expected):
                    raise ValueError(
                        f'{where}.{key}: {config["type"]} takes {in_words(expected)} here, got {config[key]!r}'
                    )
                continue
            if key == 'type':
                continue
            if key in self.program_values:
                raise ValueError(f'{where}.{key}: this value is set by the program; remove it from the config')
            hint = did_you_mean(key, [*options, *self.placement])
            raise ValueError(f'{where}.{key}: {config["type"]} takes no option {key!r}{hint}')
        for name, parameter in options.items():
            if parameter.default is inspect.Parameter.empty and name not in config:
                raise ValueError(f'{where}: {config["type"]} needs a value for {name!r}')

    def build(self, config: Mapping[str, Any], **program_values: Any) -> Any:
        """Make the plugin that `config` asks for: ``build(dict(type='SE', reduction=8), channels=448)``.

        A plugin gets those of the program's values that its constructor names.
        """
        self.check(config)
        plugin = self.get(config['type'])
        named = inspect.signature(plugin).parameters
        supplied = {key: value for key, value in program_values.items() if key in named}
        options = {key: value for key, value in config.items() if key != 'type' and key not in self.placement}
        if _files_closed.get():
            options |= _closed(plugin, options, f'{self.name}: {config["type"]}')
        try:
            return plugin(**supplied, **options)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, ValueError) and _is_ours(error):  # it has its repair
                if config['type'] in str(error):
                    raise
                raise ValueError(f'{config["type"]}, of kind {self.name}: {error}') from error
            shown = ', '.join(f'{key}={value!r}' for key, value in options.items())
            raise ValueError(
                f'{config["type"]}({shown}), of kind {self.name}, cannot be built: {type(error).__name__}: {error}'
            ) from error


def _is_ours(error: BaseException) -> bool:
    """Whether our own code raised an error, and no library that it called."""
    return traceback.extract_tb(error.__traceback__)[-1].filename.startswith(_OWN_CODE)


def _closed(plugin: type, options: Mapping[str, Any], what: str) -> dict[str, None]:
    """None for each of a plugin's options that name files.

    Raises:
        ValueError: the plugin needs one of them.
    """
    parameters = inspect.signature(plugin).parameters
    names = getattr(plugin, 'file_options', {'weights'} & parameters.keys())
    for name in names:
        if parameters[name].default is inspect.Parameter.empty:
            raise ValueError(f'{what} reads files ({name}={options[name]!r}), and a model from a checkpoint opens none')
    return dict.fromkeys(names)


ENCODERS = PluginRegistry('encoders', 'model.encoder', program_values=('in_channels',))
ATTENTION = PluginRegistry(
    'attention', 'model.attention', program_values=('channels',), placement={'at': str | int | Sequence[int]}
)
DECODERS = PluginRegistry('decoders', 'model.decoder', program_values=('channels', 'strides', 'in_channels', 'stride'))
LAYOUTS = PluginRegistry('layouts', 'model.layout', program_values=('make_network',))
LOSSES = PluginRegistry('losses', 'model.losses.0', placement={'on': str, 'weight': float, 'start': int, 'ramp': int})
MASKS = PluginRegistry('masks', 'data.mask')
FILLS = PluginRegistry('fills', 'data.fill')
FINDERS = PluginRegistry('finders', 'data.finder')
POSTPROCESS = PluginRegistry('postprocess', 'model.postprocess.0')
METRICS = PluginRegistry('metrics', 'metrics.0')
EMBEDDERS = PluginRegistry('embedders', 'embedder')
REDUCERS = PluginRegistry('reducers', 'reducer', program_values=('seed',))
DETECTORS = PluginRegistry('detectors', 'detector', program_values=('seed',))

KINDS: dict[str, PluginRegistry] = {
    registry.name: registry
    for registry in (
        *(ENCODERS, ATTENTION, DECODERS, LAYOUTS, LOSSES, MASKS, FILLS, FINDERS, POSTPROCESS, METRICS),
        *(EMBEDDERS, REDUCERS, DETECTORS),
    )
}
