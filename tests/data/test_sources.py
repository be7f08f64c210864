"""Where photographs come from, and what a person is told when they cannot."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support import scene
from toolbox.data.sources import check_data_root, hole_from_pair, open_source
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import read_rgb
from toolbox.system.paths import REPOSITORY

HEADER = 'input_image_path,gt_image_path'


def write(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed, 16, 16)).save(path)


def names(root: Path) -> list[str]:
    return list(open_source(root).names)


def test_sample_photos_are_real_color_photographs() -> None:
    photos = open_source(None)
    assert len(photos) >= 11
    for photo in photos:
        rgb = read_rgb(photo.path)
        assert min(rgb.shape[:2]) >= 256, photo.name
        assert np.ptp(rgb.astype(int), axis=2).mean() > 5, photo.name
    assert list(photos.names) == sorted(photos.names)
    stems = {Path(name).stem.removesuffix('_left').removesuffix('_right') for name in photos.names}
    assert len(stems) == len(photos), 'two views of one scene could end up on both sides of a split'


def test_folder_is_searched_to_its_depths(tmp_path: Path) -> None:
    for name in ('b.PNG', 'a.jpg', 'a.png', 'deep/er/ü 図.webp', '.hidden.png', '.git/x.png', 'deep/._a.png'):
        write(tmp_path / name)
    (tmp_path / 'notes.txt').touch()
    (tmp_path / 'folder.png').mkdir()
    assert names(tmp_path) == ['a.jpg', 'a.png', 'b.PNG', 'deep/er/ü 図.webp']
    assert open_source(str(tmp_path))[3].path == tmp_path / 'deep' / 'er' / 'ü 図.webp'
    check_data_root(tmp_path)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / 'elsewhere' / 'x.png')
    write(tmp_path / 'root' / 'a.png')
    (tmp_path / 'root' / 'link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'root' / 'loop').symlink_to(tmp_path / 'root')
    (tmp_path / 'elsewhere' / 'back').symlink_to(tmp_path / 'root')
    assert names(tmp_path / 'root') == ['a.png', 'link/x.png']


def test_competition_folder(competition_folder: Path) -> None:
    photos = open_source(competition_folder, pairs=True)
    assert list(photos.names) == [f'train_gt/TRAIN_{index:05d}.png' for index in range(6)]
    assert photos[4].path == competition_folder / 'train_gt/TRAIN_00004.png'
    assert photos[4].damaged == competition_folder / 'train_input/TRAIN_00004.png'
    check_data_root(competition_folder)


def test_competition_folder_without_a_table_or_inputs(tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path / 'train_gt' / f'{index}.png')
    assert open_source(tmp_path).num_damaged == 0
    write(tmp_path / 'train_input' / '1.png')
    photos = open_source(tmp_path)
    assert [photo.damaged is not None for photo in photos] == [False, True, False]
    with pytest.raises(FileNotFoundError, match='2 of 3 photographs have no real damaged input; give a folder with'):
        open_source(tmp_path, pairs=True)


def test_pairs_are_not_to_be_had_elsewhere(photo_folder: Path) -> None:
    for root in (None, photo_folder):
        with pytest.raises(FileNotFoundError, match='have no real damaged input'):
            open_source(root, pairs=True)


def test_the_table_chooses(tmp_path: Path) -> None:
    for index in range(4):
        write(tmp_path / 'train_gt' / f'{index}.png')
        write(tmp_path / 'train_input' / f'x{index}.png')
    rows = './train_input/x2.png,./train_gt/2.png\ntrain_input/x0.png,train_gt/0.png\n'
    (tmp_path / 'train.csv').write_text('input_image_path,gt_image_path\n' + rows, encoding='utf-8-sig')
    photos = open_source(tmp_path, pairs=True)
    assert list(photos.names) == ['train_gt/0.png', 'train_gt/2.png']
    assert photos[1].damaged == tmp_path / 'train_input/x2.png'


@pytest.mark.parametrize(
    ('table', 'error', 'message'),
    [
        (f'{HEADER}\nx.png,train_gt/9.png\n', FileNotFoundError, "names 1 photographs .*9.png'; restore the files"),
        ('image,label\na,b\n', ValueError, 'expected the columns gt_image_path, input_image_path, got image, label'),
        ('', ValueError, 'got none'),
        (f'{HEADER}\nx,../a.png\n', ValueError, "line 2: expected a path below the folder, .*got '../a.png'"),
        (f'{HEADER}\nx,/a.png\n', ValueError, 'line 2: expected a path below the folder'),
        (f'{HEADER}\nx\n', ValueError, 'line 2: expected a path below the folder, .*got '),
        (f'{HEADER}\nx,train_gt/0.png\nx,./train_gt/0.png\n', ValueError, 'line 3: .* listed twice'),
        (f'{HEADER}\n', FileNotFoundError, 'train.csv lists no photographs'),
    ],
)
def test_table_errors(tmp_path: Path, table: str, error: type, message: str) -> None:
    write(tmp_path / 'train_gt' / '0.png')
    (tmp_path / 'train.csv').write_text(table)
    for look in (open_source, check_data_root):
        with pytest.raises(error, match=message):
            look(tmp_path)


def test_root_errors(tmp_path: Path) -> None:
    (tmp_path / 'file.png').touch()
    (tmp_path / 'none' / 'deep').mkdir(parents=True)
    for name in ('a.txt', 'b.TXT', 'deep/c.csv', 'deep/README'):
        (tmp_path / 'none' / name).touch()
    (tmp_path / 'empty').mkdir()
    cases = {
        'missing/deeper': (FileNotFoundError, f'{tmp_path} exists'),
        'file.png': (ValueError, 'is a file; give the folder'),
        'none': (FileNotFoundError, 'found 2 x .txt, 1 x .csv, 1 x without suffix; expected files like'),
        'empty': (FileNotFoundError, 'found no files at all'),
    }
    for name, (error, message) in cases.items():
        for look in (open_source, check_data_root):
            with pytest.raises(error, match=message):
                look(tmp_path / name)


def test_the_competition_one_folder_too_high(tmp_path: Path) -> None:
    write(tmp_path / 'open' / 'train_gt' / '0.png')
    write(tmp_path / 'open' / 'train_input' / '0.png')
    with pytest.raises(ValueError, match=f'give {tmp_path}/open with train_gt'):
        open_source(tmp_path)


def test_unreadable_photographs(tmp_path: Path) -> None:
    for index in range(30):
        (tmp_path / f'{index}.jpg').write_text('no photograph')
    with pytest.raises(ValueError, match=r'none of its first 20 images can be read:\n  .*not an image'):
        check_data_root(tmp_path)


def test_one_readable_photograph_is_enough(tmp_path: Path) -> None:
    for index in range(5):
        (tmp_path / f'{index}.jpg').write_text('no photograph')
    write(tmp_path / 'fine.png')
    check_data_root(tmp_path)


def test_looks_before_heavy_libraries_load() -> None:
    script = (
        'import sys; from toolbox.data.sources import check_data_root, open_source; check_data_root(None); '
        'open_source(None); print({"torch", "cv2", "skimage", "sklearn", "matplotlib", "scipy"} & set(sys.modules))'
    )
    assert subprocess.check_output([sys.executable, '-c', script], cwd=REPOSITORY, text=True) == 'set()\n'


def test_hole_from_pair() -> None:
    gray = gray_from_rgb(scene(3, 60, 80))
    shape = Image.new('L', (80, 60))
    ImageDraw.Draw(shape).polygon([(10, 8), (62, 20), (40, 50), (15, 44)], fill=1)
    hole = np.array(shape)
    value = 77
    gray[gray == value] += 1
    gray[25:28, 30:35] = value  # inside: nothing changes here, but the hole encloses it
    gray[55, 70] = value  # outside: the fill's value, by chance
    damaged = np.where(hole, np.uint8(value), gray)
    found = hole_from_pair(damaged, gray)
    assert found.dtype == np.uint8
    assert np.array_equal(found, hole)


def test_hole_from_pair_leaves_islands_alone() -> None:
    gray = np.full((20, 20), 9, np.uint8)
    hole = np.zeros_like(gray)
    hole[4:16, 4:16] = 1
    hole[8:12, 8:12] = 0  # an even-odd polygon leaves such islands
    damaged = np.where(hole, np.uint8(50), gray)
    assert np.array_equal(hole_from_pair(damaged, gray), hole)


def test_an_undamaged_pair_has_no_hole() -> None:
    gray = np.full((5, 5), 9, np.uint8)
    assert not hole_from_pair(gray, gray).any()
