"""What a trial comes to: means and rows of one evaluation of its best weights, or it has failed."""

import errno
import re
import statistics
from contextlib import ExitStack

import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config.loading import config_text, load_config
from toolbox.config.options import parse_options
from toolbox.experiment import ablate, trials
from toolbox.experiment.trial import TrialJob, run_trial
from toolbox.experiment.trials import TrialFolder
from toolbox.system.cli import SOME_FAILED, USAGE_ERROR
from toolbox.system.disk_errors import NotWritten
from toolbox.system.locks import locked
from toolbox.system.paths import CONFIGS
from toolbox.training import checkpoint_rotation as generations
from toolbox.training.checkpoint import read_checkpoint, save_checkpoint
from toolbox.training.train import FoldRun
from tools import ablate as ablate_tool

ARMS = """
_base_ = ['{configs}/_base_/ablation.py']
axes = dict(attention=dict(se={{'model.attention.type': 'SE'}}, none={{'model.attention.type': 'none'}}))
seeds = [0]
photos = 1
"""
QUICK = ('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'train_cfg.max_epochs=2')


@pytest.fixture
def trial(photo_folder, tmp_path):
    options = {**parse_options([*TINY, *QUICK]), 'data.root': str(photo_folder)}
    folder = TrialFolder(tmp_path / 'trial')
    folder.create(config_text(load_config(RECIPE, options)), dict(arm='a', seed=0, fold=0))
    return folder


def test_means_are_those_of_the_rows(trial):
    assert run_trial(TrialJob(trial.path)) == 0
    assert trial.state == 'done'
    result = trial.result()
    for name in ('ssim', 'masked_ssim', 'hue_similarity'):
        mean = statistics.fmean(row[name] for row in result.per_image.values())
        assert result.metrics[name] == pytest.approx(mean, abs=1e-6)
    best = read_checkpoint(trial.path / 'best.pth')['metrics']
    assert result.metrics['epoch'] == best['epoch']
    assert result.metrics['score'] == pytest.approx(best['score'], abs=1e-6)


def after_training(monkeypatch, function):
    real = FoldRun.train

    def train(run, *arguments):
        ended = real(run, *arguments)
        function(run)
        return ended

    monkeypatch.setattr(FoldRun, 'train', train)


def test_a_trial_whose_best_weights_are_others_has_failed(trial, monkeypatch):
    def others(run):
        content = read_checkpoint(run.folder / 'best.pth')
        for value in content['model'].values():
            if value.is_floating_point():
                value.copy_(torch.zeros_like(value))
        save_checkpoint(content, run.folder / 'best.pth')

    after_training(monkeypatch, others)
    assert run_trial(TrialJob(trial.path)) == USAGE_ERROR
    assert trial.state == 'failed'
    assert 'when it was saved' in trial.reason
    assert not trial.result().per_image


def test_a_trial_whose_last_weights_were_not_saved_has_failed(trial, monkeypatch):
    real = generations.Generations._with_room

    def only_first(folder, needed, save):
        if folder.saved is None or not needed:
            return real(folder, needed, save)
        folder.hindrance = 'No space left on device'
        return False

    with monkeypatch.context() as patch:
        patch.setattr(generations.Generations, '_with_room', only_first)
        assert run_trial(TrialJob(trial.path)) == USAGE_ERROR
    assert trial.state == 'failed'
    assert 'epoch 2 is LOST' in trial.reason
    assert not trial.result().per_image
    trial.set_state('waiting')
    assert run_trial(TrialJob(trial.path)) == 0
    assert trial.state == 'done'
    assert read_checkpoint(trial.path / 'last.pth')['epoch'] == 2


def test_a_full_disk_does_not_hide_why_a_trial_has_failed(trial, monkeypatch):
    real, calls = TrialFolder.set_state, []

    def full_once(folder, state, reason=''):
        if state == 'failed' and not calls:
            calls.append(state)
            raise OSError(28, 'No space left on device')
        real(folder, state, reason)

    def fail(run):
        (run.folder / 'previous.pth').write_bytes(b'spent')
        raise ValueError('planted')

    monkeypatch.setattr(TrialFolder, 'set_state', full_once)
    after_training(monkeypatch, fail)
    assert run_trial(TrialJob(trial.path)) == USAGE_ERROR
    assert (trial.state, trial.reason) == ('failed', 'planted')
    assert not (trial.path / 'previous.pth').exists()


def test_a_trial_that_another_process_holds_is_left_as_it_is(trial, monkeypatch, capsys):
    monkeypatch.setattr(trials, '_LOCK_WAIT', 0)
    before = sorted(path.name for path in trial.path.iterdir())
    with locked(trial.path, 'a training'):
        assert run_trial(TrialJob(trial.path)) == USAGE_ERROR
        with pytest.raises(FileExistsError, match='another process works in'):
            trial.refuse_held()
    assert 'another process works in' in capsys.readouterr().err
    assert trial.state == 'waiting'
    assert sorted(path.name for path in trial.path.iterdir()) == sorted([*before, '.lock'])
    trial.refuse_held()


class InThisProcess:
    """An engine without processes."""

    def run(self, function, jobs):
        for job in jobs:
            yield job, function(job)


def compare(photo_folder, folder, monkeypatch, *more):
    ablation = folder.with_name('arms.py')
    ablation.write_text(ARMS.format(configs=CONFIGS), encoding='utf-8')
    monkeypatch.setattr(ablate, 'build_engine', lambda *_: InThisProcess())
    monkeypatch.setattr(trials, '_LOCK_WAIT', 0)
    where = ['--data-root', str(photo_folder), '--work-dir', str(folder), '--steps', '1', *more]
    return ablate_tool.main([str(ablation), *where, '--cfg-options', *TINY, *QUICK[:3]])


def test_a_second_ablation_on_one_folder_is_refused(photo_folder, tmp_path, monkeypatch, capsys):
    folder = tmp_path / 'out'
    folder.mkdir()
    with locked(folder, 'an ablation'):
        assert compare(photo_folder, folder, monkeypatch) == 2
    assert re.search(r'error: an ablation: another process works in', capsys.readouterr().err)
    assert [path.name for path in folder.iterdir()] == ['.lock']


def test_an_ablation_does_not_take_a_trial_that_is_trained_by_hand(photo_folder, tmp_path, monkeypatch, capsys):
    folder, real = tmp_path / 'out', TrialFolder.create
    with ExitStack() as stack, monkeypatch.context() as patch:

        def create(trial, *arguments, **named):
            real(trial, *arguments, **named)
            if 'none' in trial.path.name:
                stack.enter_context(locked(trial.path, 'a training'))

        patch.setattr(TrialFolder, 'create', create)
        assert compare(photo_folder, folder, monkeypatch) == 2
    error = capsys.readouterr().err
    assert 'Traceback' not in error
    assert re.search(r'error: trial none\S*: another process works in', error)
    assert compare(photo_folder, folder, monkeypatch) == 0
    assert '1 of 2 trials were done before' in capsys.readouterr().out
    assert (folder / 'table.csv').is_file()


def test_a_trial_whose_beginning_cannot_be_noted_has_failed_and_is_run_again(
    photo_folder, tmp_path, monkeypatch, capsys
):
    real, failed = TrialFolder.set_state, []

    def set_state(trial, state, reason=''):
        if state == 'running' and not failed:
            failed.append(trial)
            raise NotWritten(errno.ESTALE, str(trial.path / 'state.json'), 'Stale file handle', 'mount it anew')
        real(trial, state, reason)

    monkeypatch.setattr(TrialFolder, 'set_state', set_state)
    assert compare(photo_folder, tmp_path / 'out', monkeypatch) == SOME_FAILED
    streams = capsys.readouterr()
    assert 'Traceback' not in streams.err
    assert 'FAILED: its process ended with exit code 2' in streams.out
    assert compare(photo_folder, tmp_path / 'out', monkeypatch, '--rerun-failed') == 0
