"""What `tools/plugins.py` does: list plugins, show one, write a new one from a template, check contracts."""

import inspect
import keyword
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from toolbox.plugin.discovery import discover_plugins, import_custom
from toolbox.plugin.registry import KINDS, PluginRegistry, import_failures
from toolbox.system.files import write_text
from toolbox.system.paths import REPOSITORY, command
from toolbox.system.words import did_you_mean

_TEMPLATES = Path(__file__).resolve().parent / 'templates'


def list_plugins(kind: str | None = None) -> str:
    """Every plugin of a kind, or of all: name, where from, and the first line of its docstring.

    Ends with the plugin files that could not be imported, and why.
    """
    discover_plugins()
    kinds = KINDS if kind is None else {kind: _registry(kind)}
    blocks = [_kind_block(registry) for registry in kinds.values()]
    if import_failures:
        reasons = (f'  {path}\n      {why}' for path, why in import_failures.items())
        blocks.append('\n'.join(['could not be imported:', *reasons]))
    return '\n\n'.join(blocks)


def show_plugin(kind: str, name: str) -> str:
    """Signature, docstring (with the source of the method), options with their defaults and meaning, and the file."""
    discover_plugins()
    registry = _registry(kind)
    plugin = registry.get(name)
    about, meanings = _split_docstring(_docstring(plugin))
    lines = [f'{name}{inspect.signature(plugin)}', '', about, '', 'Options:']
    options = registry.options(name)
    for option in options.values():
        default = '(required)' if option.default is option.empty else f'= {option.default!r}'
        lines.append(f'  {option.name} {default}')
        if option.name in meanings:
            lines.append(f'      {meanings[option.name]}')
    if not options:
        lines.append('  none')
    lines += ['', f'File: {_file(plugin)}', f'Use:  --cfg-options {registry.config_key}.type={name}']
    return '\n'.join(lines)


def new_plugin(kind: str, name: str, repository: Path = REPOSITORY) -> str:
    """Write `plugins/<kind>/<name>.py` and its test from the kind's template, and say what to do next.

    Raises:
        ValueError: no such kind, no such name for a class, or a name that is taken.
        FileExistsError: nothing is overwritten.
    """
    discover_plugins()
    registry = _registry(kind)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f'{name!r} cannot name a class; choose letters, digits and _, like SharpEdges')
    taken = {known.lower(): known for known in registry.module_dict}
    if name.lower() in taken:
        raise ValueError(f'{kind} has {taken[name.lower()]} already ({_file(registry.get(taken[name.lower()]))})')
    module = snake_case(name)
    part = repository / 'plugins' / kind / f'{module}.py'
    test = repository / 'tests' / 'plugins' / f'test_{module}.py'
    texts = {
        part: _template(kind).replace('MyPart', name).replace('my_part', module),
        test: _TEST.format(kind=kind, name=name, module=module),
    }
    for path in texts:
        if path.exists():
            raise FileExistsError(f'{path} exists; choose another name or remove the file')
    for path, text in texts.items():
        write_text(path, text)
    return _THREE_STEPS.format(
        part=part, test=test, kind=kind, name=name, key=registry.config_key, command=command('plugins')
    )


def check_plugins(
    kind: str | None = None, name: str | None = None, file: str | None = None, say: Callable[[str], None] = print
) -> int:
    """Check plugins against the contract of their kind and say in words what is violated.

    Args:
        kind: its plugins alone; None for all.
        name: this one alone.
        file: a plugin file outside the repository; without a name, what it registers is checked.
        say: told each plugin's result.

    Returns:
        How many plugins violate their contract or could not be imported.
    """
    discover_plugins()
    chosen = _chosen(kind, name, file)
    failed = sum(not _passes(kind, name, say) for kind, name in chosen)
    if name is None and file is None:
        for path, why in import_failures.items():
            say(f'FAIL  {path}\n        - cannot be imported: {why}')
        failed += len(import_failures)
    say(f'{len(chosen)} checked, {failed or "none"} failed')
    return failed


def snake_case(name: str) -> str:
    """The module name of a class: `MaskedSSIM` -> `masked_ssim`."""
    return re.sub(r'(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', '_', name).lower()


