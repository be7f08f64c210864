"""A disk becomes read-only while a tool works: one sentence, what was there stays, and the same command goes on."""

import json
import shutil
from pathlib import Path

import pytest

from tests.disks import BreakingDisk, needs_loop
from tests.infer.support import damaged_scene, save_random_model
from tests.support import RECIPE, TINY
from toolbox.cleaning.cache import Cache
from toolbox.images.io import write_png
from toolbox.infer.outputs import Outputs
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.checksum import checksum
from toolbox.training.trainer import Trainer
from tools import clean_data as clean_tool, infer as infer_tool, train as train_tool

QUICK = [*TINY, 'model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'visualizers=[]']
CLEANING = ['embedder.type=ColorTexture', 'reducer.type=PCA', 'reducer.n_components=4', 'detector.type=KNNDistance']


@pytest.fixture
def disk(tmp_path):
    with BreakingDisk(tmp_path / 'disk') as disk:
        yield disk


def break_after(monkeypatch, disk, kind, name, number):
    """Let the disk become read-only when a method was called so many times."""
    real, calls = getattr(kind, name), []

    def method(*arguments, **named):
        answer = real(*arguments, **named)
        calls.append(name)
        if len(calls) == number:
            disk.become_read_only()
        return answer

    monkeypatch.setattr(kind, name, method)


def told(capfd, disk, *words):
    """What was said against the disk, once and without a traceback."""
    error = capfd.readouterr().err
    assert 'Traceback' not in error
    assert 'Logging error' not in error
    (line,) = [line for line in error.splitlines() if line.startswith('error:')]
    assert str(disk.folder) in line
    for word in words:
        assert word in line


@needs_loop
def test_in_a_training(disk, photo_folder, tmp_path, monkeypatch, capfd):
    def train(folder, *more):
        where = ['--data-root', str(photo_folder), '--work-dir', str(folder)]
        return train_tool.main([RECIPE, *where, *more, '--cfg-options', *QUICK, 'train_cfg.max_epochs=2'])

    assert train(tmp_path / 'undisturbed') == 0
    run = disk.folder / 'run'
    with monkeypatch.context() as patch:
        break_after(patch, disk, Trainer, 'save', 1)
        capfd.readouterr()
        assert train(run) == 2
    told(capfd, disk, 'the same command with --resume goes on')
    # Moved to another disk: train.log, which this process has open, keeps the broken one as it is.
    run = Path(shutil.copytree(run, tmp_path / 'moved'))
    assert read_checkpoint(run / 'last.pth')['epoch'] == 1
    assert not (run / 'metrics.json').exists()
    assert train(run, '--resume') == 0
    for name in ('last.pth', 'best.pth'):
        same = [checksum(read_checkpoint(folder / name)['model']) for folder in (tmp_path / 'undisturbed', run)]
        assert same[0] == same[1]
    assert json.loads((run / 'metrics.json').read_text()) == read_checkpoint(run / 'best.pth')['metrics']


@needs_loop
@pytest.mark.parametrize('out', ['out', 'out.zip'])
def test_in_restoring(out, disk, tmp_path, monkeypatch, capfd):
    checkpoint, photos = save_random_model(tmp_path / 'best.pth'), tmp_path / 'photos'
    photos.mkdir()
    for index in range(6):
        write_png(photos / f'{index}.png', damaged_scene(index, 32, 32)[0])

    def infer(folder, *more):
        given = [str(checkpoint), '--input', str(photos), '--out', str(folder / out), '--device', 'cpu']
        return infer_tool.main([*given, '--batch-size', '1', *more])

    def content(folder):
        files = [folder / out] if out.endswith('zip') else (folder / out).glob('*.png')
        return {path.name: path.read_bytes() for path in files}

    assert infer(tmp_path) == 0
    with monkeypatch.context() as patch:
        break_after(patch, disk, Outputs, 'finished', 2)
        capfd.readouterr()
        assert infer(disk.folder) == 2
    told(capfd, disk, 'the same command with --resume goes on')
    disk.mend()
    assert infer(disk.folder, '--resume') == 0
    assert content(disk.folder) == content(tmp_path)


@needs_loop
def test_in_cleaning(disk, photo_folder, tmp_path, monkeypatch, capfd):
    def clean(folder: Path) -> int:
        options = [*CLEANING, 'embedder.batch_size=2', 'stability_seeds=0', 'workers=0']
        return clean_tool.main([str(photo_folder), '--out', str(folder), '--cfg-options', *options])

    assert clean(tmp_path / 'undisturbed') == 0
    with monkeypatch.context() as patch:
        break_after(patch, disk, Cache, 'add', 2)
        capfd.readouterr()
        assert clean(disk.folder / 'out') == 2
    told(capfd, disk, 'the same command goes on where this run stopped')
    disk.mend()
    assert clean(disk.folder / 'out') == 0
    tables = [(folder / 'clean.csv').read_bytes() for folder in (tmp_path / 'undisturbed', disk.folder / 'out')]
    assert tables[0] == tables[1]
