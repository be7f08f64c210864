"""What lies in a folder of photographs and is none: told and passed over, never opened, and no end of the rest."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.support import scene
from toolbox.data.sources import check_data_root, open_source
from toolbox.data.walking import in_words, walk_files
from toolbox.infer.listing import list_photos

NO_FILE = 'no regular file, but a pipe, a socket or a device'


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Two photographs among everything that is none."""
    root = tmp_path / 'photos'
    (root / 'deep').mkdir(parents=True)
    Image.fromarray(scene(0, 8, 8)).save(root / 'a.png')
    Image.fromarray(scene(1, 8, 8)).save(root / 'deep' / 'b.png')
    os.mkfifo(root / 'pipe.png')
    (root / 'null.jpg').symlink_to('/dev/null')
    (root / 'dangling.png').symlink_to(root / 'gone.png')
    (root / 'loop.png').symlink_to(root / 'loop.png')
    (root / 'loop').symlink_to(root / 'loop')
    (root / 'back').symlink_to(root)
    (root / 'folder.png').mkdir()
    return root


EXPECTED = {
    'pipe.png': NO_FILE,
    'null.jpg': NO_FILE,
    'dangling.png': 'a link to a file that is not there',
    'loop.png': 'a link that leads nowhere: Too many levels of symbolic links',
}


def at_once(function, *arguments, **options):
    """A function's result; a test that would wait for ever fails."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments, **options)), daemon=True)
    thread.start()
    thread.join(60)
    assert results, 'it hangs, or raised'
    return results[0]


def test_odd_entries_are_told_and_passed_over(odd: Path) -> None:
    told: dict[str, str] = {}
    assert sorted(walk_files(odd, tell=told.__setitem__)) == ['a.png', 'deep/b.png']
    assert told == EXPECTED
    assert in_words(told).endswith('and 1 more')
    photos = at_once(open_source, odd)
    assert list(photos.names) == ['a.png', 'deep/b.png']
    assert photos.left_out == EXPECTED
    assert len(photos.digest()) == 64
    check_data_root(odd)
    told = {}
    assert [photo.name for photo in list_photos(odd, tell=told.__setitem__)] == ['a.png', 'deep/b.png']
    assert told == EXPECTED


def test_a_folder_that_may_not_be_looked_into(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.scandir

    def scandir(path: Path):
        if Path(path).name == 'deep':
            raise PermissionError(13, 'Permission denied', str(path))
        return whole(path)

    monkeypatch.setattr(os, 'scandir', scandir)
    told: dict[str, str] = {}
    assert list(walk_files(odd, tell=told.__setitem__)) == ['a.png']
    assert told['deep/'] == 'this folder cannot be looked into: Permission denied'
    with pytest.raises(OSError, match='deep: this folder cannot be looked into: Permission denied'):
        list(walk_files(odd / 'deep'))


def test_a_file_that_is_gone_since_it_was_listed(odd: Path) -> None:
    photos = open_source(odd)
    before = photos.digest()
    (odd / 'a.png').unlink()
    assert photos.digest() != before


def test_the_competitions_folder_with_odd_entries(tmp_path: Path) -> None:
    for folder in ('train_gt', 'train_input'):
        (tmp_path / folder).mkdir()
        Image.fromarray(scene(0, 8, 8)).save(tmp_path / folder / 'a.png')
    Image.fromarray(scene(0, 8, 8)).save(tmp_path / 'train_gt' / 'b.png')
    os.mkfifo(tmp_path / 'train_input' / 'b.png')
    os.mkfifo(tmp_path / 'train_gt' / 'c.png')
    photos = open_source(tmp_path)
    assert [photo.damaged is not None for photo in photos] == [True, False]
    assert list(photos.left_out) == ['train_gt/c.png']
    rows = ['input_image_path,gt_image_path', *(f'train_input/{name}.png,train_gt/{name}.png' for name in 'abc')]
    (tmp_path / 'train.csv').write_text('\n'.join(rows))
    with pytest.raises(FileNotFoundError, match=r"names 1 photographs that are not there, the first 'train_gt/c\.png'"):
        open_source(tmp_path)
