"""Tools on folders in which something is odd: the rest is worked on, and what is odd is told."""

import csv
import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.infer.support import damaged_scene, save_random_model
from tests.support import RECIPE, TINY, scene
from toolbox.config.loading import load_config
from toolbox.images.io import write_png
from toolbox.training import run_folder
from toolbox.training.testing import score_model
from tools import infer as infer_tool, train as train_tool


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Damaged photographs among a pipe, a device and links to nowhere."""
    monkeypatch.chdir(tmp_path)
    photos = Path('photos')
    photos.mkdir()
    for index in range(6):
        write_png(photos / f'{index}.png', damaged_scene(index)[0])
    os.mkfifo(photos / 'pipe.png')
    (photos / 'zero.jpg').symlink_to('/dev/zero')
    (photos / 'dangling.png').symlink_to('gone.png')
    (photos / 'loop').symlink_to('loop')
    return photos


def test_infer_restores_the_rest_and_lists_what_is_odd(odd, capsys):
    save_random_model(Path('best.pth'))
    long = 'x' * 251
    for suffix in ('.png', '.jpg'):  # names of 255 bytes that differ in their extension
        Image.fromarray(damaged_scene(9)[0]).save(odd / f'{long}{suffix}')
    decomposed = unicodedata.normalize('NFD', 'é.png')
    write_png(odd / decomposed, damaged_scene(8)[0])
    arguments = ['best.pth', '--input', 'photos', '--out', 'out', '--save-masks', 'masks', '--device', 'cpu']
    assert infer_tool.main(arguments) == 3
    with open('out/failures.csv', newline='') as file:
        failed = {row['file']: row['reason'] for row in csv.DictReader(file)}
    assert set(failed) == {'pipe.png', 'zero.jpg', 'dangling.png'}
    assert len(list(Path('out').glob('*.png'))) == 9
    assert '9 restored' in capsys.readouterr().out
    Path('masks', decomposed).rename(Path('masks', unicodedata.normalize('NFC', 'é.png')))
    for name in failed:
        (odd / name).unlink()
    arguments = ['best.pth', '--input', 'photos', '--out', 'again', '--masks', 'masks', '--device', 'cpu']
    assert infer_tool.main(arguments) == 0


def test_training_goes_on_without_what_is_odd(odd, capsys):
    write_png(odd / 'strip.png', np.random.default_rng(0).integers(0, 256, (1, 64, 3), np.uint8))
    write_png(odd / 'narrow.png', scene(1, 1, 64))
    options = [*TINY, 'data.size=64', 'data.batch_size=1', 'train_cfg.max_epochs=1', 'sample_images=8']
    assert train_tool.main([RECIPE, '--data-root', 'photos', '--work-dir', 'run', '--cfg-options', *options]) == 0
    printed = capsys.readouterr().out
    assert 'passed over: ' in printed
    assert 'dangling.png (a link to a file that is not there)' in printed
    with Image.open('run/samples/epoch_001.png') as grid:
        assert grid.width * grid.height < 20_000_000
    assert json.loads(Path('run/environment.json').read_text())['config'].endswith('configs/unetpp_cbam_b4.py')


def test_a_checkpoint_of_another_config_is_no_checkpoint_of_this_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('run').mkdir()
    save_random_model(Path('run/best.pth'))
    Path('run/config.py').touch()
    Path('run/environment.json').write_text(json.dumps({'config': '/somewhere/palette_b4.py'}))
    with pytest.raises(ValueError, match=r'run/best\.pth is of /somewhere/palette_b4\.py, not of .*unetpp_cbam_b4\.py'):
        score_model(RECIPE, 'run/best.pth')
    Path('other').mkdir()
    Path('other/config.py').write_text(load_config(RECIPE, say=lambda _: None).pretty_text)
    with pytest.raises(ValueError, match=r'run/best\.pth is of run, not of .*other/config\.py'):
        score_model('other', 'run/best.pth')
    Path('run/environment.json').write_text(json.dumps({'config': '/somewhere/unetpp_cbam_b4.py'}))
    with pytest.raises(FileNotFoundError, match='nowhere'):  # of this config: it is scored
        score_model(RECIPE, 'run/best.pth', 'nowhere')


def test_a_run_that_goes_on_from_its_own_config_stays_one_of_the_config_it_was_started_with(tmp_path):
    for config in ('/somewhere/palette_b4.py', str(tmp_path / 'config.py'), None):
        run_folder.record_environment(tmp_path, 'digest', 'float32', {}, config)
    assert run_folder.origin(tmp_path) == '/somewhere/palette_b4.py'
