"""What a trial comes to: means and rows of one evaluation of its best weights, or it has failed."""

import statistics

import pytest
import torch

from tests.support import RECIPE, TINY
from toolbox.config.loading import config_text, load_config
from toolbox.config.options import parse_options
from toolbox.experiment.trial import TrialJob, run_trial
from toolbox.experiment.trials import TrialFolder
from toolbox.system.cli import USAGE_ERROR
from toolbox.training import checkpoint_rotation as generations
from toolbox.training.checkpoint import read_checkpoint, save_checkpoint
from toolbox.training.train import FoldRun

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
