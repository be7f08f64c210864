"""`tools/infer.py` where disks are full, files are damaged, names are odd, and two people have one idea."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infer.support import damaged_scene, save_random_model
from tests.support import filled
from toolbox.images.io import write_png
from toolbox.system.locks import locked
from toolbox.system.paths import REPOSITORY
from tools import infer as infer_tool

NOT_UTF_8 = os.fsdecode(b'caf\xe9.png')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return save_random_model(tmp_path_factory.mktemp('model') / 'best.pth')


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Six photographs below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path('photos')
    folder.mkdir()
    for index in range(6):
        write_png(folder / f'TEST_{index:03d}.png', damaged_scene(index, 32, 32)[0])
    return folder


def infer(*arguments) -> int:
    return infer_tool.main([*map(str, arguments), '--device', 'cpu'])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize('damage', [lambda path: path.write_bytes(b''), cut, flip, Path.unlink])
@pytest.mark.parametrize('damaged', ['out/TEST_002.png', 'masks/TEST_002.png'])
def test_what_is_not_whole_is_not_finished(photos, checkpoint, damage, damaged, capsys):
    arguments = (checkpoint, '--input', 'photos', '--out', 'out', '--save-masks', 'masks', '--batch-size', 2)
    assert infer(*arguments) == 0
    whole = contents(Path('out')), contents(Path('masks'))
    damage(Path(damaged))
    capsys.readouterr()
    assert infer(*arguments, '--resume') == 0
    assert '4 were there already' in capsys.readouterr().out  # the batch of two is made again
    assert (contents(Path('out')), contents(Path('masks'))) == whole


def test_the_record_holds_size_and_digest_of_each_output(photos, checkpoint):
    assert infer(checkpoint, '--input', 'photos', '--out', 'out') == 0
    outputs = json.loads(Path('out/infer.json').read_text(encoding='utf-8'))['outputs']
    assert list(outputs) == sorted(path.name for path in Path('out').glob('*.png'))
    assert all(int(told.split()[0]) == Path('out', name).stat().st_size for name, told in outputs.items())


def record(**changes) -> str:
    return json.dumps({**json.loads(Path('out/infer.json').read_text(encoding='utf-8')), **changes})


@pytest.mark.parametrize(
    ('damaged', 'words'),
    [
        (lambda: '', 'it is empty'),
        (lambda: '{"huefill": "0', 'no JSON'),
        (lambda: '[1]', 'a list where an object is expected'),
        (lambda: '[' * 100_000, 'no JSON'),
        (lambda: record(outputs=[3]), 'outputs is [3], expected dict'),
        (lambda: record(format='new'), "format is 'new'"),
        (lambda: record(format=99), 'written by a newer version of Huefill'),
    ],
)
def test_a_damaged_record_is_told(photos, checkpoint, damaged, words, capsys):
    assert infer(checkpoint, '--input', 'photos', '--out', 'out') == 0
    Path('out/infer.json').write_text(damaged(), encoding='utf-8')
    before = contents(Path('out'))
    assert infer(checkpoint, '--input', 'photos', '--out', 'out', '--resume') == 2
    told = capsys.readouterr().err
    assert told.startswith('error: out/infer.json: ')
    assert words in told
    assert re.search('choose another', told)
    assert told.count('\n') == 1
    assert contents(Path('out')) == before


@pytest.mark.parametrize('room', [0, 8, 16, 28])
@pytest.mark.parametrize('out', ['restored', 'submission.zip'])
def test_a_full_disk_is_said_and_resume_goes_on(room, out, photos, checkpoint, small_disk, capfd):
    assert infer(checkpoint, '--input', 'photos', '--out', out) == 0
    disk = small_disk(512 * 1024)
    capfd.readouterr()
    with filled(disk, room * 1024):
        assert infer(checkpoint, '--input', 'photos', '--out', disk / out) == 2
        told = capfd.readouterr().err
        assert not list(disk.rglob('.*.tmp'))
        csv = [path for path in disk.rglob('*.csv') if not path.read_bytes().endswith(b'\n')]
        assert csv == []
    assert told.count('\n') == 1
    assert re.match(
        rf'error: {disk}/\S+ cannot be written: No space left on device \(its disk has 0.0 MiB free\)', told
    )
    assert told.endswith(
        'make room, or choose another place; what is finished is kept: the same command with --resume goes on\n'
    )
    assert infer(checkpoint, '--input', 'photos', '--out', disk / out, '--resume') == 0
    if out.endswith('zip'):
        assert (disk / out).read_bytes() == Path(out).read_bytes()
    else:
        assert contents(disk / out) == contents(Path(out))


def test_the_zip_finds_no_room_when_all_is_restored(photos, checkpoint, small_disk, capfd):
    """Each photograph was written, their sum is not: nothing of `zipfile` is shown."""
    disk = small_disk(512 * 1024)
    for _ in range(12):  # a bit of room each time, until the photographs are there
        with filled(disk, 3 * 4096):
            capfd.readouterr()
            assert infer(checkpoint, '--input', 'photos', '--out', disk / 'x.zip', '--resume') == 2
            told = capfd.readouterr().err
            assert told.count('\n') == 1
            assert not list(disk.glob('.*.tmp'))
        if told.startswith(f'error: {disk}/x.zip cannot be written: No space left on device'):
            break
    assert told.startswith(f'error: {disk}/x.zip cannot be written')
    assert infer(checkpoint, '--input', 'photos', '--out', disk / 'x.zip', '--resume') == 0
    assert '6 were there already' in capfd.readouterr().out


def test_no_more_open_files_and_no_larger_ones(photos, checkpoint):
    """Limits of a shell are told as what they are."""
    arguments = f'{checkpoint} --input photos --out out --device cpu'
    result = subprocess.run(
        ['bash', '-c', f'ulimit -f 1; exec {sys.executable} {REPOSITORY}/tools/infer.py {arguments}'],
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert 'File too large; raise the limit on the size of a file (ulimit -f)' in result.stderr
    assert 'Traceback' not in result.stderr


@pytest.mark.parametrize('out', ['out', 'out.zip'])
def test_a_second_job_on_one_out_is_refused(photos, checkpoint, out, capsys):
    folder = Path('.out.zip.parts' if out.endswith('zip') else 'out')
    folder.mkdir()
    with locked(folder, 'a test'):
        assert infer(checkpoint, '--input', 'photos', '--out', out) == 2
        assert 'another process works in' in capsys.readouterr().err
        (folder / '.lock').unlink()  # checked once more where the work begins
    assert infer(checkpoint, '--input', 'photos', '--out', out) == 0


WRITES = """
import sys, time
from pathlib import Path
from toolbox.system.files import in_one_move
with in_one_move(Path(sys.argv[1])) as file:
    file.write(b'half')
    file.flush()
    print('writing', flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize('out', ['out', 'out.zip'])
def test_leftovers_of_a_killed_process_go_and_those_of_a_live_one_stay(photos, checkpoint, out):
    folder = Path(out).absolute().parent if out.endswith('zip') else Path('out').absolute()
    folder.mkdir(exist_ok=True)
    command = [sys.executable, '-c', WRITES]
    writers = [
        subprocess.Popen([*command, str(folder / name)], cwd=REPOSITORY, stdout=subprocess.PIPE)
        for name in ('dead.txt', 'live.txt')
    ]
    for writer in writers:
        assert writer.stdout.readline() == b'writing\n'
    writers[0].send_signal(signal.SIGKILL)
    writers[0].wait()
    assert len(list(folder.glob('.*.tmp'))) == 2
    assert infer(checkpoint, '--input', 'photos', '--out', out) == 0
    assert len(list(folder.glob('.*.tmp'))) == 1
    writers[1].terminate()
    for writer in writers:
        writer.wait()
        writer.stdout.close()


def test_a_name_that_is_no_utf_8_is_said_before_the_work(photos, checkpoint, capsys):
    shutil.copy(photos / 'TEST_000.png', photos / NOT_UTF_8)
    assert infer(checkpoint, '--input', 'photos', '--out', 'out.zip') == 2
    told = capsys.readouterr()
    assert r"'caf\udce9.png': a name that is no UTF-8, which a zip cannot hold" in told.err
    assert told.out == ''
    assert infer(checkpoint, '--input', 'photos', '--out', 'out') == 0
    assert (Path('out') / NOT_UTF_8).is_file()


def deep(num_bytes: int) -> str:
    """A path of so many bytes from the root on."""
    below = num_bytes - len(os.getcwd()) - 1
    path = '/'.join(['d' * 200] * 21)[:below]
    return f'{path[:-1]}d'


LONG = [
    ('--out', lambda: 'x' * 256, 'a name of 256 bytes, and file systems take 255'),
    ('--out', lambda: 'x' * 250 + '.zip', 'a name of 2'),
    ('--out', lambda: 'ü' * 128, 'a name of 256 bytes'),
    ('--out', lambda: deep(4100), 'and the system takes 4095'),
    ('--out', lambda: deep(4090), 'and the system takes 4095'),
    ('--save-masks', lambda: 'x' * 256, 'a name of 256 bytes'),
    ('--save-masks', lambda: deep(4090), 'and the system takes 4095'),
]


@pytest.mark.parametrize(('option', 'path', 'words'), LONG)
def test_names_and_paths_that_are_too_long_are_said_before_the_work(photos, checkpoint, option, path, words, capsys):
    given = ('--out', path()) if option == '--out' else ('--out', 'out', option, path())
    assert infer(checkpoint, '--input', 'photos', *given) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f'error: {option}: ')
    assert words in told.err
    assert told.out == ''
    assert os.listdir() == ['photos']


def test_a_name_of_255_bytes_is_taken(photos, checkpoint):
    out = Path('x' * 255)
    assert infer(checkpoint, '--input', 'photos', '--out', out) == 0
    shutil.copy(photos / 'TEST_000.png', photos / ('y' * 251 + '.png'))
    assert infer(checkpoint, '--input', 'photos', '--out', 'again') == 0
    assert (Path('again') / ('y' * 251 + '.png')).is_file()


@pytest.mark.skipif(not shutil.which('strace'), reason='needs strace')
def test_an_output_is_forced_to_the_disk_and_its_name_too(tmp_path):
    """`write_png` calls fsync for the file and for its folder."""
    script = (
        f'from toolbox.images.io import write_png; import numpy as np; write_png({str(tmp_path / "a.png")!r}, '
        'np.zeros((9, 9), np.uint8))'
    )
    result = subprocess.run(
        ['strace', '-f', '-e', 'trace=fsync,rename', sys.executable, '-c', script],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    calls = [line for line in result.stderr.splitlines() if 'fsync(' in line or 'rename(' in line]
    assert [re.search(r'(fsync|rename)\(', line)[1] for line in calls] == ['fsync', 'rename', 'fsync']
