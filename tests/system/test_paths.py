"""Configs are found from any working folder, by any of the names that people type."""

import subprocess
import sys
from pathlib import Path

import pytest

from toolbox.system.paths import CONFIGS, REPOSITORY, find_config

RECIPE = CONFIGS / 'unetpp_cbam_b4.py'


@pytest.mark.parametrize(
    'name', ['unetpp_cbam_b4', 'unetpp_cbam_b4.py', 'configs/unetpp_cbam_b4', './configs/unetpp_cbam_b4.py']
)
def test_shipped_config_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == RECIPE


def test_paths_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / 'mine' / 'idea.v2.py'
    own.parent.mkdir()
    own.touch()
    for name in ('mine/idea.v2.py', 'mine/idea.v2', str(own)):
        assert find_config(name) == own


def test_the_working_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / RECIPE.name).touch()
    assert find_config(f'configs/{RECIPE.name}') == tmp_path / 'configs' / RECIPE.name
    assert find_config(RECIPE.name) == RECIPE


def test_a_run_folder_stands_for_its_config(tmp_path: Path) -> None:
    (tmp_path / 'config.py').touch()
    assert find_config(str(tmp_path)) == tmp_path / 'config.py'


@pytest.mark.parametrize('name', ['unetp_cbam_b4', 'configs/unetpp_cbma_b4.py', 'configs/unetppcbamb4'])
def test_near_misses(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r'did you mean configs/unetpp_cbam_b4\.py\? Shipped: .*unetpp_cbam_b4'):
        find_config(name)


@pytest.mark.parametrize('name', ['', '.', 'zzz', 'configs', '/'])
def test_no_config(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r'no config .*Shipped: configs/'):
        find_config(name)


def test_fragments_are_found_but_not_offered() -> None:
    assert find_config('_base_/data') == CONFIGS / '_base_' / 'data.py'
    with pytest.raises(FileNotFoundError) as error:
        find_config('zzz')
    assert '_base_' not in str(error.value)


def test_needs_the_standard_library_alone() -> None:
    """Without site-packages: nothing else can be imported there."""
    script = (
        'import sys; sys.path.insert(0, sys.argv[1]); import toolbox.system.paths as p; p.find_config("_base_/data")'
    )
    subprocess.run([sys.executable, '-S', '-c', script, str(REPOSITORY)], check=True)
