import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support import RECIPE, TINY
from toolbox.config.loading import config_data, load_config
from toolbox.config.options import parse_options
from toolbox.training.checkpoint import read_checkpoint, save_checkpoint, save_model_file
from toolbox.training.load_model import load_model
from toolbox.training.model import RestorationModel


@pytest.fixture(scope='module')
def content():
    options = {**parse_options(TINY), 'data.val_root': '/home/somebody/photos'}
    config = load_config(RECIPE, options, say=lambda _: None)
    torch.manual_seed(0)
    model = RestorationModel(config.model)
    metrics = dict(score=0.5, n=3, epoch=2)
    return dict(
        config=config_data(config), data='digest', model=model.layout.state_dict(), epoch=2, step=7, metrics=metrics
    )


@pytest.fixture
def file(content, tmp_path):
    path = tmp_path / 'model.safetensors'
    save_model_file(content, path)
    return path


def test_a_model_file_is_read_like_the_checkpoint_it_came_from(content, file, tmp_path):
    save_checkpoint(content, tmp_path / 'best.pth')
    image, mask = torch.rand(1, 1, 24, 24), torch.zeros(1, 1, 24, 24)
    restored = []
    for path in (tmp_path / 'best.pth', file):
        model, _, read = load_model(path)
        assert read['metrics'] == content['metrics']
        assert all(value.dtype == torch.float32 for value in read['model'].values() if value.is_floating_point())
        with torch.no_grad():
            restored.append(model.restore(image, mask).rgb)
    torch.testing.assert_close(*restored, atol=0.02, rtol=0)
    assert file.stat().st_size < 0.7 * (tmp_path / 'best.pth').stat().st_size


def test_nothing_of_a_persons_folders_goes_along(file):
    assert b'somebody' not in file.read_bytes()
    assert read_checkpoint(file)['config']['data']['val_root'] is None


def test_equal_content_makes_equal_bytes(content, file, tmp_path):
    save_model_file(content, tmp_path / 'again.safetensors')
    assert (tmp_path / 'again.safetensors').read_bytes() == file.read_bytes()


@pytest.mark.parametrize('position', [0.3, 0.6, 0.999])
def test_a_flipped_bit_is_told(file, position):
    damaged = bytearray(file.read_bytes())
    damaged[int(position * len(damaged))] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(ValueError, match='damaged'):
        read_checkpoint(file)


@pytest.mark.parametrize(
    ('metadata', 'message'),
    [
        (None, 'weights without a config'),
        ({'huefill': 'import os'}, 'damaged or no model file'),
        ({'huefill': '[]'}, 'damaged or no model file'),
        ({'huefill': '{"checksum": "x"}'}, 'its header has the keys'),
        ({'huefill': '[' * 100_000}, 'damaged or no model file'),
    ],
)
def test_other_safetensors_are_errors_in_words(file, metadata, message):
    save_file(load_file(file), file, metadata=metadata)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(file)


def test_another_config_does_not_have_the_digest(file):
    from safetensors import safe_open

    with safe_open(file, framework='pt') as opened:
        header = json.loads(opened.metadata()['huefill'])
    header['config']['seed'] = 43
    save_file(load_file(file), file, metadata={'huefill': json.dumps(header)})
    with pytest.raises(ValueError, match='checksum'):
        read_checkpoint(file)


def test_any_bytes_are_an_error(tmp_path):
    for content in (b'', b'{}', bytes(range(256)) * 10):
        (tmp_path / 'x.safetensors').write_bytes(content)
        with pytest.raises(ValueError, match='damaged or no model file'):
            read_checkpoint(tmp_path / 'x.safetensors')


def test_the_name_says_what_it_is(content, tmp_path):
    with pytest.raises(ValueError, match=r'is called \*\.safetensors'):
        save_model_file(content, tmp_path / 'model.pth')
