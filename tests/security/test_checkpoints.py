"""Checkpoints that somebody might send who means no good: none of them runs anything, opens a file or takes long."""

import os
import pickle
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from tests.infer.support import save_random_model
from toolbox.config.loading import config_data, config_from_data, config_text, load_config
from toolbox.infer.averaging import average_checkpoints
from toolbox.infer.ensemble_weights import validation_score
from toolbox.infer.members import load_members
from toolbox.nn.tensor_files import load_tree
from toolbox.nn.weights import read_weights
from toolbox.plugin.registry import MASKS, METRICS, without_files
from toolbox.training.checkpoint import read_checkpoint, save_checkpoint
from toolbox.training.load_model import build_model, checkpoint_config
from toolbox.training.train import config_before


@pytest.fixture(scope='module')
def good(tmp_path_factory) -> dict:
    """The content of a small checkpoint."""
    return read_checkpoint(save_random_model(tmp_path_factory.mktemp('good') / 'best.pth'))


@pytest.fixture
def ran(tmp_path, monkeypatch) -> Path:
    """What an attack makes; the working folder and the path for modules hold a plugin that makes it, too."""
    (tmp_path / 'evil_plugin.py').write_text(f'import os\nos.mkdir({str(tmp_path / "ran")!r})\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / 'ran'
    sys.modules.pop('evil_plugin', None)
    assert not (tmp_path / 'ran').exists()


# The text of a config, as checkpoints used to hold it; RAN stands for the folder that it would make.
TEXTS = {
    'statements': 'import os\nos.mkdir("RAN")\n',
    'an import as a value': 'seed = __import__("os").mkdir("RAN")\n',
    'a way through object': 'seed = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "Popen"]\n',
    'a function': 'def seed():\n    pass\n',
    'a class': 'class seed(metaclass=print):\n    pass\n',
    'a lambda': 'seed = (lambda: open("RAN", "w"))()\n',
    'an f-string': "seed = f\"{open('RAN', 'w')}\"\n",
    'a call in a dict': 'model = dict(layout=dict(type=open("RAN", "w")))\n',
    'unpacking': 'model = dict(**__import__("os").environ)\n',
    'an assignment expression': 'seed = (x := 1)\n',
    'an attribute': 'seed = os.name\n',
    'a decorator': '@print\ndef f(): pass\n',
    'assert': 'assert open("RAN", "w")\n',
    'a with statement': 'with open("RAN", "w"): pass\n',
    'assigned twice': 'seed = 1\nseed = 2\n',
    'a base by file': "_base_ = ['evil_plugin.py']\n",
    'brackets in brackets': 'seed = ' + '(' * 5000 + ')' * 5000 + '\n',
    'a sum of many': 'seed = ' + '+'.join(['1'] * 20_000) + '\n',
    'signs before signs': 'seed = ' + '-' * 100_000 + '1\n',
    'a number of many digits': 'seed = 1' + '0' * 10_000 + '\n',
    'a text without end': 'seed = "' + 'x' * 2_000_000 + '"\n',
    'zero bytes': 'seed = 1\0\n',
    'no text at all': '\x80\x04\x95',
}


@pytest.mark.parametrize('text', TEXTS.values(), ids=TEXTS)
def test_the_text_of_an_older_config_never_runs(text, good, ran):
    content = {**good, 'config': text.replace('RAN', str(ran))}
    with pytest.raises(ValueError, match=r'^stranger\.pth: its config'):
        checkpoint_config(content, 'stranger.pth')


def test_the_text_of_an_older_config_is_read(good):
    config = checkpoint_config(good, 'best.pth')
    assert checkpoint_config({**good, 'config': config_text(config)}, 'old.pth').to_dict() == config.to_dict()


def _itself() -> list:
    value: list = []
    value.append(value)
    return value


def _many_of_many() -> list:
    value = [0]
    for _ in range(40):
        value = [value] * 10
    return value


# What stands in the place of a config, or under a key of a good one.
CONFIGS = {
    'nothing': None,
    'a list': [1, 2],
    'a number': 3,
    'a key that breaks out of the text': {'model': {"a': 1}, seed=__import__('os').mkdir('x'), **{'b": 1, 'c d': 2}},
    'a key that is no string': {3: 4},
    'a tensor': {'seed': torch.ones(1)},
    'a list in itself': {'seed': _itself()},
    'a million in forty': {'seed': _many_of_many()},
    'a key of mmengine': {'filename': '/etc/passwd'},
    'a base': {'_base_': ['evil_plugin.py']},
    'plugins by file': {'custom_imports': ['evil_plugin.py']},
    'plugins by absolute file': {'custom_imports': ['/tmp/../tmp/evil_plugin.py']},
    'plugins by module': {'custom_imports': ['evil_plugin']},
    "plugins as mmengine's dict": {'custom_imports': {'imports': ['evil_plugin']}},
    'plugins by number': {'custom_imports': [1]},
    'a type by dotted path': {'model.layout': {'type': 'os.mkdir', 'name': 'RAN'}},
    'a type that is a list': {'model.layout': {'type': ['TwoStage']}},
    'an optimizer that is a list': {'optimizer': {'type': ['AdamW'], 'lr': 1}},
}


def _changed(good: dict, changes: object) -> object:
    if not isinstance(changes, dict):
        return changes
    config = config_data(checkpoint_config(good, 'best.pth'))
    for path, value in changes.items():
        node = config
        for key in str(path).split('.')[:-1]:
            node = node[key]
        node[path if isinstance(path, int) else path.split('.')[-1]] = value
    return config


@pytest.mark.parametrize('changes', CONFIGS.values(), ids=CONFIGS)
def test_a_config_of_plain_data_is_held_to_be_that(changes, good, ran):
    with pytest.raises(ValueError, match=r'stranger\.pth|custom_imports'):
        checkpoint_config({**good, 'config': _changed(good, changes)}, 'stranger.pth')


def test_plugins_of_a_checkpoint_are_followed_only_when_allowed(good, tmp_path, monkeypatch):
    plugin = tmp_path / 'their_plugin.py'
    plugin.write_text(f'import os\nos.mkdir({str(tmp_path / "ran")!r})\n')
    config = _changed(good, {'custom_imports': [str(plugin)]})
    save_checkpoint({**good, 'config': config}, tmp_path / 'best.pth')
    for load in (load_members, average_checkpoints):
        with pytest.raises(ValueError, match=r'best\.pth asks for .*their_plugin\.py.* add --trust-plugins'):
            load([tmp_path / 'best.pth'], 'score')
    assert not (tmp_path / 'ran').exists()
    own = config_from_data(config, 'best.pth', {'custom_imports': []})  # typed by the person: none
    assert own.custom_imports == []
    resumed = config_before(tmp_path / 'best.pth', {**good, 'config': config}, own)  # with the person's, none
    assert resumed.custom_imports == []
    assert not (tmp_path / 'ran').exists()
    assert load_members([tmp_path / 'best.pth'], trust_plugins=True)
    assert (tmp_path / 'ran').exists()
    assert load_members([tmp_path / 'best.pth'])  # it has run for the person before, and does not run again


# Parts that would build something else than the weights need, or open what they name.
PARTS = {
    'options of a wrong kind': ('model.decoder.decoder_channels', 'many'),
    'more memory than its weights': ('model.decoder.decoder_channels', (16, 16, 10_000_000, 12, 8)),
    'a model from a hub': ('model.encoder', {'type': 'TimmEncoder', 'name': 'hf-hub:evil/model'}),
    'a model from a folder': ('model.encoder', {'type': 'TimmEncoder', 'name': 'local-dir:/etc'}),
    'a model of timm by way of smp': ('model.encoder', {'type': 'SmpEncoder', 'name': 'tu-hf-hub:evil/model'}),
    'other networks': ('model.layout', {'type': 'OneStage'}),
}


@pytest.mark.parametrize(('path', 'value'), PARTS.values(), ids=PARTS)
def test_parts_of_a_checkpoint_build_its_networks_or_nothing(path, value, good, ran):
    content = {**good, 'config': _changed(good, {path: value})}
    words = r'other networks|takes Sequence\[int\]|no model|no encoder|takes more than'
    with pytest.raises(ValueError, match=words):
        build_model(checkpoint_config(content, 'stranger.pth'), good['model'])


@pytest.mark.parametrize('state', [{}, {'a': 'text'}, {1: torch.ones(1)}, {'gray_net.head.weight': [1]}])
def test_weights_that_are_none(state, good):
    config = checkpoint_config(good, 'x.pth')
    with pytest.raises(ValueError, match='of other networks'):
        build_model(config, state)


def test_restoring_opens_no_file_that_a_checkpoint_names(tmp_path):
    os.mkfifo(tmp_path / 'fifo')  # opening it would wait for ever
    pipe = str(tmp_path / 'fifo')
    options = ['model.encoder.type=TimmEncoder', 'model.encoder.name=test_resnet', 'model.encoder.weights=None']
    content = read_checkpoint(save_random_model(tmp_path / 'best.pth', *options))
    changes = {
        'model.encoder': {'type': 'TimmEncoder', 'name': 'test_resnet', 'weights': pipe, 'sha256': '0'},
        'model.losses': [{'type': 'Perceptual', 'on': 'rgb', 'weight': 1, 'weights': pipe}],
        'data.mask': {'type': 'MaskFolder', 'root': pipe},
        'data.val_mask': {'type': 'MaskFolder', 'root': pipe},
        'data.root': pipe,
        'clean_csv': pipe,
        'metrics': [{'type': 'LPIPS', 'trunk': pipe}],
    }
    save_checkpoint({**content, 'config': _changed(content, changes)}, tmp_path / 'evil.pth')
    (member,) = load_members([tmp_path / 'evil.pth'])
    assert validation_score(content, member.config) is None
    with pytest.raises(ValueError, match=r'evil\.pth holds no positive validation score'):
        average_checkpoints([tmp_path / 'evil.pth'], 'score')


def test_parts_that_need_files_are_refused_where_none_are_opened(tmp_path):
    with without_files(), pytest.raises(ValueError, match=r'masks: MaskFolder reads files \(root='):
        MASKS.build(dict(type='MaskFolder', root=str(tmp_path)))
    assert METRICS.get('LPIPS').file_options == ('trunk',)


class _RunsCode:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def _repacked(path: Path, compression: int, **files: bytes) -> None:
    """The archive that is there, written once more, with other or further files."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(content)).partition('/')[0]
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, data in {**content, **{f'{root}/{key}': data for key, data in files.items()}}.items():
            archive.writestr(name, data)


def _pickled(path: Path, ran: Path) -> None:
    path.write_bytes(pickle.dumps(_RunsCode(ran)))


def _pickled_in_an_archive(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=_RunsCode(ran)), path)


def _a_number_a_trillion_times(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=dict(weight=torch.zeros(1).expand(10**12))), path)


def _one_storage_in_many_tensors(path: Path, ran: Path) -> None:
    storage = torch.zeros(250_000)
    torch.save(dict(format=2, model={str(number): storage[number:] for number in range(1000)}), path)


def _a_list_in_itself(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=_itself()), path)


def _a_million_in_forty(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=_many_of_many()), path)


def _a_sparse_tensor(path: Path, ran: Path) -> None:
    sparse = torch.sparse_coo_tensor(torch.zeros(1, 1).long(), torch.ones(1), (10**12,))
    torch.save(dict(format=2, model=dict(w=sparse)), path)


def _a_tensor_without_numbers(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=dict(w=torch.empty(10**6, 10**6, device='meta'))), path)


def _compressed(path: Path, ran: Path) -> None:
    torch.save(dict(format=2, model=dict(w=torch.zeros(10**6))), path)
    _repacked(path, zipfile.ZIP_DEFLATED)


def _a_torchscript_archive(path: Path, ran: Path) -> None:
    torch.save(dict(format=2), path)
    _repacked(path, zipfile.ZIP_STORED, **{'constants.pkl': pickle.dumps(_RunsCode(ran))})
    _repacked(path, zipfile.ZIP_STORED, **{'data.pkl': pickle.dumps(_RunsCode(ran), protocol=2)})


def _a_link_to_a_device(path: Path, ran: Path) -> None:
    path.symlink_to('/dev/zero')


def _a_pipe(path: Path, ran: Path) -> None:
    os.mkfifo(path)


FILES = [
    *(_pickled, _pickled_in_an_archive, _a_number_a_trillion_times, _one_storage_in_many_tensors, _a_list_in_itself),
    *(_a_million_in_forty, _a_sparse_tensor, _a_tensor_without_numbers, _compressed, _a_torchscript_archive),
    *(_a_link_to_a_device, _a_pipe),
]


@pytest.mark.filterwarnings('ignore::UserWarning')
@pytest.mark.parametrize('write', FILES, ids=lambda write: write.__name__)
def test_a_hostile_file_is_refused(write, tmp_path):
    write(tmp_path / 'best.pth', tmp_path / 'ran')
    for read in (read_checkpoint, read_weights):
        with pytest.raises((ValueError, FileNotFoundError), match=r'best\.pth'):
            read(tmp_path / 'best.pth')
    assert not (tmp_path / 'ran').exists()


def test_weights_of_older_versions_of_torch_are_read_and_no_checkpoints(tmp_path):
    torch.save(dict(format=2, model={}), tmp_path / 'best.pth', _use_new_zipfile_serialization=False)
    assert load_tree(tmp_path / 'best.pth') == dict(format=2, model={})
    with pytest.raises(ValueError, match='refused'):
        read_checkpoint(tmp_path / 'best.pth')


def test_what_cannot_be_kept_as_plain_data_is_said_before_a_run(tmp_path):
    (tmp_path / 'mine.py').write_text(
        f'_base_ = [{str(Path("configs/unetpp_cbam_b4.py").resolve())!r}]\nvisualizers = [print]\n'
    )
    config = load_config(tmp_path / 'mine.py', say=lambda _: None)
    with pytest.raises(ValueError, match=r'visualizers\.0: expected text, a number.*got builtin_function'):
        config_data(config)
    with pytest.raises(ValueError, match='literals alone'):
        config_text(config)
