"""The wheel holds configs, tools and all plugins, and brings the command `huefill`, which works in any folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import toolbox
from tests.support import TINY, scene
from toolbox.system.paths import CONFIGS, REPOSITORY

PACKAGED = ('toolbox', 'plugins', 'configs', 'tools')
INSIDE = ('configs', 'tools')  # of toolbox/, in a wheel


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
        path.as_posix() if path.parts[0] not in INSIDE else f'toolbox/{path.as_posix()}'
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
        'from toolbox.system.paths import find_config; from toolbox.plugin.discovery import discover_plugins; '
        'from toolbox.plugin.registry import KINDS, import_failures; discover_plugins(); '
        'plugins = {kind: len(registry.module_dict) for kind, registry in KINDS.items()}; '
        'print(json.dumps([str(find_config("unetpp_cbam_b4")), plugins, import_failures]))'
    )
    command = [sys.executable, '-c', script, str(tmp_path / 'site')]
    config, plugins, failures = json.loads(subprocess.check_output(command, cwd=tmp_path, text=True))
    assert config == str(tmp_path / 'site' / 'toolbox' / 'configs' / 'unetpp_cbam_b4.py')
    assert Path(config).read_text() == (CONFIGS / 'unetpp_cbam_b4.py').read_text()
    assert all(plugins.values())
    assert failures == {}


@pytest.fixture(scope='module')
def huefill(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that has the wheel and sees this one's dependencies."""
    environment = tmp_path_factory.mktemp('environment')
    venv.create(environment, with_pip=False)
    python = environment / 'bin' / 'python'
    options = ['--quiet', '--no-deps', '--no-index', '--disable-pip-version-check']
    subprocess.run([sys.executable, '-m', 'pip', '--python', python, 'install', *options, wheel], check=True)
    folders = subprocess.check_output(
        [python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], text=True
    )
    # Of a path in a .pth file the .pth files are not followed: an editable installation of this checkout stays unseen.
    Path(folders.strip(), 'dependencies.pth').write_text(sysconfig.get_path('purelib') + '\n')
    return environment / 'bin' / 'huefill'


def run(command: Path, *arguments: str, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run([command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_of_a_wheel_names_itself(huefill: Path, tmp_path: Path) -> None:
    assert run(huefill, '--version', cwd=tmp_path) == f'huefill {toolbox.__version__}\n'
    assert run(huefill, 'clean', '--help', cwd=tmp_path).startswith('usage: huefill clean ')
    assert 'restorer_lite0' in run(huefill, 'models', cwd=tmp_path)


def test_a_photograph_is_restored_from_a_wheel_in_any_folder(huefill: Path, tmp_path: Path) -> None:
    Image.fromarray(scene(0, 96, 64)).convert('L').save(tmp_path / 'old.png')
    run(huefill, 'restore', 'old.png', cwd=tmp_path)
    with Image.open(tmp_path / 'restored' / 'old.png') as restored:
        assert (restored.mode, restored.size) == ('RGB', (64, 96))


def test_a_wheel_trains_a_shipped_config_and_says_what_to_type(huefill: Path, tmp_path: Path) -> None:
    options = [*TINY, 'train_cfg.max_epochs=1', 'train_cfg.max_steps=1', 'data.val_size=32']
    said = run(huefill, 'train', 'configs/unetpp_cbam_b4.py', '--cfg-options', *options, cwd=tmp_path)
    assert (tmp_path / 'work_dirs' / 'unetpp_cbam_b4-sample' / '001' / 'best.pth').is_file()
    assert 'huefill test work_dirs/unetpp_cbam_b4-sample/001' in said
