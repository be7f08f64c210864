"""`tools/infer.py`, run as a person runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from tests.infer.support import damaged_scene, save_random_model
from tests.support import scene
from toolbox.data.dataset import ValidationDataset
from toolbox.data.loaders import validation_loader
from toolbox.data.sources import open_source
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import read_gray, read_rgb, write_png
from toolbox.images.mask_files import read_mask
from toolbox.system.cli import SOME_FAILED
from toolbox.system.paths import REPOSITORY
from toolbox.training.load_model import load_model
from tools import infer as infer_tool, test as test_tool


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return save_random_model(tmp_path_factory.mktemp('model') / 'best.pth')


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def infer(*arguments) -> int:
    return infer_tool.main([*map(str, arguments), '--device', 'cpu'])


def damaged_photos(folder: Path, num: int, side: int = 32) -> Path:
    folder.mkdir(parents=True)
    for index in range(num):
        write_png(folder / f'TEST_{index:03d}.png', damaged_scene(index % 200, side, side)[0])
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def failures(path) -> dict[str, str]:
    with open(path, newline='', encoding='utf-8') as file:
        return {row['file']: row['reason'] for row in csv.DictReader(file)}


@torch.no_grad()
def validated(checkpoint: Path, photos: Path) -> dict[str, np.ndarray]:
    """The bytes that validation measures, by the photograph's name."""
    model, config, _ = load_model(checkpoint)
    dataset = ValidationDataset(open_source(photos), config.data, config.seed)
    outcomes = [
        outcome
        for batches in validation_loader(dataset, config.data.batch_size, workers=0)
        for outcome in model.val_step(batches)
    ]
    return {
        name: rgb.permute(1, 2, 0).numpy()
        for outcome in outcomes
        for name, rgb in zip(outcome.batch.names, outcome.rgb, strict=True)
    }


@pytest.mark.parametrize('options', [[], ['model.layout.type=MaskAware'], ['data.reduce=False', 'data.batch_size=2']])
def test_infer_writes_the_very_bytes_that_test_scores(workplace, photo_folder, options):
    checkpoint = save_random_model(workplace / 'best.pth', f'data.root={photo_folder}', *options)
    assert test_tool.main(['configs/unetpp_cbam_b4.py', str(checkpoint), '--export', 'set', '--json', 'test.json']) == 0
    assert infer(checkpoint, '--input', 'set/test.csv', '--out', 'submission.zip') == 0
    assert infer(checkpoint, '--input', 'set/test_input', '--out', 'folder') == 0

    for name, expected in validated(checkpoint, photo_folder).items():
        assert np.array_equal(read_rgb(f'folder/{Path(name).stem}.png'), expected)

    submission = ['--submission', 'submission.zip', '--gt', 'set/test_gt', '--masks', 'set/test_masks']
    assert test_tool.main([*submission, '--json', 'submission.json']) == 0
    by_test, by_zip = (json.loads(Path(file).read_text()) for file in ('test.json', 'submission.json'))
    assert by_zip['score'] == pytest.approx(by_test['score'], abs=1e-12)


