"""What a shell completes behind `huefill`: configs, config keys, and the names of plugins, without importing torch."""

import argparse
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolbox.system.paths import CONFIGS, REPOSITORY

_RECIPE = CONFIGS / 'unetpp_cbam_b4.py'
_REGISTERED = re.compile(r"^@\w+\.register_module\((?:name='(\w+)')?\)\n(?:@.*\n)*class (\w+)", re.MULTILINE)


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, by argcomplete, and end."""
    import argcomplete

    for action in _actions(parser):
        if action.dest in ('config', 'ablation'):
            action.completer = lambda **_: config_names()
        elif action.dest == 'cfg_options':
            action.completer = lambda prefix, **_: option_words(prefix)
    argcomplete.autocomplete(parser, always_complete_options=False)


def config_names() -> list[str]:
    """The shipped configs as they are typed, like `configs/unetpp_cbam_b4.py`."""
    return sorted(
        f'configs/{path.relative_to(CONFIGS).as_posix()}'
        for path in CONFIGS.rglob('*.py')
        if '_base_' not in path.parts
    )


def option_words(prefix: str) -> list[str]:
    """`K=` for the keys of the published recipe, and `K=V` where V is the name of a part."""
    key, equals, _ = prefix.partition('=')
    if equals and key.endswith('.type'):
        return [f'{key}={name}' for name in plugin_names(key)]
    return [f'{key}=' for key in _keys(_recipe())]


def plugin_names(key: str) -> list[str]:
    """The bundled plugins that a config key like `model.attention.type` or `model.losses.0.type` takes."""
    part = [word for word in key.split('.')[:-1] if not word.isdigit()][-1].removeprefix('val_')
    folders = (REPOSITORY / 'plugins' / part, REPOSITORY / 'plugins' / f'{part}s')
    files = sorted(path for folder in folders for path in folder.glob('*.py'))
    found = (match for path in files for match in _REGISTERED.findall(path.read_text(encoding='utf-8')))
    return [given or name for given, name in found]


def _recipe() -> Mapping[str, Any]:
    from mmengine.config import Config

    return Config.fromfile(_RECIPE).to_dict()


def _keys(values: Any, above: str = '') -> Iterator[str]:
    if isinstance(values, list | tuple) and values and all(isinstance(value, Mapping) for value in values):
        values = {str(index): value for index, value in enumerate(values)}
    if not isinstance(values, Mapping):
        yield above
        return
    for key, value in values.items():
        yield from _keys(value, f'{above}.{key}' if above else key)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
        else:
            yield action
