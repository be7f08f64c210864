"""Who may import whom (docs/architecture.md), read from the files; and what the tools load to print their help."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import KINDS
from toolbox.system.paths import REPOSITORY

discover_plugins()

# The rooms, lower ones first -> the rooms that each may import, besides itself. docs/architecture.md shows this table.
# A room is a folder, or a file or folder in one that has a rule of its own.
ROOMS: dict[str, str] = {
    'toolbox/system': '',
    'toolbox/models': '',
    'toolbox/images': 'system',
    'toolbox/plugin': 'system images',
    'toolbox/config': 'system plugin',
    'toolbox/scoring': 'system images plugin',
    'toolbox/nn': 'system images plugin scoring',
    'toolbox/data': 'system images plugin',
    'toolbox/plugin/checks': 'system plugin nn',
    'toolbox/plugin/managing.py': 'system plugin plugin/checks',
    'toolbox/training': 'system models images plugin config scoring nn data',
    'toolbox/cleaning': 'system images plugin config data',
    'toolbox/infer': 'system models images plugin config nn data training',
    'toolbox/experiment': 'system images plugin config scoring nn data training',
    'toolbox/report': 'system models images plugin scoring nn data training cleaning experiment',
    'toolbox/web': 'system models images data infer',
    'toolbox/contracts.py': 'plugin',
    'toolbox/registry.py': 'plugin',
    'toolbox/color.py': 'images',
    'toolbox/apis': 'infer',
    'toolbox/plugin/templates': 'contracts registry nn',
    'plugins': 'contracts registry color images nn scoring plugin/checks system/words data/rng cleaning/remoteness',
    'benchmarks': 'system images plugin config scoring nn data training cleaning infer report',
    'tools': (
        'system config plugin plugin/managing data scoring training cleaning infer experiment report web benchmarks'
    ),
}
# A file or folder -> the packages besides the standard library that it may import when it is itself imported.
# Everything heavier is imported inside the functions that use it.
LOADED_AT_ONCE = {
    'toolbox/system': set(),
    'toolbox/system/bars.py': {'tqdm'},
    'toolbox/images': {'numpy', 'PIL'},
    'toolbox/images/color.py': {'torch', 'numpy'},
    'toolbox/plugin/contracts.py': {'torch', 'numpy'},
    'toolbox/plugin/registry.py': {'mmengine'},
    'toolbox/plugin/discovery.py': set(),
    'toolbox/plugin/checks': {'torch', 'numpy'},
    'toolbox/plugin/templates': {'torch', 'numpy', 'PIL'},
    'toolbox/config/literals.py': set(),
    'toolbox/config/options.py': set(),
    'toolbox/config/differences.py': set(),
    'toolbox/data/rng.py': {'numpy'},
    'toolbox/data/csv_files.py': set(),
    'toolbox/data/walking.py': set(),
    'toolbox/data/manifest.py': {'numpy'},
    'toolbox/data/sources.py': {'numpy'},
    'toolbox/scoring/score_submissions.py': {'numpy'},
    'toolbox/nn': {'torch', 'numpy'},
    'plugins': {'torch', 'numpy', 'PIL'},
    'toolbox/web': {'numpy', 'PIL'},
    'toolbox/web/page.py': {'gradio'},
    'toolbox/web/actions.py': {'numpy', 'PIL', 'gradio'},
    'toolbox/web/server.py': set(),
    'tools': set(),
}
# What `toolbox` may name all the same: a word of its own.
NAMED = {'none'}
PACKAGES = ('toolbox', 'plugins', 'benchmarks', 'tools')
FILES = sorted(
    path.relative_to(REPOSITORY).as_posix() for folder in PACKAGES for path in (REPOSITORY / folder).rglob('*.py')
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


def module_of(file: str) -> str:
    return file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')


MODULES = {module_of(file): file for file in FILES}


def of_project(file: str) -> set[str]:
    """The modules of the project that a file imports, at once or inside functions."""
    own = [name for name in imports(file) if name.partition('.')[0] in PACKAGES]
    return {name if name in MODULES else name.rpartition('.')[0] for name in own}


def room_of(file: str) -> str:
    """The innermost room that a file lies in; '' for the package itself, which says its version."""
    return next((part.as_posix() for part in (Path(file), *Path(file).parents) if part.as_posix() in ROOMS), '')


def allowed_in(room: str) -> list[str]:
    """Rooms, and files of them, as paths."""
    parts = [part if part in PACKAGES else f'toolbox/{part}' for part in ROOMS[room].split()]
    return [part if (REPOSITORY / part).is_dir() else f'{part}.py' for part in parts]


@pytest.mark.parametrize('file', [file for file in FILES if room_of(file)])
def test_a_room_imports_the_rooms_below_it(file: str) -> None:
    room = room_of(file)
    allowed = ['', room, *allowed_in(room)]
    imported = [MODULES[module] for module in of_project(file)]
    assert [other for other in imported if room_of(other) not in allowed and other not in allowed] == []


def test_rooms_are_in_order() -> None:
    """No room may import one that comes later: there is no circle of rooms."""
    for number, room in enumerate(ROOMS):
        before = list(ROOMS)[:number]
        assert [part for part in allowed_in(room) if room_of(part) not in before] == [], room


def test_no_circle_of_modules() -> None:
    left = {module: of_project(file) for module, file in MODULES.items()}
    while leaves := [module for module, imported in left.items() if not imported & set(left)]:
        for module in leaves:
            del left[module]
    assert left == {}


def test_the_plan_shows_the_rooms() -> None:
    """docs/architecture.md has this table, and every folder is a room or in one."""
    lines = (REPOSITORY / 'docs' / 'architecture.md').read_text(encoding='utf-8').splitlines()
    rows = [[cell.strip() for cell in line.split('|')] for line in lines]
    shown = {row[1].strip('`'): row[3] for row in rows if len(row) == 5 and row[1].startswith('`')}
    assert list(shown.items()) == [(room, ', '.join(allowed.split())) for room, allowed in ROOMS.items()]
    assert {file.rsplit('/', 1)[0] for file in FILES if room_of(file) == ''} <= {'toolbox'}


@pytest.mark.parametrize('file', [file for file in FILES if rule(LOADED_AT_ONCE, file) is not None])
def test_heavy_packages_load_where_they_are_used(file: str) -> None:
    loaded = {name.partition('.')[0] for name in imports(file, inside_functions=False)}
    assert loaded - set(sys.stdlib_module_names) - {'toolbox'} <= rule(LOADED_AT_ONCE, file)


@pytest.mark.parametrize('file', [file for file in FILES if file.startswith('toolbox/')])
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


@pytest.mark.parametrize('file', FILES)
def test_a_file_is_read_in_one_go(file: str) -> None:
    """At most 300 lines, and no function over 60, its docstring aside."""
    text = (REPOSITORY / file).read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 300
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = {
        node.name: node.end_lineno - node.lineno - len((ast.get_docstring(node) or '').splitlines())
        for node in functions
    }
    assert {name: lines for name, lines in long.items() if lines >= 60} == {}
