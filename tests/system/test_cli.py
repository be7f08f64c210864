"""How tools end: what is an error of a person's, what is a defect, and what if nobody reads."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolbox.system.cli import NOBODY_READS, parse, refuse_together, run_tool
from toolbox.system.output_paths import check_output
from toolbox.system.paths import REPOSITORY


def test_what_the_system_says_of_a_file_is_shown_with_a_repair(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'file').touch()
    cases = {
        'Not a directory; a part of this path is a file': lambda: (tmp_path / 'file' / 'x').mkdir(),
        'Is a directory; this is a folder': lambda: tmp_path.write_text('x'),
        'File name too long; choose a shorter name': lambda: (tmp_path / ('x' * 300)).touch(),
        'File exists; something else is there': lambda: (tmp_path / 'file').mkdir(),
    }
    for words, job in cases.items():
        assert run_tool(job) == 2
        told = capsys.readouterr().err
        assert told.startswith(f'error: {tmp_path}')
        assert words in told
        assert told.count('\n') == 1


def test_a_defect_keeps_its_traceback() -> None:
    for job in (lambda: int('x'), lambda: [][0], lambda: (_ for _ in ()).throw(OSError('no file in it'))):
        with pytest.raises((ValueError, IndexError, OSError)):
            run_tool(job)


def test_empty_and_unused_values_are_refused(capsys: pytest.CaptureFixture) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('photos', nargs='*')
    parser.add_argument('--out-dir')
    parser.add_argument('--workers', type=int, default=1)
    for arguments, name in ((['--out-dir', ''], 'out-dir'), (['a', ''], 'photos')):
        with pytest.raises(SystemExit):
            parse(parser, arguments)
        assert f'{name}: the value is empty' in capsys.readouterr().err
    arguments = parse(parser, ['a', '--workers', '1'])
    refuse_together(parser, arguments, 'here', 'out_dir workers')
    with pytest.raises(SystemExit):
        refuse_together(parser, parse(parser, ['--workers', '2', '--out-dir', 'x']), 'here', 'out_dir workers')
    assert '--out-dir, --workers: not used here; leave it out' in capsys.readouterr().err


def test_outputs_are_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'file').touch()
    check_output('--json', None, is_folder=False)
    check_output('--json', str(tmp_path / 'new' / 'x.json'), is_folder=False)
    check_output('--report', str(tmp_path / 'new' / 'report'), is_folder=True)
    for path, is_folder, words in (
        (tmp_path, False, 'is a folder; give the name of a file'),
        (tmp_path / 'file' / 'x.json', False, 'is a file; give another place'),
        (tmp_path / 'file', True, 'is a file; give another place'),
    ):
        with pytest.raises(ValueError, match=words):
            check_output('--option', str(path), is_folder)
    monkeypatch.setattr(os, 'access', lambda *_: False)  # root may write anywhere
    with pytest.raises(ValueError, match=r'--json .*: nothing may be written into'):
        check_output('--json', str(tmp_path / 'x.json'), is_folder=False)


def test_nobody_reads_any_more() -> None:
    script = (
        'from toolbox.system.cli import run_tool\n'
        'raise SystemExit(run_tool(lambda: [print("x" * 99) for _ in range(9999)] and None))'
    )
    with subprocess.Popen(
        [sys.executable, '-c', script], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b''
    assert process.returncode == NOBODY_READS


def test_plugins_of_a_person_in_the_way_are_told(tmp_path: Path) -> None:
    (tmp_path / 'plugins').mkdir()
    (tmp_path / 'plugins' / '__init__.py').touch()
    script = (
        f'import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(REPOSITORY)!r}]\n'
        'from toolbox.system.cli import run_tool; from toolbox.plugin.discovery import discover_plugins\n'
        'raise SystemExit(run_tool(discover_plugins))'
    )
    done = subprocess.run([sys.executable, '-c', script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert f'error: {tmp_path}/plugins is imported as `plugins`, in place of' in done.stderr
