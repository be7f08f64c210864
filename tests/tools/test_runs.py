"""Run folders as people meet them: resumed otherwise, started twice, failed at the start, listed, and scored."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support import RECIPE, TINY
from toolbox.config.loading import load_config
from toolbox.config.schema import SCHEMA
from toolbox.scoring.baselines import shortfall
from toolbox.system.locks import locked
from toolbox.training import train as fold_run
from toolbox.training.checkpoint import read_checkpoint
from toolbox.training.resuming import FROM_HERE_ON, UNSEEN
from toolbox.training.runs import find_runs
from tools import test as test_tool, train as train_tool

ONE = 'train_cfg.max_epochs=1'


def train(*arguments, options=()) -> int:
    return train_tool.main([RECIPE, *map(str, arguments), '--cfg-options', *TINY, 'sample_images=0', *options])


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def rates(folder: str) -> tuple:
    """Where the run is, the learning rate of its last step, and the weight decay."""
    content = read_checkpoint(Path(folder) / 'last.pth')
    (group,) = content['optimizer']['param_groups']
    return content['step'], group['lr'], group['weight_decay']


def test_a_resume_takes_what_can_be_applied_and_refuses_the_rest(workplace, photo_folder, competition_folder, capsys):
    arguments = ('--data-root', photo_folder, '--work-dir', 'run')
    assert train(*arguments, options=[ONE]) == 0
    before = contents(Path('run'))
    for option, told in (
        ('model.attention.type=SE', 'model.attention.type=SE (not CBAM)'),
        ('optimizer.type=SGD', 'optimizer.type=SGD (not AdamW)'),
        ('data.batch_size=2', 'data.batch_size=2 (not 4)'),
        ('seed=1', 'seed=1 (not 42)'),
    ):
        assert train(*arguments, '--resume', options=[ONE, option]) == 2
        error = capsys.readouterr().err
        assert f'run cannot be resumed with {told}' in error
        assert 'python tools/train.py run --work-dir run --resume' in error
    assert train('--data-root', competition_folder, '--work-dir', 'run', '--resume', options=[ONE]) == 2
    assert 'photographs are not those of its start' in capsys.readouterr().err
    assert contents(Path('run')) == before

    longer = ['train_cfg.max_epochs=3', 'optimizer.lr=5e-3', 'optimizer.weight_decay=0.3', 'early_stopping.patience=2']
    assert train(*arguments, '--resume', options=longer) == 0
    assert 'resumed with optimizer.lr=0.005 (not 0.001)' in capsys.readouterr().out
    assert train('--data-root', photo_folder, '--work-dir', 'whole', options=longer) == 0
    assert rates('run') == rates('whole')
    assert load_config('run/config.py').optimizer.lr == 5e-3
    assert train_tool.main(['run', '--work-dir', 'run', '--resume', '--cfg-options', 'optimizer.lr=1e-3']) == 0
    recorded = json.loads(Path('run/environment.json').read_text())['changes']
    assert (recorded['train_cfg.max_epochs'], recorded['optimizer.lr']) == ('3', '0.001')


def test_what_a_resume_takes_are_keys_of_a_config():
    for path in (*UNSEEN, *FROM_HERE_ON):
        rule = SCHEMA
        for key in path.split('.'):
            rule = rule[key] if isinstance(rule, dict) else rule


def test_a_second_start_leaves_a_live_run_alone(workplace, photo_folder, capsys):
    arguments = ('--data-root', photo_folder, '--work-dir', 'run')
    assert train(*arguments, options=[ONE]) == 0
    half_written = Path('run/.last.pth.1.tmp')
    half_written.touch()
    before = contents(Path('run'))
    with locked(Path('run'), 'a training'):
        before['.lock'] = Path('run/.lock').read_bytes()
        assert train(*arguments, '--resume', options=['train_cfg.max_epochs=2']) == 2
    error = capsys.readouterr().err
    assert f'another process works in run (process {os.getpid()}' in error
    assert contents(Path('run')) == before


def test_processes_that_load_data_do_not_hold_the_lock(tmp_path):
    with locked(tmp_path, 'a training'):
        child = os.fork()
        if not child:
            signal.pause()
    try:
        with locked(tmp_path, 'a training', wait=20):  # the child is there all the time
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize('option', ['data.folds=99', 'model.losses.0.on=grey'])
def test_a_start_that_fails_takes_no_number_and_no_folder(workplace, photo_folder, option):
    assert train('--data-root', photo_folder, options=[option]) == 2
    assert not list(Path().glob('work_dirs/*/*'))
    assert train('--data-root', photo_folder, '--work-dir', 'run', options=[option]) == 2
    assert not Path('run').exists()
    Path('mine').mkdir()
    Path('mine/notes.txt').write_text('about this run')
    assert train('--data-root', photo_folder, '--work-dir', 'mine', options=[option]) == 2
    assert [path.name for path in Path('mine').iterdir()] == ['notes.txt']


def test_runs_are_listed_and_test_says_which_one_it_took(workplace, photo_folder, capsys):
    assert train_tool.main(['--list']) == 2
    assert 'no runs below work_dirs/' in capsys.readouterr().err
    assert train('--data-root', photo_folder, options=[ONE]) == 0
    assert train('--data-root', photo_folder, '--seed', 7, options=[ONE, 'model.attention.type=SE']) == 0
    Path('work_dirs/unetpp_cbam_b4/002/metrics.json').unlink()
    os.replace('work_dirs/unetpp_cbam_b4/001', 'work_dirs/unetpp_cbam_b4/003')
    capsys.readouterr()
    with locked(Path('work_dirs/unetpp_cbam_b4/003'), 'a training'):
        assert train_tool.main(['--list', RECIPE]) == 0
    header, second, third = capsys.readouterr().out.splitlines()
    assert header.split()[:5] == ['run', 'state', 'epoch', 'score', 'started']
    assert second.split()[:3] == ['work_dirs/unetpp_cbam_b4/002', 'stopped', '1']
    assert 'model.attention.type=SE' in second
    assert 'seed=7' in second
    assert third.split()[:3] == ['work_dirs/unetpp_cbam_b4/003', 'running', '1']
    assert 'model.attention' not in third
    score = json.loads(Path('work_dirs/unetpp_cbam_b4/003/metrics.json').read_text())['score']
    assert f' {score:.4f} ' in third
    assert [run.state for run in find_runs()] == ['stopped', 'done']
    assert train_tool.main(['--list', 'configs/palette_b4.py']) == 0
    assert 'no runs of configs/palette_b4.py' in capsys.readouterr().out

    assert test_tool.main([RECIPE, '--data-root', str(photo_folder)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith('work_dirs/unetpp_cbam_b4/002/best.pth of ')
    assert 'model.attention.type=SE (not CBAM)' in printed
    assert test_tool.main(['work_dirs/unetpp_cbam_b4/002']) == 0
    assert 'differs from' not in capsys.readouterr().out


def test_what_others_wrote_into_run_folders_is_shown_and_never_run(tmp_path, capsys):
    environments = ('{"started": 5, "changes": ["x"]}', '{"cut sho', '{"changes": {"a.b": "\\u001b[31mred"}}')
    for number, content in enumerate(environments):
        run = tmp_path / 'x' / f'00{number}'
        run.mkdir(parents=True)
        (run / 'config.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")')
        (run / 'environment.json').write_text(content)
    (run / 'scalars.jsonl').write_bytes(b'{"val_score": 0.5, "epoch": 3}\n{"val_score": "x"}\n{"val_sc\xff')
    assert train_tool.main(['--list', '--work-dir', str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert '\x1b' not in printed
    assert printed.count('no checkpoint') == 3
    assert printed.splitlines()[-1].split()[3:5] == ['3', '0.5000']
    assert not (tmp_path / 'ran').exists()


def test_a_model_below_the_baselines_is_told_so_in_the_last_lines(workplace, photo_folder, monkeypatch, capsys):
    better = dict(score=2.0, ssim=1.0, masked_ssim=1.0, hue_similarity=1.0)
    rows = {'gray as it came': better, 'OpenCV Telea + gray': {**better, 'score': -2.0}}
    monkeypatch.setattr(fold_run, 'baseline_scores', lambda *_: rows)
    assert train('--data-root', photo_folder, options=[ONE]) == 0
    score = json.loads(Path('work_dirs/unetpp_cbam_b4/001/metrics.json').read_text())['score']
    last = capsys.readouterr().out.splitlines()[-1]
    words = f'this model has a score of {score:.4f} and is worse than what needs no model: gray as it came (2.0000). '
    assert words in last


@pytest.mark.parametrize(
    ('higher', 'own', 'named'), [(True, 0.3, 'b'), (False, 0.3, 'a'), (True, 0.9, ''), (True, 0.5, '')]
)
def test_what_beats_a_model(higher, own, named):
    metric = SimpleNamespace(name='m', higher_is_better=higher)
    told = shortfall({'mine': dict(m=own), 'a': dict(m=0.2), 'b': dict(m=0.5)}, metric)
    assert [name for name in 'ab' if f' {name} (' in told] == list(named)
