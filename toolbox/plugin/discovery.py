"""Finds plugins: every file under `plugins/<kind>/`, entry points of group `toolbox.plugins`, and `custom_imports`.

A plugin file registers its classes when it is imported. A file that cannot be imported does not stop the others; its
reason is kept and shown where it matters: when a type is asked for that nobody registered, and by
`tools/plugins.py list`.
"""

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from toolbox.plugin import registry
from toolbox.system.paths import REPOSITORY

_ENTRY_POINT_GROUP = 'toolbox.plugins'
_PLUGINS = REPOSITORY / 'plugins'
_discovered = False
# Custom modules that were imported because the person's own config, command line or consent names them.
_followed: set[str] = set()


def discover_plugins() -> None:
    """Import the bundled plugins and those of installed packages, once per process."""
    global _discovered
    if _discovered:
        return
    plugins = importlib.import_module('plugins')
    folders = [Path(folder).resolve() for folder in plugins.__path__] if hasattr(plugins, '__path__') else []
    if _PLUGINS not in folders:
        raise ValueError(
            f'{", ".join(map(str, folders)) or plugins.__file__} is imported as `plugins`, in place of {_PLUGINS} of '
            'Huefill; rename it, or start from another folder'
        )
    _discovered = True
    for module in sorted(_modules_below(plugins.__path__, 'plugins.')):
        _import_or_note(module, module.replace('.', '/') + '.py')
    for entry in sorted(metadata.entry_points(group=_ENTRY_POINT_GROUP), key=lambda entry: entry.value):
        _import_or_note(entry.value.partition(':')[0], f'entry point {entry.name} = {entry.value}')


def import_custom(modules: Iterable[str]) -> None:
    """Import what a config lists as `custom_imports`: module names, or paths of Python files.

    Raises:
        ValueError: what was asked for by name must be there, and importable.
    """
    for name in modules:
        try:
            if name.endswith('.py'):
                _import_file(Path(name))
            else:
                importlib.import_module(name)
        except Exception as error:
            raise ValueError(
                f'custom_imports: {name!r} could not be imported: {_reason(error)}. '
                'Give the path of a .py file, or the name of a module on the Python path'
            ) from error
        _followed.add(name)


def require_trust(modules: Iterable[str], source: str) -> None:
    """Raise ValueError unless all that a config of somebody else wants imported was imported for the person before.

    Args:
        modules: its `custom_imports`, files by their absolute paths.
        source: names where it is from.
    """
    strange = [name for name in modules if name not in _followed]
    if strange:
        raise ValueError(
            f'{source} asks for plugins from outside Huefill (custom_imports): {", ".join(map(repr, strange))}. They '
            'are programs, and would run with your rights. Look at them; if you trust them, add --trust-plugins'
        )


def _modules_below(path: Iterable[str], prefix: str) -> list[str]:
    """Modules in the folders of a package, the folders needing no `__init__.py`."""
    names = []
    for folder in map(Path, path):
        for kind in registry.KINDS:
            names += [f'{prefix}{kind}.{module.name}' for module in pkgutil.iter_modules([str(folder / kind)])]
    return names


def _import_or_note(module: str, shown_as: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a plugin file does wrong, the other plugins must stay usable
        registry.import_failures[shown_as] = _reason(error)


def _import_file(path: Path) -> None:
    path = path.resolve(strict=True)
    name = f'huefill_custom_{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:8]}'
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _reason(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'
