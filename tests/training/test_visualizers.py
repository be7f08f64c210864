"""Figures reach mmengine's back ends by one config line, and what cannot be had is said before training."""

import importlib.util
import json

import pytest

from tests.training import processes
from tools import train as train_tool

QUICK = (
    'model.layout.type=OneStage',
    'model.decoder.type=Unet',
    'data.batch_size=1',
    'data.repeat=2',
    'sample_images=0',
)


def train(photos, folder, *options):
    return train_tool.main(processes.command(photos, folder, *QUICK, *options))


def test_a_back_end_gets_the_lines_of_scalars(photo_folder, tmp_path):
    backend = "visualizers=[{'type':'LocalVisBackend'}]"
    assert train(photo_folder, tmp_path / 'run', backend, 'train_cfg.max_epochs=1') == 0
    lines = [json.loads(line) for line in (tmp_path / 'run/scalars.jsonl').read_text().splitlines()]
    [written] = (tmp_path / 'run').rglob('scalars.json')
    seen = [json.loads(line) for line in written.read_text().splitlines()]
    assert len(lines) == len(seen) == 2
    assert {'lr', 'loss', 'loss_L1_rgb', 'photos_per_second', 'step'} <= lines[0].keys() & seen[0].keys()
    assert {'val_score', 'val_ssim', 'val_masked_ssim', 'val_hue_similarity'} <= lines[1].keys() & seen[1].keys()
    assert seen[0]['loss'] == pytest.approx(lines[0]['loss'])


@pytest.mark.skipif(importlib.util.find_spec('tensorboard') is None, reason='needs tensorboard')
def test_tensorboard_is_there_by_default(photo_folder, tmp_path):
    assert train(photo_folder, tmp_path / 'run', 'train_cfg.max_epochs=1') == 0
    assert list((tmp_path / 'run').rglob('events.out.tfevents.*'))


@pytest.mark.parametrize(
    ('backend', 'message'),
    [
        ("[{'type':'TensorBoardVisBackend'}]", "did you mean 'TensorboardVisBackend'"),
        ("[{'type':'LocalVisBackend','colour':1}]", 'colour'),
        ("['LocalVisBackend']", 'expected dict'),
    ],
)
def test_what_cannot_be_had_is_said(photo_folder, tmp_path, capsys, backend, message):
    assert train(photo_folder, tmp_path / 'run', f'visualizers={backend}') == 2
    assert message in capsys.readouterr().err
