"""The wheel holds the configs and all plugins, and finds them from any working folder."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from toolbox.paths import CONFIGS, REPOSITORY

PACKAGED = ('toolbox', 'plugins', 'configs')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since setuptools leaves a build folder behind."""
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for folder in PACKAGED:
        shutil.copytree(REPOSITORY / folder, source / folder, ignore=shutil.ignore_patterns('__pycache__'))
    for file in ('setup.py', 'pyproject.toml', 'LICENSE'):
        shutil.copy(REPOSITORY / file, source)
    options = ['--quiet', '--no-build-isolation', '--no-deps', '--no-index', '--disable-pip-version-check']
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', *options, '--wheel-dir', out, source], check=True)
    return next(out.glob('huefill-*.whl'))


def test_wheel_holds_each_file(wheel: Path) -> None:
    files = [path.relative_to(REPOSITORY) for folder in PACKAGED for path in (REPOSITORY / folder).rglob('*.*')]
    expected = {
        path.as_posix() if path.parts[0] != 'configs' else f'toolbox/{path.as_posix()}'
        for path in files
        if '__pycache__' not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if '.dist-info/' not in name}
        assert any(name.endswith('LICENSE') for name in archive.namelist())
    assert found == expected


def test_installed_copy_finds_configs_and_plugins(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / 'site')
    script = (
        'import json, sys; sys.path.insert(0, sys.argv[1]); '
        'from toolbox.paths import find_config; from toolbox.discovery import discover_plugins; '
        'from toolbox.registry import KINDS, import_failures; discover_plugins(); '
        'plugins = {kind: len(registry.module_dict) for kind, registry in KINDS.items()}; '
        'print(json.dumps([str(find_config("unetpp_cbam_b4")), plugins, import_failures]))'
    )
    command = [sys.executable, '-c', script, str(tmp_path / 'site')]
    config, plugins, failures = json.loads(subprocess.check_output(command, cwd=tmp_path, text=True))
    assert config == str(tmp_path / 'site' / 'toolbox' / 'configs' / 'unetpp_cbam_b4.py')
    assert Path(config).read_text() == (CONFIGS / 'unetpp_cbam_b4.py').read_text()
    assert all(plugins.values())
    assert failures == {}
