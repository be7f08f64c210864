"""Disks without room, met by tools that train, compare, score and export: one sentence, and nothing half written."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import RECIPE, TINY, filled
from toolbox.system.disk_errors import NotWritten, writing_into
from toolbox.system.files import append_rows, in_one_move, remove_leftovers, write_json, write_rows
from toolbox.system.output_paths import check_output
from toolbox.system.paths import REPOSITORY
from tools import export as export_tool, test as test_tool, train as train_tool

REASON = r'No space left on device \(its disk has \d\.\d MiB free\); make room, or choose another place'


@pytest.fixture(scope='module')
def run(tmp_path_factory, photo_folder) -> Path:
    """A run folder."""
    folder = tmp_path_factory.mktemp('runs') / 'run'
    options = [*TINY, 'train_cfg.max_epochs=1']
    given = ['--data-root', str(photo_folder), '--work-dir', str(folder), '--cfg-options', *options]
    assert train_tool.main([RECIPE, *given]) == 0
    return folder


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith('error:')]


@pytest.mark.parametrize('option', ['--json', '--report', '--export'])
def test_what_test_writes(option, run, small_disk, capfd):
    disk = small_disk(2**20)
    place = disk / ('score.json' if option == '--json' else 'place')
    with filled(disk, 0):
        capfd.readouterr()
        assert test_tool.main([str(run), option, str(place)]) == 2
        printed = capfd.readouterr()
        assert 'this model' in printed.out
        (told,) = lines(printed.err)
        assert re.search(rf'error: {place}.* cannot be written: {REASON}', told)
        assert told.endswith('the scores that are printed stand: the same command writes the files')
        assert 'Traceback' not in printed.err
        assert not [path for path in disk.rglob('*') if path.suffix in ('.tmp', '.csv', '.json')]
    assert test_tool.main([str(run), option, str(place)]) == 0


def test_what_export_writes(run, small_disk, capfd):
    disk = small_disk(64 * 1024)
    with filled(disk, 4096):
        assert export_tool.main([str(run), '--out', str(disk / 'a.safetensors')]) == 2
        assert re.match(rf'error: {disk}/a.safetensors cannot be written: {REASON}', capfd.readouterr().err)
        assert os.listdir(disk) == ['ballast']


@pytest.mark.parametrize('room', [0, 64 * 1024])
def test_what_training_and_comparing_begin_with(room, photo_folder, small_disk, tmp_path):
    """The room ends at a lock, a config, or a record; checkpoints ask for theirs before."""
    disk = small_disk(16 * 2**20)
    jobs = [
        ['train.py', RECIPE, '--data-root', str(photo_folder), '--work-dir', str(disk / 'run'), '--cfg-options', *TINY],
        ['ablate.py', 'configs/ablations/attention_layout.py', '--data-root', str(photo_folder)]
        + ['--work-dir', str(disk / 'ablation'), '--steps', '1', '--cfg-options', *TINY],
    ]
    with filled(disk, room):
        for tool, *arguments in jobs:
            command = [sys.executable, str(REPOSITORY / 'tools' / tool), *arguments]
            done = subprocess.run(command, capture_output=True, cwd=REPOSITORY, encoding='utf-8')
            assert done.returncode != 0
            assert 'Traceback' not in done.stderr, done.stderr
            assert '[Errno' not in done.stderr, done.stderr
            assert str(disk) in done.stderr
            assert not list(disk.rglob('.*.tmp'))


WRITERS = {
    'a row at the end': lambda path: append_rows(path, [('x' * 5000, 'y')] * 3),
    'a table': lambda path: write_rows(path, [('x' * 5000, 'y')] * 3),
    'a record': lambda path: write_json(path, {'a': 'x' * 20_000}),
}


@pytest.mark.parametrize('write', WRITERS.values(), ids=WRITERS)
def test_nothing_half_written_stays(write, small_disk):
    path = small_disk(64 * 1024) / 'file.csv'
    path.write_bytes(b'a,b\n')
    with filled(path.parent, 8192):
        with pytest.raises(NotWritten, match=REASON) as raised:
            write(path)
        assert raised.value.errno == 28
        assert path.read_bytes() == b'a,b\n'
        assert sorted(os.listdir(path.parent)) == ['ballast', 'file.csv']


def test_no_inodes_are_told_from_no_room(tmp_path, small_disk):
    disk = small_disk(2**22)
    subprocess.run(['mount', '-o', 'remount,nr_inodes=3', str(disk)], check=True)
    (disk / 'a').touch()
    (disk / 'b').touch()
    with pytest.raises(NotWritten, match='no inodes are left'):
        write_json(disk / 'c.json', {})


def test_a_read_only_disk(small_disk):
    disk = small_disk(2**20)
    subprocess.run(['mount', '-o', 'remount,ro', str(disk)], check=True)
    with pytest.raises(NotWritten, match='Read-only file system; make it writable, or choose another place'):
        write_json(disk / 'c.json', {})


@pytest.mark.parametrize('name', ['ESTALE', 'EBUSY', 'EXDEV', 'ENOTCONN'])
def test_a_rename_that_a_file_server_refuses(name, tmp_path, monkeypatch):
    number = getattr(errno, name)

    def refused(*_):
        raise OSError(number, os.strerror(number))

    write_json(tmp_path / 'a.json', {'a': 1})
    monkeypatch.setattr(os, 'replace', refused)
    with pytest.raises(NotWritten, match=f'a.json cannot be written: {os.strerror(number)}; (?!look at this path)'):
        write_json(tmp_path / 'a.json', {'a': 2})
    assert json.loads((tmp_path / 'a.json').read_text(encoding='utf-8')) == {'a': 1}
    assert os.listdir(tmp_path) == ['a.json']


def test_what_a_disk_says_of_a_file_that_is_open_names_the_folder(tmp_path):
    named = rf'{tmp_path} cannot be read or written: Input/output error; .*; go on so'
    with pytest.raises(NotWritten, match=named), writing_into(tmp_path, 'go on so'):
        raise OSError(errno.EIO, 'Input/output error')
    named = rf'{tmp_path}/a.txt cannot be read or written: Read-only .*; go on so'
    with pytest.raises(NotWritten, match=named), writing_into(tmp_path, 'go on so'):
        raise OSError(errno.EROFS, 'Read-only file system', str(tmp_path / 'a.txt'))


@pytest.mark.parametrize(
    'error',
    [
        OSError('a sentence of our own'),
        OSError(errno.EIO, 'Input/output error', '/elsewhere/a.png'),
        OSError(errno.EPIPE, 'Broken pipe'),
    ],
)
def test_what_is_not_said_of_the_folder_passes(error, tmp_path):
    with pytest.raises(OSError, match=re.escape(str(error))) as raised, writing_into(tmp_path, 'go on so'):
        raise error
    assert raised.value is error


def test_too_many_open_files():
    script = (
        'import resource\nfrom pathlib import Path\nfrom toolbox.system.files import write_json\n'
        'resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\nwrite_json(Path("a.json"), {})'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, encoding='utf-8', cwd=REPOSITORY)
    assert 'a.json cannot be written: Too many open files; raise the limit on open files (ulimit -n)' in done.stderr


def test_a_file_that_is_being_written_is_no_leftover(tmp_path):
    (tmp_path / '.0123456789abcdef.tmp').write_bytes(b'of a killed process')
    with in_one_move(tmp_path / 'a.json') as file:
        file.write(b'{}')
        remove_leftovers(tmp_path)
        assert len(list(tmp_path.glob('.*.tmp'))) == 1
    assert json.loads((tmp_path / 'a.json').read_text(encoding='utf-8')) == {}
    assert os.listdir(tmp_path) == ['a.json']


@pytest.mark.parametrize(('name', 'is_folder'), [('x' * 256, False), ('x' * 256, True), ('d/' * 2048, True)])
def test_names_that_are_too_long_are_said_before_the_work(tmp_path, name, is_folder):
    with pytest.raises(ValueError, match=r'--option: (a name of 256 bytes|its paths would have \d+ bytes)'):
        check_output('--option', str(tmp_path / name), is_folder)
    check_output('--option', str(tmp_path / ('x' * 255)), is_folder)
