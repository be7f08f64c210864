"""The csv of a cleaning run: written, read, and applied to the photographs of a training."""

from pathlib import Path

import numpy as np
import pytest

from toolbox.data.clean_csv import Row, read_clean_csv, write_clean_csv
from toolbox.data.cleaned import apply_clean_csv
from toolbox.data.manifest import Manifest

NAMES = ['a.jpg', 'b, with "quotes".jpg', 'c\nline.jpg', 'd.jpg', 'e.jpg', 'umlaut ä.jpg']
ROWS = [
    Row(NAMES[0], 0, 0.25, True, '', 3),
    Row(NAMES[1], 0, 0.25, True, 'stored as CMYK, converted', 3),
    Row(NAMES[2], -1, 0.875, False, 'noise: far from all other images', None),
    Row(NAMES[3], 1, 0.0, True, '', None),
    Row(NAMES[4], None, None, False, 'tiny: 20x28 px', None),
    Row(NAMES[5], 2, 1.0, True, '', None),
]


def write(path: Path, rows: list[Row] = ROWS) -> Path:
    write_clean_csv(path, rows)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / 'clean.csv')
    assert list(read_clean_csv(path).values()) == ROWS
    assert path.read_text(encoding='utf-8').splitlines()[0] == 'image,label,score,keep,reason,group'
    assert [file.name for file in tmp_path.iterdir()] == ['clean.csv']


def test_a_name_that_is_no_text_survives(tmp_path: Path) -> None:
    name = b'\xff.jpg'.decode('utf-8', 'surrogateescape')
    path = write(tmp_path / 'clean.csv', [Row(name, None, None, True, '', None)])
    assert list(read_clean_csv(path)) == [name]


def test_a_table_made_by_hand_needs_two_columns(tmp_path: Path) -> None:
    path = tmp_path / 'mine.csv'
    path.write_text('keep,image\n1,a.jpg\n0,b.jpg\n')
    assert read_clean_csv(path)['b.jpg'] == Row('b.jpg', None, None, False, '', None)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('image,label\na.jpg,1\n', 'expected the columns image, label'),
        ('', 'got none'),
        ('image,keep\na.jpg,yes\n', r'line 2: expected an image and keep = 0 or 1'),
        ('image,keep\na.jpg\n', r'line 2: expected an image and keep = 0 or 1'),
        ('image,keep\na.jpg,1\na.jpg,0\n', r'line 3: a.jpg is listed twice'),
        ('image,keep,group\na.jpg,1,x\n', r'line 2: label and group are whole numbers'),
    ],
)
def test_what_is_no_such_table_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / 'clean.csv'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_clean_csv(path)


def test_a_missing_csv_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'tools/clean_data.py DIR --out DIR'):
        read_clean_csv(tmp_path / 'clean.csv')


def apply(names: list[str], groups: np.ndarray | None = None):
    manifest = Manifest(Path('photos'), names, groups=groups)
    return apply_clean_csv(manifest, {row.image: row for row in ROWS}, 'clean.csv')


def test_photographs_are_left_out_for_the_reasons_of_the_csv() -> None:
    cleaned = apply([*NAMES, 'new.jpg'])
    assert list(cleaned.photos.names) == [NAMES[0], NAMES[1], NAMES[3], NAMES[5]]
    assert cleaned.labels.tolist() == [0, 0, 1, 2]
    assert cleaned.left_out == {'noise': 1, 'tiny': 1, 'not in the csv': 1}
    assert str(cleaned) == '4 photos stay, 3 are left out: 1 noise, 1 tiny, 1 not in the csv'


def test_what_is_no_image_is_left_out_always() -> None:
    rows = {row.image: row for row in [*ROWS, Row('g.jpg', None, None, False, 'unreadable: truncated', None)]}
    manifest = Manifest(Path('photos'), [*NAMES, 'g.jpg', 'new.jpg'])
    cleaned = apply_clean_csv(manifest, rows, 'clean.csv', drop=False)
    assert list(cleaned.photos.names) == [*NAMES, 'new.jpg']
    assert cleaned.keep.tolist() == [True, True, False, True, False, True, False]


def test_groups_of_duplicates_and_scenes_are_joined() -> None:
    groups = apply(NAMES, np.array([7, 8, 9, 8, 9, 5])).photos.groups
    assert groups[0] == groups[1]  # the csv's group
    assert groups[1] == groups[2]  # the data set's scene
    assert groups[3] != groups[0]


def test_without_groups_all_are_alone() -> None:
    rows = {name: Row(name, 0, 0.0, True, '', None) for name in NAMES}
    assert apply_clean_csv(Manifest(Path(), NAMES), rows, 'clean.csv').photos.groups is None


def test_the_csv_of_other_photographs_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"clean.csv lists none of the 1 photographs .*'train_gt/a.jpg'"):
        apply(['train_gt/a.jpg'])


def test_a_csv_that_keeps_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match='keeps none of the 1 photographs'):
        apply([NAMES[2]])
