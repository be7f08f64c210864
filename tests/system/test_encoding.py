"""Text is UTF-8 in files and on the way to git, whatever the locale; any name can be printed."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import TINY, scene
from toolbox.images.io import write_png
from toolbox.system import environment as record
from toolbox.system.paths import REPOSITORY
from toolbox.training import run_folder

FOLDERS = ('toolbox', 'plugins', 'benchmarks', 'tools')
FILES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob('*.py'))
CLEANING = str(REPOSITORY / 'configs' / 'cleaning' / 'color_texture.py')
ASCII = {**os.environ, 'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}


def calls_of_the_locale(tree: ast.AST) -> Iterator[int]:
    """Lines that open text in the encoding of the locale; ruff's PLW1514 knows those of a path by its annotation."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, 'id', '')
        given = {keyword.arg for keyword in node.keywords}
        modes = [value.value for value in (*node.args, *(k.value for k in node.keywords)) if is_text(value)]
        opens_text = name == 'open' and any(mode and set(mode) <= set('rwax+t') for mode in modes)
        of_a_path = isinstance(node.func, ast.Attribute) and name in ('read_text', 'write_text')
        of_a_pipe = bool(given & {'text', 'universal_newlines'})
        if (opens_text or of_a_path or of_a_pipe) and not given & {'encoding', 'force_zip64'}:
            yield node.lineno


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize('file', FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_file_is_opened_in_the_encoding_of_the_locale(file):
    assert list(calls_of_the_locale(ast.parse(file.read_text(encoding='utf-8')))) == []


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env={**ASCII, 'PYTHONPATH': str(REPOSITORY)}, capture_output=True)


def test_tools_work_under_the_c_locale(tmp_path):
    photos = tmp_path / 'photos'
    photos.mkdir()
    for index in range(6):
        write_png(photos / f'Ferien {index}.png', scene(index))
    (photos / 'Kiste.png').write_bytes(b'no image')
    tools = REPOSITORY / 'tools'
    quick = ['reducer.type=PCA', 'workers=0', 'stability_seeds=1']
    (tmp_path / 'own.py').write_text(f"# über\n_base_ = ['{REPOSITORY}/configs/unetpp_cbam_b4.py']\n", encoding='utf-8')
    jobs = [
        [f'{tools}/clean_data.py', 'photos', '--out', 'cleaned', '--config', CLEANING, '--cfg-options', *quick],
        [f'{tools}/train.py', 'own.py', '--data-root', 'photos', '--work-dir', 'run']
        + ['--cfg-options', *TINY, 'train_cfg.max_epochs=1', 'data.max_unreadable=0.5'],
        [f'{tools}/test.py', 'run', '--report', 'report', '--json', 'score.json', '--export', 'set'],
        [f'{tools}/infer.py', 'run', '--input', 'photos', '--out', 'out', '--device', 'cpu'],
    ]
    for job, code in zip(jobs, (0, 0, 0, 3), strict=True):
        done = run(*job, folder=tmp_path)
        assert done.returncode == code, done.stderr.decode(errors='replace')
        assert b'Traceback' not in done.stderr
    assert 'Kiste.png' in (tmp_path / 'out' / 'failures.csv').read_text(encoding='utf-8')
    assert (tmp_path / 'out' / 'Ferien 0.png').is_file()


def test_a_name_beyond_the_locale_is_told(tmp_path):
    (tmp_path / 'photos').mkdir()
    write_png(tmp_path / 'photos' / 'Ferien ü.png', scene(0))
    done = run(
        str(REPOSITORY / 'tools' / 'clean_data.py'), 'photos', '--out', 'cleaned', '--config', CLEANING, folder=tmp_path
    )
    assert done.returncode == 2
    assert b"error: a file's name is not in" in done.stderr
    assert b'LC_ALL=C.UTF-8' in done.stderr


def test_names_that_are_no_utf_8_are_scored_reported_and_exported(tmp_path):
    photos = tmp_path / 'photos'
    photos.mkdir()
    for index in range(6):
        write_png(photos / os.fsdecode(b'caf\xe9 %d.png' % index), scene(index))
    tools = REPOSITORY / 'tools'
    jobs = [
        [f'{tools}/train.py', f'{REPOSITORY}/configs/unetpp_cbam_b4.py', '--data-root', 'photos', '--work-dir', 'run']
        + ['--cfg-options', *TINY, 'train_cfg.max_epochs=1'],
        [f'{tools}/test.py', 'run', '--report', 'report', '--json', 'score.json', '--export', 'set'],
        [f'{tools}/infer.py', 'run', '--input', 'set/test.csv', '--out', 'out', '--device', 'cpu'],
        [f'{tools}/test.py', '--submission', 'out', '--gt', 'set/test_gt', '--masks', 'set/test_masks']
        + ['--report', 'report 2', '--json', 'score 2.json'],
    ]
    for job in jobs:
        if job[1] == '--submission':
            (tmp_path / 'out' / 'infer.json').unlink()
            (tmp_path / 'out' / 'test_input').rename(tmp_path / 'submission')
            job[2] = 'submission'
        done = subprocess.run(
            [sys.executable, *job], cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(REPOSITORY)}, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode(errors='replace')
        assert b'Traceback' not in done.stderr
    assert b'caf\xe9' in (tmp_path / 'report' / 'per_image.csv').read_bytes()
    (name, *_) = json.loads((tmp_path / 'score.json').read_text(encoding='utf-8'))['per_image']
    assert name.startswith('caf\udce9')


@pytest.mark.skipif(os.geteuid() != 0, reason='needs to be root, to give a folder to another user')
def test_why_the_commit_of_a_checkout_is_not_known_is_said(tmp_path, monkeypatch):
    git = ['git', '-C', str(tmp_path), '-c', 'user.name=a', '-c', 'user.email=a@b']
    subprocess.run([*git[:3], 'init', '-q'], check=True)
    (tmp_path / 'a').write_text('a', encoding='utf-8')
    subprocess.run([*git, 'add', '.'], check=True)
    subprocess.run([*git, 'commit', '-qm', 'a'], check=True)
    monkeypatch.setattr(record, 'REPOSITORY', tmp_path)
    monkeypatch.setenv('GIT_CONFIG_GLOBAL', '/dev/null')
    monkeypatch.setenv('GIT_CONFIG_SYSTEM', '/dev/null')
    assert record.why_no_commit() is None
    assert len(record.commit()) == 40
    for path in (tmp_path, tmp_path / '.git'):
        os.chown(path, 12345, 12345)
    run_folder.record_environment(tmp_path, 'digest', 'float32', {})
    environment = json.loads((tmp_path / 'environment.json').read_text(encoding='utf-8'))
    assert environment['commit'] is None
    assert 'dubious ownership' in environment['why_no_commit']
    record._diff.cache_clear()
    assert 'dubious ownership' in record._diff()
    record._diff.cache_clear()
    (tmp_path / '.git').rename(tmp_path / 'git')
    assert 'no checkout' in record.why_no_commit() or 'has no .git' in record.why_no_commit()
