"""The identity of the code that a training runs."""

import pytest

from toolbox.system import environment
from toolbox.system.environment import code_version, imported_files
from toolbox.system.paths import REPOSITORY

FILES = {
    'toolbox/__init__.py': '',
    'toolbox/training/train.py': 'from toolbox.data import splits\ndef f():\n    from toolbox.nn.network import Net\n',
    'toolbox/data/__init__.py': '',
    'toolbox/data/splits.py': 'import toolbox.data.folds\n',
    'toolbox/data/folds.py': '',
    'toolbox/nn/network.py': 'Net = object\n',
    'toolbox/report/page.py': 'from toolbox.data import splits\n',
    'plugins/losses/l1.py': 'from toolbox.nn.loss import ImageLoss\n',
    'toolbox/nn/loss.py': 'ImageLoss = object\n',
}
UNUSED = ('toolbox/__init__.py', 'toolbox/report/page.py')


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(environment, 'REPOSITORY', tmp_path)
    return tmp_path


@pytest.mark.parametrize('file', [name for name in FILES if name not in UNUSED])
def test_what_a_training_imports_changes_the_identity(checkout, file):
    before = code_version()
    (checkout / file).write_text(FILES[file] + '# changed\n')
    assert code_version() != before


def test_a_report_does_not(checkout):
    before = code_version()
    (checkout / 'toolbox/report/page.py').write_text('# changed\n')
    assert code_version() == before
    custom = checkout / 'mine.py'
    custom.write_text('# mine\n')
    assert code_version([str(custom)]) != before


def test_it_follows_the_real_imports():
    entry = REPOSITORY / 'toolbox/training/train.py'
    found = {file.relative_to(REPOSITORY).as_posix() for file in imported_files([entry])}
    assert {'toolbox/training/trainer.py', 'toolbox/data/splits.py', 'toolbox/data/loaders.py'} <= found
    assert {'toolbox/nn/network.py', 'toolbox/scoring/score.py', 'toolbox/images/io.py'} <= {
        *found,
        *(file.relative_to(REPOSITORY).as_posix() for file in imported_files((REPOSITORY / 'plugins').rglob('*.py'))),
    }
    assert not any(name.startswith(('toolbox/report', 'toolbox/web', 'toolbox/experiment')) for name in found)
