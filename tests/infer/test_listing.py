"""Which photographs are meant, and what their outputs are called."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.support import scene
from toolbox.images.io import UnreadableImage, write_png
from toolbox.infer.listing import list_photos, other_files, output_names
from toolbox.infer.masks import MaskFolder


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def outputs(source, **options) -> dict[str, str]:
    return {photo.name: photo.output for photo in list_photos(source, **options)}


def test_outputs_mirror_the_tree(tmp_path):
    touch(tmp_path, 'b.JPG', 'trip/one/a.webp', 'trip/ü 図.png', '.hidden.png', '.cache/x.png', 'notes.txt', 'raw.heic')
    assert outputs(tmp_path) == {
        'b.JPG': 'b.png',
        'trip/one/a.webp': 'trip/one/a.png',
        'trip/ü 図.png': 'trip/ü 図.png',
    }
    assert other_files(tmp_path).startswith('1 x .heic (HEIC, the format of phones: convert it first')
    assert other_files(tmp_path).endswith('), 1 x .txt')


def test_names_that_would_clash_keep_their_suffix():
    names = ['a.jpg', 'a.png', 'b.jpg', 'x/a.jpg']
    assert output_names(names) == ['a.jpg.png', 'a.png.png', 'b.png', 'x/a.png']
    assert output_names(['a.jpg', 'a.png', 'a.jpg.png']) == ['a.jpg.png', 'a.png.png', 'a.jpg.png.png']
    assert output_names(['A.jpg', 'a.png']) == ['A.jpg.png', 'a.png.png']


@given(st.lists(st.from_regex(r'[ab](\.jpg|\.png){1,3}', fullmatch=True), unique=True))
def test_outputs_are_distinct_and_name_their_photographs(names):
    given_names = output_names(names)
    assert len(set(given_names)) == len(names)
    for name, output in zip(names, given_names, strict=True):
        assert output in (f'{name}.png', f'{os.path.splitext(name)[0]}.png')


def test_folders_of_outputs_and_masks_are_left_out(tmp_path):
    touch(tmp_path, 'a.png', 'out/a.png', 'masks/a.png', 'output.png')
    assert set(outputs(tmp_path, without=[tmp_path / 'out', tmp_path / 'masks'])) == {'a.png', 'output.png'}
    with pytest.raises(ValueError, match='choose another folder'):
        list_photos(tmp_path, without=[tmp_path])


def test_one_file_whatever_its_suffix(tmp_path):
    assert outputs(touch(tmp_path, 'photo.bin') / 'photo.bin') == {'photo.bin': 'photo.png'}


def test_the_competitions_list(tmp_path):
    table = tmp_path / 'test.csv'
    table.write_text('\ufeffinput_image_path\n./test_input/TEST_001.png\n./test_input/TEST_000.png\n', encoding='utf-8')
    listed = list_photos(table, flat=True)
    assert [photo.output for photo in listed] == ['TEST_001.png', 'TEST_000.png']
    assert listed[0].path == tmp_path / 'test_input' / 'TEST_001.png'
    assert [photo.output for photo in list_photos(table)] == ['test_input/TEST_001.png', 'test_input/TEST_000.png']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('image\na.png\n', 'expected the column input_image_path, got image'),
        ('', 'expected the column input_image_path, got none'),
        ('input_image_path\n', 'lists no photographs'),
        ('input_image_path\n../a.png\n', 'line 2: expected a path below the folder'),
        ('input_image_path\n/etc/a.png\n', 'line 2: expected a path below the folder'),
        ('input_image_path\na.png\n./a.png\n', 'a.png is listed twice'),
    ],
)
def test_lists_that_cannot_be_understood(tmp_path, content, message):
    (tmp_path / 'test.csv').write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        list_photos(tmp_path / 'test.csv')


def test_inputs_that_cannot_work(tmp_path):
    with pytest.raises(FileNotFoundError, match='no file or folder'):
        list_photos(tmp_path / 'absent')
    with pytest.raises(FileNotFoundError, match=r'found 1 x \.txt'):
        list_photos(touch(tmp_path / 'text', 'a.txt'))
    with pytest.raises(ValueError, match=r'give .*test\.csv'):
        list_photos(touch(tmp_path / 'all', 'test.csv', 'train_gt/a.png'))
    with pytest.raises(ValueError, match=r'would both be a\.png in the zip'):
        list_photos(touch(tmp_path / 'doubled', 'x/a.png', 'y/a.jpg'), flat=True)


def masks(folder: Path, *names: str, shape=(4, 6)) -> Path:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        mask = np.zeros(shape, np.uint8)
        mask[0, number] = 255
        write_png(folder / name, mask)
    return folder


def which(folder: MaskFolder, photo) -> int:
    """The number of the mask that a photograph got."""
    return int(np.argmax(folder.read(photo, np.zeros((4, 6), np.uint8)).hole[0]))


def test_masks_by_tree_by_full_name_and_by_stem(tmp_path):
    a_jpg, a_png, b = photos = list_photos(touch(tmp_path / 'photos', 'x/a.jpg', 'x/a.png', 'y/b.webp'))
    files = masks(tmp_path / 'masks', 'x/a.jpg.png', 'x/a.png', 'b.png')
    folder = MaskFolder(files, photos)
    assert (which(folder, a_jpg), which(folder, a_png)) == (0, 1)
    with pytest.raises(UnreadableImage, match=r'no mask y/b\.png'):  # b.png at the top could be another b's
        which(folder, b)
    assert which(MaskFolder(files, [a_jpg, b]), b) == 2


def test_masks_that_cannot_be_used(tmp_path):
    photos = list_photos(touch(tmp_path / 'photos', 'a.png', 'b.png', 'c.png'))
    folder = masks(tmp_path / 'masks', 'a.png')
    (folder / 'b.png').write_bytes(b'no image')
    read = MaskFolder(folder, photos).read
    with pytest.raises(UnreadableImage, match='6x4, the upright photo 4x6; it seems to lie on its side'):
        read(photos[0], np.zeros((6, 4), np.uint8))
    with pytest.raises(UnreadableImage, match=r'its mask .*b\.png: not an image'):
        read(photos[1], np.zeros((4, 6), np.uint8))
    with pytest.raises(UnreadableImage, match='an undamaged photo needs one that is all black'):
        read(photos[2], np.zeros((4, 6), np.uint8))
    with pytest.raises(FileNotFoundError, match='no folder of masks'):
        MaskFolder(tmp_path / 'absent', photos)
    with pytest.raises(FileNotFoundError, match='no masks in'):
        MaskFolder(touch(tmp_path / 'empty', 'x.txt'), photos)
    with pytest.raises(ValueError, match='keep one'):
        MaskFolder(touch(tmp_path / 'two', 'a.png', 'a.jpg'), photos)
    with pytest.raises(ValueError, match=r'none of its 1 files is named like a photograph: it has z\.png'):
        MaskFolder(masks(tmp_path / 'others', 'z.png'), photos)
    (tmp_path / 'pictures').mkdir()
    write_png(tmp_path / 'pictures' / 'a.png', scene(1))
    with pytest.raises(ValueError, match=r'these are no masks; .*looks like a photograph'):
        MaskFolder(tmp_path / 'pictures', photos)


def test_a_long_table_is_read_with_one_look_at_each_folder(tmp_path, monkeypatch):
    """Asking for each file takes long on network drives, and looking at each name for all others at any place."""
    names = [f'many/{index:05d}.png' for index in range(3000)]
    (tmp_path / 'many').mkdir()
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / 'test.csv').write_text('\n'.join(['input_image_path', *names]), encoding='utf-8')
    looks, real = [], os.scandir
    monkeypatch.setattr(os, 'scandir', lambda path: looks.append(path) or real(path))
    assert [photo.name for photo in list_photos(tmp_path / 'test.csv')] == names
    assert len(looks) == 2
