"""A last.pth that is whole, and none that a training left: a sentence that names the file and the way on."""

import copy

import pytest
import torch

from tests.training import processes
from toolbox.training.checkpoint import checksum, read_checkpoint, save_checkpoint
from toolbox.training.checkpoint_forms import _KEYS
from tools import train as train_tool

OPTIONS = (
    *('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'train_cfg.max_epochs=1'),
    *('train_cfg.ema=0.9', "custom_imports=['{}']"),
)
REMOVED = object()
# Where in the content, and what is there in place of what training wrote.
PLANTED = [
    *[((key,), REMOVED) for key in _KEYS],
    *[((key,), 'nonsense') for key in _KEYS if key not in ('data', 'config')],
    *[((key,), value) for key in ('epoch', 'step', 'batch', 'parts') for value in (-1, 1.5, True, None)],
    (('batch',), 10**6),
    (('optimizer', 'state'), []),
    (('optimizer', 'state'), {'first': {}}),
    (('optimizer', 'state'), {10**6: {}}),
    (('optimizer', 'state', 0), 7),
    (('optimizer', 'state', 0, 'exp_avg'), REMOVED),
    (('optimizer', 'state', 0, 'exp_avg'), 0.5),
    (('optimizer', 'state', 0, 'exp_avg'), torch.zeros(3)),
    (('optimizer', 'state', 0, 'step'), 'second'),
    (('optimizer', 'param_groups'), {}),
    (('optimizer', 'param_groups'), []),
    (('optimizer', 'param_groups', 0), 'all'),
    (('optimizer', 'param_groups', 0, 'betas'), 0.9),
    (('optimizer', 'param_groups', 0, 'lr'), 'high'),
    (('optimizer', 'param_groups', 0, 'params'), [0]),
    (('random', 'python'), REMOVED),
    (('random', 'python'), 3),
    (('random', 'python', 1), torch.zeros(3)),
    (('random', 'numpy'), ['MT19937']),
    (('random', 'numpy', 0), 'other'),
    (('random', 'numpy', 2), 10**9),
    (('random', 'torch'), torch.zeros(5056)),
    (('random', 'torch'), 'state'),
    (('random', 'cuda'), 1),
    (('random', 'cuda'), ['state']),
    (('best_score', 'best'), 0.5),
    (('best_score', 'waited'), 'long'),
    (('best_score', 'improved_to'), REMOVED),
    (('guard', 'names'), [7]),
    (('guard', 'rolled_back'), REMOVED),
    (('hooks', 'ScalarsHook'), []),
    (('hooks', 'ScalarsHook', 'lines'), 'all'),
    (('hooks', 'ScalarsHook', 'sums'), {'loss': 'much'}),
    (('hooks', 'ProgressHook', 'steps'), REMOVED),
    (('critics',), [{}]),
    (('objective',), {'extra': torch.zeros(1)}),
    (('model',), {}),
    (('updates',), REMOVED),
    (('updates',), 'many'),
    (('trained',), {'weight': 1}),
]


@pytest.fixture(scope='module')
def run(photo_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained') / 'run'
    assert train_tool.main(command(photo_folder, folder)) == 0
    return folder, read_checkpoint(folder / 'last.pth')


def command(photos, folder, epochs=1, resume=False):
    options = [option.format(processes.PLANTED_PARTS) for option in OPTIONS]
    return processes.command(photos, folder, *options, f'train_cfg.max_epochs={epochs}', resume=resume)


def changed(content, place, value):
    content = copy.deepcopy(content)
    *above, key = place
    inner = content
    for one in above:
        inner[one] = copy.copy(inner[one])
        inner = inner[one]
    if value is REMOVED:
        del inner[key]
    else:
        inner[key] = value
    return content


@pytest.mark.parametrize(('place', 'value'), PLANTED, ids=['.'.join(map(str, place)) for place, _ in PLANTED])
def test_a_malformed_state_is_a_sentence(photo_folder, run, capsys, place, value):
    folder, content = run
    save_checkpoint(changed(content, place, value), folder / 'last.pth')
    before = {path: path.read_bytes() for path in (folder / 'last.pth', folder / 'best.pth')}
    capsys.readouterr()
    assert train_tool.main(command(photo_folder, folder, resume=True)) == 2
    error = capsys.readouterr().err
    assert f'error: {folder / "last.pth"} is no checkpoint to resume from: ' in error
    assert '--resume goes on from the other one' in error
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize('key', ['data', 'config'])
def test_a_state_of_other_photographs_or_without_a_config_is_refused(photo_folder, run, capsys, key):
    folder, content = run
    save_checkpoint(changed(content, (key,), 'nonsense' if key == 'data' else {'model': 7}), folder / 'last.pth')
    assert train_tool.main(command(photo_folder, folder, resume=True, epochs=2)) == 2
    assert 'last.pth' in capsys.readouterr().err or key == 'data'


def test_a_best_checkpoint_by_the_name_of_last_is_refused_and_one_before_it_goes_on(photo_folder, run, capsys):
    folder, content = run
    save_checkpoint(content, folder / 'previous.pth')
    (folder / 'last.pth').write_bytes((folder / 'best.pth').read_bytes())
    assert train_tool.main(command(photo_folder, folder, resume=True, epochs=2)) == 2
    assert 'it has no best_score, guard, hooks, random' in capsys.readouterr().err
    (folder / 'last.pth').unlink()
    assert train_tool.main(command(photo_folder, folder, resume=True, epochs=2)) == 0
    assert read_checkpoint(folder / 'last.pth')['epoch'] == 2


@pytest.mark.parametrize('optimizer', ['Adafactor', 'SGD', 'Adagrad', 'RMSprop', 'NAdam', 'ASGD'])
def test_states_of_all_kinds_of_optimizers_are_taken(photo_folder, tmp_path, optimizer):
    for epochs in (1, 2):
        arguments = command(photo_folder, tmp_path / 'run', epochs, resume=epochs > 1)
        assert train_tool.main([*arguments, f'optimizer.type={optimizer}']) == 0
    assert checksum(read_checkpoint(tmp_path / 'run/last.pth')['epoch']) == checksum(2)
