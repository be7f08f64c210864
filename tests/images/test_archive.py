"""Submissions as containers: what may be read from them, and what not."""

import contextlib
import io
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given, settings, strategies as st

from tests.hostile import NAMES, png, write_zip
from toolbox.images import archive
from toolbox.images.archive import open_submission, shown


@pytest.fixture
def folder(tmp_path):
    """A folder with one image."""
    path = tmp_path / 'submission'
    path.mkdir()
    (path / 'a.png').write_bytes(png())
    return path


def test_an_archive_gives_its_files(tmp_path):
    write_zip(tmp_path / 'good.zip')
    submission = open_submission(tmp_path / 'good.zip', max_files=3)
    assert (submission.names, submission.problems) == (sorted(NAMES), [])
    assert submission.read(NAMES[0], max_bytes=10_000) == png()


def test_a_folder_gives_its_files(folder):
    submission = open_submission(folder, max_files=1)
    assert (submission.names, submission.problems) == (['a.png'], [])
    assert submission.read('a.png', max_bytes=10_000) == png()


def test_files_are_read_up_to_a_limit(tmp_path, folder):
    write_zip(tmp_path / 'good.zip')
    size = len(png())
    for path, name in ((tmp_path / 'good.zip', NAMES[0]), (folder, 'a.png')):
        submission = open_submission(path, max_files=3)
        assert len(submission.read(name, max_bytes=size)) == size
        with pytest.raises(ValueError, match='larger than'):
            submission.read(name, max_bytes=size - 1)


def test_links_and_folders_in_a_folder_are_not_followed(folder, tmp_path):
    (folder / 'sub').mkdir()
    (folder / 'link.png').symlink_to(tmp_path / 'secret.png')
    submission = open_submission(folder, max_files=3)
    assert submission.names == ['a.png']
    assert [(problem.file, problem.reason.split(';')[0]) for problem in submission.problems] == [
        ('sub', 'a folder'),
        ('link.png', 'a link'),
    ]


def test_too_many_files_in_a_folder_are_refused(folder):
    (folder / 'b.png').write_bytes(b'')
    with pytest.raises(ValueError, match='more than 1 files'):
        open_submission(folder, max_files=1)


def test_too_much_to_unpack_is_refused(tmp_path, monkeypatch):
    write_zip(tmp_path / 'good.zip')
    monkeypatch.setattr(archive, 'MAX_TOTAL_BYTES', 1000)
    with pytest.raises(ValueError, match='unpacks to'):
        open_submission(tmp_path / 'good.zip', max_files=3)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such submission'):
        open_submission(tmp_path / 'absent.zip', max_files=3)


def test_foreign_names_are_shown_harmlessly():
    assert shown('TEST_000.png') == 'TEST_000.png'
    assert shown('写真.png') == '写真.png'
    assert shown('\x1b[2J') == r"'\x1b[2J'"
    assert shown('\u202egnp.exe') == r"'\u202egnp.exe'"
    assert len(shown('x' * 1000)) == 80


def small_archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in NAMES:
            archive.writestr(name, png()[:300])
    return stream.getvalue()


SMALL = small_archive()


@settings(max_examples=150, deadline=None)
@given(changes=st.dictionaries(st.integers(0, len(SMALL) - 1), st.integers(0, 255), min_size=1, max_size=8))
def test_any_damage_is_a_value_error_at_most(tmp_path_factory, changes):
    content = bytearray(SMALL)
    for position, value in changes.items():
        content[position] = value
    path = tmp_path_factory.mktemp('damaged') / 'x.zip'
    path.write_bytes(content)
    with contextlib.suppress(ValueError):
        submission = open_submission(path, max_files=3)
        for name in submission.names:
            submission.read(name, max_bytes=1000)


def test_nothing_heavy_is_imported():
    program = 'import sys, toolbox.images.archive; print({"torch", "numpy", "PIL"} & set(sys.modules))'
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'set()'


def test_what_desktops_add_is_named_with_the_command_that_removes_it(tmp_path, folder):
    extra = {'__MACOSX/._a.png': b'', '.DS_Store': b'', 'Thumbs.db': b''}
    write_zip(tmp_path / 'mine 1.zip', extra)
    submission = open_submission(tmp_path / 'mine 1.zip', max_files=9)
    assert {problem.file for problem in submission.problems} == set(extra)
    command = f"zip -d '{tmp_path}/mine 1.zip' '__MACOSX/*' '._*' '*.DS_Store'"
    assert all(command in problem.reason for problem in submission.problems)
    (folder / '__MACOSX').mkdir()
    (folder / '.DS_Store').touch()
    submission = open_submission(folder, max_files=9)
    assert submission.names == ['a.png']
    assert {problem.file for problem in submission.problems} == {'__MACOSX', '.DS_Store'}
    (reason,) = {problem.reason for problem in submission.problems}
    subprocess.run(reason.partition('remove it: ')[2], shell=True, check=True)
    assert open_submission(folder, max_files=9).problems == []