def test_any_file_is_restored_or_listed(workplace, checkpoint, capsys):
    photos = Path('photos')
    (photos / 'trip ü 図').mkdir(parents=True)
    gray = damaged_scene(1, 60, 50)[0]
    colors = Image.fromarray(scene(1, 60, 50))
    colors.save(photos / 'a.jpg')
    colors.convert('CMYK').save(photos / 'a.tif')
    colors.convert('P').save(photos / 'palette.gif')
    Image.fromarray(gray > 90).save(photos / 'one bit.png')
    Image.fromarray(gray.astype(np.uint16) * 257).save(photos / 'deep.png')
    colors.save(photos / 'trip ü 図' / 'modern.webp')
    colors.save(photos / 'trip ü 図' / 'newer.avif')
    colors.save(photos / 'turned.jpg', exif=b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0')
    (photos / 'cut.jpg').write_bytes((photos / 'a.jpg').read_bytes()[:-400])
    (photos / 'bomb.gif').write_bytes(
        b'GIF89a' + bytes([255] * 4) + bytes(3) + b',' + bytes(4) + bytes([255] * 4) + bytes(20)
    )
    (photos / 'text.png').write_text('no image')
    (photos / 'from a phone.heic').write_bytes(b'x')

    assert infer(checkpoint, '--input', 'photos', '--out', 'out', '--masks', 'none') == 3
    listed = failures('out/failures.csv')
    assert set(listed) == {'bomb.gif', 'cut.jpg', 'text.png'}
    assert 'too large' in listed['bomb.gif']
    restored = {str(path.relative_to('out')) for path in Path('out').rglob('*.png')}
    assert restored == {
        *('a.jpg.png', 'a.tif.png', 'palette.png', 'one bit.png', 'deep.png', 'turned.png'),
        *('trip ü 図/modern.png', 'trip ü 図/newer.png'),
    }
    assert np.abs(read_gray('out/a.jpg.png').astype(int) - read_gray(photos / 'a.jpg')).max() <= 1
    with Image.open('out/turned.png') as turned, Image.open(photos / 'turned.jpg') as given:
        assert turned.size == given.size[::-1]
    printed = capsys.readouterr()
    assert '8 restored' in printed.out
    assert '3 failed' in printed.out
    assert 'a color photo, reduced to gray: 6' in printed.out
    assert '1 x .heic' in printed.out
    assert 'cut.jpg: image file is truncated' in printed.err


def test_saved_masks_are_taken_again_and_hold_the_hole(workplace, checkpoint):
    damaged_photos(Path('photos'), 3, side=64)
    assert infer(checkpoint, '--input', 'photos', '--out', 'found', '--save-masks', 'masks') == 0
    assert np.array_equal(read_mask('masks/TEST_001.png').hole, damaged_scene(1, 64, 64)[1])
    assert infer(checkpoint, '--input', 'photos', '--out', 'given', '--masks', 'masks') == 0
    assert infer(checkpoint, '--input', 'photos', '--out', 'none', '--masks', 'none') == 0
    for name in ('TEST_000.png', 'TEST_001.png'):
        assert np.array_equal(read_rgb(f'found/{name}'), read_rgb(f'given/{name}'))
        assert np.abs(read_gray(f'none/{name}').astype(int) - read_gray(f'photos/{name}')).max() <= 1
    Path('masks/TEST_002.png').unlink()
    assert infer(checkpoint, '--input', 'photos', '--out', 'lacking', '--masks', 'masks') == 3
    assert 'no mask TEST_002.png' in failures('lacking/failures.csv')['TEST_002.png']


def test_metadata_and_alpha(workplace, checkpoint):
    photo = Image.fromarray(gray_from_rgb(scene(0)))
    photo.putalpha(100)
    exif = photo.getexif()
    exif[0x010F], exif[0x0112] = 'A camera', 6
    photo.save('photo.png', exif=exif)
    assert infer(checkpoint, '--input', 'photo.png', '--out', 'plain') == 0
    assert infer(checkpoint, '--input', 'photo.png', '--out', 'kept', '--keep-metadata') == 0
    for folder, expected in (('plain', {}), ('kept', {0x010F: 'A camera'})):
        with Image.open(f'{folder}/photo.png') as restored:
            assert restored.mode == 'RGBA'
            assert restored.getchannel('A').getextrema() == (100, 100)
            assert dict(restored.getexif()) == expected


def test_submissions_are_complete_or_not_made(workplace, checkpoint, capsys):
    damaged_photos(Path('photos'), 5)
    broken = Path('photos/TEST_003.png')
    whole = broken.read_bytes()
    broken.write_bytes(whole[:300])
    arguments = (checkpoint, '--input', 'photos', '--out', 'x.zip', '--batch-size', 2)
    assert infer(*arguments) == 3
    assert not Path('x.zip').exists()
    assert set(failures('x.failures.csv')) == {'TEST_003.png'}
    assert 'repeat with --resume' in capsys.readouterr().err
    broken.write_bytes(whole)
    assert infer(*arguments) == 2  # the parts of the first try are there
    assert infer(*arguments, '--resume') == 0
    assert '2 restored' in (printed := capsys.readouterr().out)  # the batch that it is in
    assert '3 were there already' in printed
    assert sorted(path.name for path in Path().iterdir()) == ['photos', 'x.zip']
    with zipfile.ZipFile('x.zip') as archive:
        assert archive.namelist() == [f'TEST_{index:03d}.png' for index in range(5)]
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    assert infer(checkpoint, '--input', 'photos', '--out', 'y.zip', '--batch-size', 2) == 0
    assert Path('x.zip').read_bytes() == Path('y.zip').read_bytes()
    assert infer(*arguments) == 2
    assert 'x.zip exists already' in capsys.readouterr().err


def test_a_resumed_job_is_the_same_job(workplace, checkpoint, capsys):
    damaged_photos(Path('photos'), 3)
    arguments = (checkpoint, '--input', 'photos', '--out', 'out')
    assert infer(*arguments, '--resume') == 0  # nothing to resume: from the beginning
    before = contents(Path('out'))
    assert infer(*arguments) == 2
    assert 'add --resume' in capsys.readouterr().err
    assert infer(*arguments, '--resume', '--tta', 'flip') == 2
    assert 'tta was "none", is "flip"' in capsys.readouterr().err
    Path('out/TEST_001.png').unlink()
    assert infer(*arguments, '--resume') == 0
    assert '3 restored' in capsys.readouterr().out  # one batch
    assert contents(Path('out')) == before
    write_png('photos/TEST_003.png', damaged_scene(3)[0])
    assert infer(*arguments, '--resume') == 2
    assert 'photos was "3' in capsys.readouterr().err


def test_a_folder_of_other_masks_is_one_error_and_nothing_is_written(workplace, capsys):
    damaged_photos(Path('photos'), 3)
    damaged_photos(Path('pictures'), 3)
    Path('best.pth').touch()
    Path('masks').mkdir()
    write_png('masks/other.png', damaged_scene(1, 32, 32)[1] * np.uint8(255))
    for folder, message in (('masks', 'none of its 1 files is named like a photograph'), ('pictures', 'are no masks')):
        assert infer('best.pth', '--input', 'photos', '--out', 'out', '--masks', folder) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count('\n') == 1
    assert sorted(path.name for path in workplace.iterdir()) == ['best.pth', 'masks', 'photos', 'pictures']


def test_a_doubtful_hole_is_left_alone_and_an_inverted_mask_turned(workplace, checkpoint, capsys):
    gray, hole = damaged_scene(1, 64, 64)
    flat = gray_from_rgb(skimage.data.chelsea())[100:228, 100:228].copy()
    flat[:40] = np.clip(np.arange(128) // 12 + np.arange(40)[:, None] // 5 + 240, 0, 255)  # a sky, blown out
    Path('photos').mkdir()
    write_png('photos/damaged.png', gray)
    write_png('photos/sky.png', flat)
    assert infer(checkpoint, '--input', 'photos', '--out', 'out', '--save-masks', 'masks') == 0
    said = capsys.readouterr().out
    assert 'the photo is colored as it is' in said
    assert 'sky.png' in said
    assert not read_mask('masks/sky.png').hole.any()
    assert np.array_equal(read_mask('masks/damaged.png').hole, hole)

    write_png('masks/damaged.png', (1 - hole) * np.uint8(255))
    arguments = ['--input', 'photos', '--masks', 'masks', '--save-masks', 'used']
    assert infer(checkpoint, *arguments, '--out', 'again') == 0
    assert 'it was inverted: 1 (damaged.png)' in capsys.readouterr().out
    assert np.array_equal(read_mask('used/damaged.png').hole, hole)


@pytest.mark.parametrize('out', ['out', 'x.zip'])
def test_after_a_job_without_outputs_the_corrected_command_works(workplace, checkpoint, out, capsys):
    damaged_photos(Path('photos'), 2)
    height, width = read_gray(Path('photos/TEST_000.png')).shape
    for folder, shape in (('wrong', (height, 3 * width)), ('right', (height, width))):
        mask = np.zeros(shape, np.uint8)
        mask[4:9, 4:9] = 255
        Path(folder).mkdir()
        for name in ('TEST_000', 'TEST_001'):
            write_png(f'{folder}/{name}.png', mask)
    arguments = (checkpoint, '--input', 'photos', '--out', out)
    assert infer(*arguments, '--masks', 'wrong') == SOME_FAILED
    assert infer(*arguments, '--masks', 'right') == 0, capsys.readouterr().err
    assert Path(out).exists()


def test_nothing_of_a_person_is_overwritten(workplace, checkpoint, capsys):
    damaged_photos(Path('photos'), 1)
    assert infer(checkpoint, '--input', 'photos', '--out', 'photos') == 2
    assert infer(checkpoint, '--input', 'photos/TEST_000.png', '--out', 'photos') == 2
    assert 'TEST_000.png exists already' in capsys.readouterr().err
    assert infer(checkpoint, '--input', 'photos', '--out', 'out', '--save-masks', 'photos') == 2
    assert infer(checkpoint, '--input', 'photos', '--out', 'photos/TEST_000.png') == 2
    assert infer(checkpoint, '--input', 'photos', '--out', 'out', '--save-masks', 'out') == 2
    assert '--save-masks out is --out as well' in capsys.readouterr().err
    assert infer(checkpoint, '--input', 'photos/TEST_000.png', '--out', 'restored.jpg') == 2
    assert 'give a folder' in capsys.readouterr().err


def test_run_folders_stand_for_their_best_checkpoints(workplace, capsys):
    damaged_photos(Path('photos'), 1)
    for fold in range(2):
        Path(f'run/fold_{fold}').mkdir(parents=True)
        save_random_model(Path(f'run/fold_{fold}/best.pth'), seed=fold, score=fold + 1)
    two = ('run/fold_0/best.pth', 'run/fold_1')
    assert infer('run', '--input', 'photos', '--out', 'folds', '--weights', 'score') == 0
    assert infer(*two, '--input', 'photos', '--out', 'files', '--weights', '1,2') == 0
    assert infer('run', '--input', 'photos', '--out', 'average', '--average-checkpoints') == 0
    output = {name: Path(name, 'TEST_000.png').read_bytes() for name in ('folds', 'files', 'average')}
    assert output['folds'] == output['files'] != output['average']
    printed = capsys.readouterr().out
    assert '1 photo; 2 models, their predictions averaged: run/fold_0/best.pth (33.3%), run/fold_1/best.pth' in printed
    assert 'one model, the average of the weights of run/fold_0/best.pth, run/fold_1/best.pth' in printed


def test_what_is_no_checkpoint(workplace, checkpoint, capsys):
    damaged_photos(Path('photos'), 1)
    Path('config.py').write_text('model = dict()')
    assert infer('config.py', '--input', 'photos', '--out', 'out') == 2
    assert 'config.py is no checkpoint: give the best.pth' in capsys.readouterr().err
    Path('runs/001').mkdir(parents=True)
    Path('runs/001/best.pth').write_bytes(checkpoint.read_bytes())
    assert infer('runs', '--input', 'photos', '--out', 'out') == 2
    assert 'the newest below it is runs/001' in capsys.readouterr().err
    assert infer('runs/001', '--weights', '1,2', '--input', 'photos', '--out', 'out') == 2
    assert '2 x --weights for 1 checkpoint (runs/001/best.pth)' in capsys.readouterr().err
    Path('a file').touch()
    assert infer(checkpoint, '--input', 'photos', '--out', 'a file/out') == 2
    assert 'this folder cannot be made' in capsys.readouterr().err


def run_tool(*arguments, **environment) -> subprocess.Popen:
    command = [sys.executable, str(REPOSITORY / 'tools' / 'infer.py'), *map(str, arguments), '--device', 'cpu']
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_outputs(folder: Path, num: int) -> None:
    while len(list(folder.glob('TEST_*.png'))) < num:
        time.sleep(0.005)


@pytest.fixture
def ctrl_c_interrupts():
    """As on a terminal; a shell starts background jobs, the tests among them, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures('ctrl_c_interrupts')
def test_five_hundred_photos_interrupted_killed_and_resumed(workplace, checkpoint):
    damaged_photos(Path('photos'), 500, side=16)
    # Processes of their own, as people start them: torch's state in this one is that of all tests before.
    arguments = (checkpoint, '--input', 'photos', '--batch-size', 6)
    whole = run_tool(*arguments, '--out', 'whole')

    out = Path('out')
    process = run_tool(*arguments, '--out', 'out')
    wait_for_outputs(out, 60)
    process.kill()
    process.communicate()
    num_killed = len(list(out.glob('*.png')))
    assert 60 <= num_killed < 400
    (out / '.0123456789abcdef.tmp').write_bytes(b'half a file')  # what a kill can leave

    process = run_tool(*arguments, '--out', 'out', '--resume')
    wait_for_outputs(out, num_killed + 60)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert len(list(out.glob('*.png'))) < 500
    assert all(read_rgb(path).shape == (16, 16, 3) for path in out.glob('*.png'))
    assert not list(out.glob('.*'))

    process = run_tool(*arguments, '--out', 'out', '--resume')
    process.communicate()
    whole.communicate()
    assert process.returncode == whole.returncode == 0
    assert contents(out) == contents(Path('whole'))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('absent.pth', '--input', 'photos', '--out', 'out'), 'no checkpoint absent.pth'),
        (('best.pth', '--input', 'absent', '--out', 'out'), 'no file or folder absent'),
        (('best.pth', '--input', 'photos', '--out', 'out', '--masks', 'absent'), 'no folder of masks absent'),
        (('best.pth', '--input', 'photos', '--out', 'out', '--weights', '1;2'), 'expected numbers like 1,2,1'),
        (('best.pth', '--input', 'photos', '--out', 'out', '--batch-size', '0'), 'from 1 on'),
    ],
)
def test_what_cannot_work_is_said_before_torch_is_imported(workplace, arguments, message):
    damaged_photos(Path('photos'), 1)
    Path('best.pth').touch()
    Path('shadow').mkdir()
    Path('shadow/torch.py').write_text('raise SystemExit("torch was imported")')
    process = run_tool(*arguments, PYTHONPATH='shadow')
    _, errors = process.communicate()
    assert process.returncode == 2
    assert message in errors
    assert 'Traceback' not in errors
    assert 'torch was imported' not in errors
