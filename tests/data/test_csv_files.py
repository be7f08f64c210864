"""Tables as programs write them and as spreadsheets save them, and names in either spelling."""

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from tests.support import scene
from toolbox.data.clean_csv import Row, read_clean_csv
from toolbox.data.cleaned import apply_clean_csv
from toolbox.data.csv_files import read_rows
from toolbox.data.sources import open_source
from toolbox.images.archive import open_submission
from toolbox.infer.listing import list_photos, output_names
from toolbox.infer.masks import MaskFolder
from toolbox.system.names import fitting

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, 'é ü 각.png') for form in ('NFC', 'NFD'))
CLEAN = 'image,label,score,keep,reason,group\na.png,0,0.5,1,,2\nb.png,-1,1,0,noise: far,\n'
EXPECTED = {
    'a.png': Row('a.png', 0, 0.5, True, '', 2),
    'b.png': Row('b.png', -1, 1.0, False, 'noise: far', None),
}


def save(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(0, 8, 8)).save(path)
    return path


@pytest.mark.parametrize(
    'content',
    [
        CLEAN.encode(),
        b'\xef\xbb\xbf' + CLEAN.replace('\n', '\r\n').encode(),
        CLEAN.encode('utf-16'),
        CLEAN.encode('utf-16-le'),
        CLEAN.encode('utf-16-be'),
        CLEAN.replace(',', ';').replace('0.5', '0,5').encode(),
        CLEAN.replace(',', '\t').encode('utf-16'),
        b'image,label,score,keep,reason,group\na.png,0.0,0.5,1.0,,2.0\nb.png,-1.0,1.0,0.0,noise: far,nan\n',
        b',image,label,score,keep,reason,group\n0,a.png,0,0.5,True,,2.0\n1,b.png,-1,1.0,False,noise: far,\n',
        b'"image";"keep";"label";"score";"reason";"group"\n\na.png;TRUE;0;0.5;;2\nb.png;FALSE;-1;1;noise: far\n',
    ],
)
def test_a_clean_csv_that_went_through_another_program(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'clean.csv').write_bytes(content)
    assert read_clean_csv(tmp_path / 'clean.csv') == EXPECTED


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'expected the columns image, label, score, keep, reason, group, got none'),
        (b'\0' * 70, 'expected the columns image'),
        (b'\x89PNG\r\n\x1a\n', 'expected the columns image'),
        (b'image,keep\na.png,2\n', "line 2: expected an image and keep = 0 or 1, got 'a.png' and '2'"),
        (b'image,keep,label\na.png,1,0.5\n', 'line 2: label and group are whole numbers'),
        (b'image,keep,label\na.png,1,inf\n', 'line 2: label and group are whole numbers'),
        (b'image,keep\na.png,1\na.png,1\n', 'line 3: a.png is listed twice'),
        (b'image,keep\n"' + b'x' * 200_000 + b'",1\n', 'line 2|field larger than field limit'),
        ('image,keep\na.png,1'.encode('utf-16')[:-1], 'no table that can be read|truncated'),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / 'clean.csv').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_clean_csv(tmp_path / 'clean.csv')


def test_lines_are_counted_as_editors_do(tmp_path: Path) -> None:
    (tmp_path / 'x.csv').write_text('a,b\n1,2\n\n"3\n4",5\n')
    assert list(read_rows(tmp_path / 'x.csv', ('a',))) == [(2, {'a': '1', 'b': '2'}), (5, {'a': '3\n4', 'b': '5'})]


def test_a_table_of_another_code_page_is_called_so(tmp_path: Path) -> None:
    save(tmp_path / 'photos' / 'train_gt' / COMPOSED)
    (tmp_path / 'photos' / 'train.csv').write_bytes(
        'input_image_path,gt_image_path\nx.png,train_gt/é.png\n'.encode('cp1252')
    )
    with pytest.raises(FileNotFoundError, match='not in UTF-8: save it as "CSV UTF-8"'):
        open_source(tmp_path / 'photos')
    (tmp_path / 'test.csv').write_bytes('input_image_path\nphotos/é.png\n'.encode('cp1252'))
    with pytest.raises(FileNotFoundError, match='not in UTF-8: save it as "CSV UTF-8"'):
        list_photos(tmp_path / 'test.csv')
    save(tmp_path / 'plain' / 'a.png')
    (tmp_path / 'clean.csv').write_bytes('image,keep\na.png,1\né.png,1\n'.encode('cp1252'))
    with pytest.raises(ValueError, match='not in UTF-8: save it as "CSV UTF-8"'):
        apply_clean_csv(open_source(tmp_path / 'plain'), read_clean_csv(tmp_path / 'clean.csv'), 'clean.csv')


@pytest.mark.parametrize(('on_disk', 'listed'), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_names_that_look_the_same_are_the_same(tmp_path: Path, on_disk: str, listed: str) -> None:
    photo = save(tmp_path / 'photos' / 'train_gt' / on_disk)
    save(tmp_path / 'photos' / 'train_input' / on_disk)
    row = f'train_input/{listed},train_gt/{listed}'
    (tmp_path / 'photos' / 'train.csv').write_text(f'input_image_path,gt_image_path\n{row}\n', encoding='utf-8')
    found = open_source(tmp_path / 'photos')
    assert found[0].path == photo
    assert found.num_damaged == 1

    table = photo.parent / 'test.csv'
    table.write_text(f'input_image_path\n{listed}\n', encoding='utf-8')
    (listed_photo,) = list_photos(table, flat=True)
    assert (listed_photo.path, listed_photo.output) == (photo, listed)

    rows = {f'train_gt/{listed}': Row(f'train_gt/{listed}', 3, 0.1, True, '', None)}
    assert apply_clean_csv(found, rows, 'clean.csv').labels.tolist() == [3]

    Image.new('L', (8, 8)).save(save(tmp_path / 'masks' / listed))
    folder = MaskFolder(tmp_path / 'masks', list_photos(photo))
    assert folder._file(list_photos(photo)[0]) == tmp_path / 'masks' / listed

    submission = open_submission(save(tmp_path / 'submission' / on_disk).parent, max_files=9)
    assert submission.names == [COMPOSED]
    assert submission.read(COMPOSED, 10_000).startswith(b'\x89PNG')


def test_names_too_long_are_shortened_and_stay_different() -> None:
    long = 'ü' * 125 + 'x'  # 251 bytes
    outputs = output_names([f'a/{long}.jpg', f'a/{long}.png', 'b.jpg'])
    assert len(set(outputs)) == 3
    assert all(len(name.encode()) <= 255 for name in (Path(output).name for output in outputs))
    assert all(output.startswith('a/üüü') and output.endswith('.png') for output in outputs[:2])
    assert outputs[2] == 'b.png'
    assert fitting('short', '.png') == 'short.png'
    assert len(fitting('\udcff' * 300).encode('utf-8', 'surrogateescape')) <= 255
