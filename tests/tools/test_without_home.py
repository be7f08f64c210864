"""Users without a home, as containers run their programs by: no cache that cannot be kept ends in a traceback."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.infer.support import damaged_scene
from tests.support import TINY
from toolbox.images.io import write_png
from toolbox.system.paths import REPOSITORY

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which('setpriv'), reason='needs to start programs as another user (root, setpriv)'
)

NOBODY = 12345  # has no entry in /etc/passwd
QUICK = [*TINY, 'model.decoder.type=Unet', 'model.layout.type=OneStage', 'train_cfg.max_steps=1']
# It may read everything, an interpreter below /root too, and write into its own folder alone.
READS = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']


@pytest.fixture
def own_folder(tmp_path):
    for name in ('own', 'temporary'):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, NOBODY, NOBODY)
    return tmp_path / 'own'


def run(folder, tool, *arguments, **environment):
    who = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', *READS]
    temporary = {'TMPDIR': str(folder.with_name('temporary'))}
    done = subprocess.run(
        [*who, sys.executable, str(REPOSITORY / 'tools' / tool), *arguments],
        cwd=folder,
        env={'PATH': os.environ['PATH'], 'OMP_NUM_THREADS': '1', **temporary, **environment},
        capture_output=True,
        encoding='utf-8',
    )
    if 'Operation not permitted' in done.stderr and 'setpriv' in done.stderr:
        pytest.skip(f'programs cannot be started as another user here: {done.stderr.strip()}')
    assert 'Traceback' not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_home(own_folder):
    listed = run(own_folder, 'plugins.py', 'list', 'encoders')
    assert 'could not be imported' not in listed
    write_png(own_folder / 'photo.png', damaged_scene(0)[0])
    run(own_folder, 'infer.py', '--input', 'photo.png', '--out', 'out', '--device', 'cpu')
    assert sorted(os.listdir(own_folder)) == ['out', 'photo.png']  # no folder of caches, and none called ~
    assert not list(own_folder.with_name('temporary').glob('huefill-*'))
    assert sorted(os.listdir(own_folder / 'out')) == ['infer.json', 'photo.png']


def test_with_a_home_that_cannot_be_written(own_folder):
    run(own_folder, 'train.py', 'unetpp_cbam_b4', '--cfg-options', *QUICK, HOME='/')
    assert (own_folder / 'work_dirs/unetpp_cbam_b4-sample/001/metrics.json').is_file()
