"""Plugins from the folder, from files outside the repository, and from installed packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toolbox.plugin.discovery import import_custom
from toolbox.plugin.registry import ATTENTION
from toolbox.system.paths import REPOSITORY

OWN_BLOCK = """
from torch import nn
from toolbox.plugin.registry import ATTENTION

@ATTENTION.register_module()
class {name}(nn.Identity):
    def __init__(self, channels: int) -> None:
        super().__init__()
"""
PRINT_ATTENTION = (
    'from toolbox.plugin.discovery import discover_plugins; '
    'from toolbox.plugin.registry import ATTENTION, import_failures; '
    'discover_plugins(); print("StripPooling" in ATTENTION.module_dict, "SE" in ATTENTION.module_dict, import_failures)'
)


pytestmark = pytest.mark.usefixtures('unregister_after')


def test_a_file_outside_the_repository(tmp_path: Path) -> None:
    path = tmp_path / 'my-own block.py'
    path.write_text(OWN_BLOCK.format(name='FileBlock'))
    import_custom([str(path)])
    import_custom([str(path)])  # once is enough, twice no error
    assert ATTENTION.build(dict(type='FileBlock'), channels=4)(3) == 3


def test_files_of_one_name(tmp_path: Path) -> None:
    for folder in ('One', 'Two'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'block.py').write_text(OWN_BLOCK.format(name=f'Block{folder}'))
    import_custom([str(tmp_path / 'One' / 'block.py'), str(tmp_path / 'Two' / 'block.py')])
    assert {'BlockOne', 'BlockTwo'} <= set(ATTENTION.module_dict)


def test_a_module_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'huefill_test_module.py').write_text(OWN_BLOCK.format(name='ModuleBlock'))
    monkeypatch.syspath_prepend(tmp_path)
    import_custom(['huefill_test_module'])
    assert 'ModuleBlock' in ATTENTION.module_dict


@pytest.mark.parametrize(
    ('content', 'reason'),
    [('import no_such_thing', 'No module named'), ('1 +', 'SyntaxError'), ('1 / 0', 'ZeroDivisionError')],
)
def test_what_was_asked_for_by_name_must_import(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / 'broken.py'
    path.write_text(content)
    for _ in range(2):  # a failed import leaves nothing that would let the second one pass
        with pytest.raises(ValueError, match=rf'broken\.py.* could not be imported: .*{reason}'):
            import_custom([str(path)])


@pytest.mark.parametrize('name', ['no/such/file.py', 'no_such_module'])
def test_what_was_asked_for_by_name_must_be_there(name: str) -> None:
    with pytest.raises(ValueError, match=rf'{name!r} could not be imported: .*Give the path of a \.py file'):
        import_custom([name])


def test_a_bundled_file_that_breaks_stops_no_other(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / 'toolbox', tmp_path / 'toolbox', ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copytree(REPOSITORY / 'plugins', tmp_path / 'plugins', ignore=shutil.ignore_patterns('__pycache__'))
    (tmp_path / 'plugins' / 'attention' / 'broken.py').write_text('import no_such_thing')
    output = subprocess.check_output([sys.executable, '-c', PRINT_ATTENTION], cwd=tmp_path, text=True)
    assert output.startswith("False True {'plugins/attention/broken.py': \"ModuleNotFoundError: No module named")


@pytest.fixture(scope='module')
def installed_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `examples/external_package` is installed into; built from a copy."""
    source, target = tmp_path_factory.mktemp('source') / 'package', tmp_path_factory.mktemp('site')
    shutil.copytree(REPOSITORY / 'examples' / 'external_package', source)
    options = ['--quiet', '--no-build-isolation', '--no-deps', '--no-index', '--disable-pip-version-check']
    subprocess.run([sys.executable, '-m', 'pip', 'install', *options, '--target', target, source], check=True)
    return target


def test_entry_point_of_an_installed_package(installed_example: Path) -> None:
    script = (
        f'import sys; sys.path.append({str(installed_example)!r}); from toolbox.plugin import managing as plugins; '
        'print(plugins.list_plugins("attention")); plugins.check_plugins("attention", "StripPooling")'
    )
    output = subprocess.check_output([sys.executable, '-c', script], cwd=REPOSITORY, text=True)
    assert '  StripPooling    huefill_strip_pooling  Strip pooling: each pixel' in output
    assert output.endswith('pass  attention StripPooling\n1 checked, none failed\n')


def test_a_broken_installed_package_is_noted(installed_example: Path, tmp_path: Path) -> None:
    site = tmp_path / 'site'
    shutil.copytree(installed_example, site)
    (site / 'huefill_strip_pooling.py').write_text('import no_such_thing')
    script = f'import sys; sys.path.append({str(site)!r}); {PRINT_ATTENTION}'
    output = subprocess.check_output([sys.executable, '-c', script], cwd=REPOSITORY, text=True)
    assert output.startswith("False True {'entry point strip_pooling = huefill_strip_pooling': \"ModuleNotFoundError")