def _registry(kind: str) -> PluginRegistry:
    if kind not in KINDS:
        raise ValueError(f'no kind of plugin {kind!r}{did_you_mean(kind, KINDS)}')
    return KINDS[kind]


def _chosen(kind: str | None, name: str | None, file: str | None) -> list[tuple[str, str]]:
    """Kinds and names to check, once the file is imported."""
    if file is not None:
        if not Path(file).is_file():
            raise FileNotFoundError(f'no file {file}; give the path of a Python file that registers a plugin')
        import_custom([file])
    if name is not None:
        _registry(kind).get(name)
        return [(kind, name)]
    registries = KINDS.values() if kind is None else [_registry(kind)]
    chosen = [
        (registry.name, name)
        for registry in registries
        for name, plugin in sorted(registry.module_dict.items())
        if file is None or _path(plugin) == Path(file).resolve()
    ]
    if not chosen:
        where, what = file or 'Huefill', f'plugin of kind {kind}' if kind else 'plugin'
        raise ValueError(f'{where} registers no {what}; decorate a class with @ATTENTION.register_module() or the like')
    return chosen


def _passes(kind: str, name: str, say: Callable[[str], None]) -> bool:
    from toolbox.plugin.checks import check_plugin

    with tempfile.TemporaryDirectory() as folder:
        problems = check_plugin(kind, name, Path(folder))
    say('\n        - '.join([f'{"FAIL" if problems else "pass"}  {kind} {name}', *problems]))
    return not problems


def _kind_block(registry: PluginRegistry) -> str:
    rows = [
        (name, _origin(plugin), _docstring(plugin).partition('\n')[0])
        for name, plugin in sorted(registry.module_dict.items(), key=lambda item: item[0].lower())
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f'  {name:{widths[0]}}  {origin:{widths[1]}}  {summary}' for name, origin, summary in rows]
    return '\n'.join([f'{registry.name}  ({registry.config_key}.type)', *lines])


def _template(kind: str) -> str:
    template = _TEMPLATES / f'{kind}.py'
    if not template.is_file():
        raise FileNotFoundError(f'kind {kind} has no template yet; start from a copy of a file in plugins/{kind}/')
    return template.read_text(encoding='utf-8')


def _origin(plugin: type) -> str:
    """`bundled`, the package that brought it, or its file."""
    package = plugin.__module__.partition('.')[0]
    if package == 'plugins':
        return 'bundled'
    return _file(plugin) if package.startswith('huefill_custom_') else package


def _file(plugin: type) -> str:
    path = _path(plugin)
    return str(path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path)


def _path(plugin: type) -> Path:
    return Path(sys.modules[plugin.__module__].__file__).resolve()


def _docstring(plugin: type) -> str:
    """Its own, not that of a base class."""
    return inspect.cleandoc(plugin.__doc__ or 'No docstring.')


def _split_docstring(docstring: str) -> tuple[str, dict[str, str]]:
    """The docstring without its `Args:` section, and the meanings of the arguments in that section."""
    section = re.search(r'^Args:\n((?: +.*\n?|\n)*)', docstring, re.MULTILINE)
    if section is None:
        return docstring, {}
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(section[1]).splitlines():
        entry = re.match(r'(\w[\w, ]*):\s*(.*)', line)
        if entry:
            names = [name.strip() for name in entry[1].split(',')]
            meanings |= dict.fromkeys(names, entry[2])
        else:  # a continuation line
            meanings |= {name: f'{meanings[name]} {line.strip()}' for name in names}
    return (docstring[: section.start()] + docstring[section.end() :]).rstrip(), meanings


_THREE_STEPS = """\
Wrote {part}
  and {test}

1. Write what the part does, and its first docstring line, in {part}
2. Check it:  {command} check {kind} {name}
3. Use it:    --cfg-options {key}.type={name}   (or in a config)"""

_TEST = '''\
"""{name} beyond the contract of its kind."""

from pathlib import Path

from toolbox.plugin.checks import check_plugin
from toolbox.plugin.discovery import discover_plugins

discover_plugins()


def test_{module}_keeps_its_contract(tmp_path: Path) -> None:
    """`tests/test_contracts.py` asks the same. Ask here for numbers you know: a paper's, or a case worked by hand."""
    assert check_plugin('{kind}', '{name}', tmp_path) == []
'''
