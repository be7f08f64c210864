"""Who may import whom (docs/architecture.md), read from the files; and what the tools load to print their help."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolbox.discovery import discover_plugins
from toolbox.paths import REPOSITORY
from toolbox.registry import KINDS

discover_plugins()

# A file or folder -> the parts of the project that it may import. The most specific entry counts.
_PARTS_FOR_PLUGINS = (
    'contracts registry nn color imageio checks scoring rng neighbors drawn_shapes lossy_holes mask_files'
)
_FOR_PLUGINS = tuple(f'toolbox.{part}' for part in _PARTS_FOR_PLUGINS.split())
_TOOLS = ('apis', 'cli', 'files', 'options', 'paths', 'data.sources', 'report', 'tables', 'web')
_FOR_TOOLS = tuple(f'toolbox.{part}' for part in _TOOLS)
# The page asks `infer`; it knows no networks.
_FOR_WEB = tuple(
    f'toolbox.{part}'
    for part in ('web', 'infer', 'imageio', 'mask_files', 'interruption', 'data.sources', 'models', 'apis.models')
) + ('toolbox.apis.infer_request',)
ALLOWED = {
    'toolbox': ('toolbox',),
    'toolbox/color.py': (),
    'toolbox/rng.py': (),
    'toolbox/imageio.py': ('toolbox.tones', 'toolbox.formats', 'toolbox.files', 'toolbox.words'),
    'toolbox/files.py': (),
    'toolbox/locks.py': ('toolbox.files',),
    'toolbox/words.py': (),
    'toolbox/tones.py': (),
    'toolbox/formats.py': (),
    'toolbox/drawn_shapes.py': (),
    'toolbox/fitted_shapes.py': ('toolbox.drawn_shapes',),
    'toolbox/gray_evidence.py': (),
    'toolbox/lossy_holes.py': ('toolbox.fitted_shapes', 'toolbox.gray_evidence'),
    'toolbox/mask_files.py': ('toolbox.imageio', 'toolbox.tones'),
    'toolbox/paths.py': (),
    'toolbox/literals.py': (),
    'toolbox/registry.py': ('toolbox.annotations', 'toolbox.words'),
    'toolbox/annotations.py': (),
    'toolbox/names.py': (),
    'toolbox/contracts.py': ('toolbox.color',),
    'toolbox/nn': tuple(f'toolbox.{part}' for part in ['nn', 'contracts', 'registry', 'words', 'color', 'scoring']),
    'toolbox/scoring': ('toolbox.scoring', 'toolbox.color'),
    'toolbox/checks': _FOR_PLUGINS,
    'toolbox/templates': _FOR_PLUGINS,
    'toolbox/web': _FOR_WEB,
    'plugins': _FOR_PLUGINS,
    'tools': _FOR_TOOLS,
}
# A file or folder -> the packages besides the standard library that it may import when it is itself imported.
# Everything heavier is imported inside the functions that use it.
LOADED_AT_ONCE = {
    'toolbox/color.py': {'torch', 'numpy'},
    'toolbox/rng.py': {'numpy'},
    'toolbox/imageio.py': {'numpy', 'PIL'},
    'toolbox/tones.py': {'numpy', 'PIL'},
    'toolbox/formats.py': {'PIL'},
    'toolbox/drawn_shapes.py': {'numpy', 'PIL'},
    'toolbox/fitted_shapes.py': {'numpy'},
    'toolbox/gray_evidence.py': {'numpy'},
    'toolbox/lossy_holes.py': {'numpy'},
    'toolbox/mask_files.py': {'numpy'},
    'toolbox/paths.py': set(),
    'toolbox/literals.py': set(),
    'toolbox/contracts.py': {'torch', 'numpy'},
    'toolbox/registry.py': {'mmengine'},
    'toolbox/annotations.py': set(),
    'toolbox/names.py': set(),
    'toolbox/words.py': set(),
    'toolbox/system': set(),
    'toolbox/data/csv_files.py': set(),
    'toolbox/data/walking.py': set(),
    'toolbox/discovery.py': set(),
    'toolbox/data/manifest.py': {'numpy'},
    'toolbox/data/sources.py': {'numpy'},
    'toolbox/checks': {'torch', 'numpy'},
    'toolbox/nn': {'torch', 'numpy'},
    'toolbox/templates': {'torch', 'numpy', 'PIL'},
    'plugins': {'torch', 'numpy', 'PIL'},
    'toolbox/web': {'numpy', 'PIL'},
    'toolbox/web/page.py': {'gradio'},
    'toolbox/web/actions.py': {'numpy', 'PIL', 'gradio'},
    'toolbox/web/server.py': set(),
    'tools': set(),
}
# What `toolbox` may name all the same: a word of its own.
NAMED = {'none'}
FILES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in ('toolbox', 'plugins', 'tools')
    for path in (REPOSITORY / folder).rglob('*.py')
)
TOOLS = sorted(path.name for path in (REPOSITORY / 'tools').glob('*.py'))


def imports(file: str, inside_functions: bool = True) -> Iterator[str]:
    """Dotted names of the modules that a file imports."""
    waiting: list[ast.AST] = [ast.parse((REPOSITORY / file).read_text(encoding='utf-8'))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{file}, line {node.lineno}: relative import'
            yield from (f'{node.module}.{alias.name}' for alias in node.names)
        elif inside_functions or not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)


def rule(rules: dict, file: str) -> tuple | set | None:
    """The entry for a file, or for the innermost of its folders that has one."""
    path = Path(file)
    return next((rules[part.as_posix()] for part in (path, *path.parents) if part.as_posix() in rules), None)


@pytest.mark.parametrize('file', FILES)
def test_imports_from_the_project(file: str) -> None:
    of_project = [name for name in imports(file) if name.partition('.')[0] in ('toolbox', 'plugins', 'tools', 'tests')]
    allowed = rule(ALLOWED, file)
    assert [name for name in of_project if not f'{name}.'.startswith(tuple(f'{part}.' for part in allowed))] == []


@pytest.mark.parametrize('file', [file for file in FILES if rule(LOADED_AT_ONCE, file) is not None])
def test_heavy_packages_load_where_they_are_used(file: str) -> None:
    loaded = {name.partition('.')[0] for name in imports(file, inside_functions=False)}
    assert loaded - set(sys.stdlib_module_names) - {'toolbox'} <= rule(LOADED_AT_ONCE, file)


@pytest.mark.parametrize('file', [file for file in FILES if file.startswith(('toolbox/data/', 'toolbox/engine/'))])
def test_jobs_call_the_engine_not_the_other_way_round(file: str) -> None:
    assert [name for name in imports(file) if name.startswith('toolbox.apis')] == []


# Benchmarks measure parts, by their names.
@pytest.mark.parametrize('file', [f for f in FILES if f.startswith('toolbox/') and '/benchmark/' not in f])
def test_toolbox_names_no_plugin(file: str) -> None:
    plugins = {name for registry in KINDS.values() for name in registry.module_dict} - NAMED
    tree = ast.parse((REPOSITORY / file).read_text(encoding='utf-8'))
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert strings & plugins == set()


@pytest.mark.parametrize('tool', TOOLS)
def test_help_loads_no_heavy_package(tool: str, tmp_path: Path) -> None:
    """From another folder, and as `python tools/x.py` starts it: with tools/ first on the path."""
    script = (
        'import runpy, sys\n'
        'sys.path[0], sys.argv = sys.argv[1], [sys.argv[1] + "/" + sys.argv[2], "--help"]\n'
        'try:\n    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n    print({"torch", "numpy", "mmengine", "PIL"} & set(sys.modules))'
    )
    command = [sys.executable, '-c', script, str(REPOSITORY / 'tools'), tool]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.startswith('usage:')
    assert result.stdout.endswith('set()\n')
    assert (result.returncode, result.stderr) == (0, '')
