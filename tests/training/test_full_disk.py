"""The disk fills while a run trains: what is said, what is kept, and what belongs together at its end."""

import json
import os
import resource

import pytest
import torch

from tests.disks import fill, needs_mount, small_disk
from tests.training import processes
from toolbox.training import checkpoint_rotation as generations
from toolbox.training.checkpoint import checksum, read_checkpoint, save_checkpoint
from toolbox.training.trainer import Trainer
from tools import test as test_tool, train as train_tool

QUICK = ('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=1', 'data.batch_size=3')


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / 'disk', '64m') as folder:
        yield folder


def train(photos, folder, *options, resume=False):
    return train_tool.main(processes.command(photos, folder, *QUICK, *options, resume=resume))


def after_save(monkeypatch, number, function):
    """Call a function after the n-th save of a run."""
    real, saves = Trainer.save, []

    def save(trainer, is_best=False):
        real(trainer, is_best)
        saves.append(is_best)
        if len(saves) == number:
            function()

    monkeypatch.setattr(Trainer, 'save', save)
    return saves


def score_of(checkpoint, tmp_path, capsys):
    assert test_tool.main([processes.RECIPE, str(checkpoint), '--json', str(tmp_path / 'score.json')]) == 0
    capsys.readouterr()
    return json.loads((tmp_path / 'score.json').read_text())['score']


@needs_mount
def test_a_run_whose_last_weights_were_not_saved_ends_with_an_error_that_names_the_epochs(
    photo_folder, tmp_path, disk, monkeypatch, capsys
):
    run = disk / 'run'
    with monkeypatch.context() as patch:
        after_save(patch, 1, lambda: fill(disk))
        assert train(photo_folder, run, 'train_cfg.max_epochs=4') == 2
    streams = capsys.readouterr()
    assert streams.out.count('WITHOUT SAVING') == 1
    assert 'epochs 2 to 4 are LOST, steps 3 to 8' in streams.err
    assert 'last.pth is of epoch 1, step 2 and best.pth is of epoch 1' in streams.err
    assert '--resume' in streams.err
    assert 'Traceback' not in streams.err + streams.out
    assert 'Logging error' not in streams.err
    assert 'result:' not in streams.out
    assert not (run / 'metrics.json').exists()
    (disk / 'something else').unlink()
    assert train(photo_folder, run, 'train_cfg.max_epochs=4', resume=True) == 0
    metrics = json.loads((run / 'metrics.json').read_text())
    assert read_checkpoint(run / 'last.pth')['epoch'] == 4
    assert metrics == read_checkpoint(run / 'best.pth')['metrics']
    capsys.readouterr()
    assert score_of(run / 'best.pth', tmp_path, capsys) == pytest.approx(metrics['score'], abs=1e-6)


@needs_mount
def test_previous_and_damaged_checkpoints_make_room_for_newer_weights(photo_folder, disk, monkeypatch, capsys):
    run = disk / 'run'

    def nearly_full():
        (run / 'damaged.pth').write_bytes(b'damaged')
        fill(disk, leave=2**20)

    saves = after_save(monkeypatch, 2, nearly_full)
    assert train(photo_folder, run, 'train_cfg.max_epochs=5') == 0
    printed = capsys.readouterr().out
    assert len(saves) == 5
    assert 'damaged.pth was removed to make room' in printed
    assert 'previous.pth was removed to make room' in printed
    assert 'WITHOUT SAVING' not in printed
    assert read_checkpoint(run / 'last.pth')['epoch'] == 5
    assert json.loads((run / 'metrics.json').read_text()) == read_checkpoint(run / 'best.pth')['metrics']


@needs_mount
def test_a_stop_on_a_full_disk_does_not_claim_to_have_saved(photo_folder, disk, monkeypatch, capsys):
    real, runs = Trainer.save, []

    def save(trainer, is_best=False):
        runs.append(trainer)
        if len(runs) == 2:
            fill(disk)
            trainer.stop_request.signal_number = 15
        real(trainer, is_best)

    monkeypatch.setattr(Trainer, 'save', save)
    assert train(photo_folder, disk / 'run', 'train_cfg.max_epochs=3', 'train_cfg.save_steps=1') == 143
    error = capsys.readouterr().err
    assert 'after step 2, but epoch 1 is LOST, steps 2 to 2: they could not be saved' in error
    assert 'which is saved' not in error


def test_files_that_may_not_grow_pause_saving_too(photo_folder, tmp_path, monkeypatch, capsys):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    after_save(monkeypatch, 1, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, before[1])))
    try:
        assert train(photo_folder, tmp_path / 'run', 'train_cfg.max_epochs=3') == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    streams = capsys.readouterr()
    assert 'File too large, by a limit on the size of files (ulimit -f): training goes on WITHOUT SAVING' in streams.out
    assert 'epochs 2 to 3 are LOST' in streams.err
    assert 'Traceback' not in streams.err
    assert read_checkpoint(tmp_path / 'run/last.pth')['epoch'] == 1


@needs_mount
def test_a_save_that_meets_a_full_disk_in_the_middle_is_an_error_of_the_disk(tmp_path):
    with small_disk(tmp_path / 'disk', '4m') as disk:
        save_checkpoint(dict(step=1), disk / 'last.pth')
        with pytest.raises(OSError, match='No space left on device') as caught:
            save_checkpoint(dict(step=2, model=torch.rand(2_000_000)), disk / 'last.pth')
        assert caught.value.filename == str(disk / 'last.pth')
        assert read_checkpoint(disk / 'last.pth')['step'] == 1
        assert os.listdir(disk) == ['last.pth']


@needs_mount
def test_a_disk_without_room_for_a_third_file_keeps_a_good_one_and_takes_the_newer(tmp_path):
    with small_disk(tmp_path / 'disk', '4m') as disk:
        folder = generations.Generations(disk)
        content = [dict(model=torch.full((300_000,), float(number)), step=number) for number in range(5)]
        saved = [folder.save_last(one) for one in content[:2]]
        (disk / 'something else').write_bytes(bytes(1_500_000))
        saved += [folder.save_last(one) for one in content[2:4]]
        assert saved == [True] * 4
        assert [folder.newest()[1]['step'], read_checkpoint(disk / 'previous.pth')['step']] == [3, 2]
        (disk / 'previous.pth').unlink()
        fill(disk)
        assert not folder.save_last(content[4])
        assert folder.newest()[1]['step'] == 3


@needs_mount
def test_a_quota_that_no_free_space_shows_is_met_by_making_room(tmp_path, monkeypatch):
    with small_disk(tmp_path / 'disk', '4m') as disk:
        folder = generations.Generations(disk)
        usage = generations.shutil.disk_usage(disk)
        monkeypatch.setattr(generations.shutil, 'disk_usage', lambda _: usage._replace(free=2**40))
        for step in range(4):
            assert folder.save_last(dict(model=torch.full((300_000,), float(step)), step=step))
        assert folder.newest()[1]['step'] == 3


def test_no_newer_last_is_saved_before_the_best_that_it_speaks_of(tmp_path, monkeypatch):
    folder = generations.Generations(tmp_path)
    assert folder.save_best(dict(step=1, metrics=dict(epoch=1)))
    assert folder.save_last(dict(step=1, epoch=1))
    with monkeypatch.context() as patch:
        patch.setattr(generations.Generations, '_replace_best', full)
        assert not folder.save_best(dict(step=2, metrics=dict(epoch=2)))
        assert not folder.save_last(dict(step=2, epoch=2))
        assert read_checkpoint(tmp_path / 'last.pth')['step'] == 1
    assert folder.save_last(dict(step=3, epoch=3))
    assert folder.best_metrics() == dict(epoch=2)


def full(*_):
    raise OSError(28, 'No space left on device')


def test_metrics_are_those_of_the_best_checkpoint_that_is_there(photo_folder, tmp_path, capsys):
    run = tmp_path / 'run'
    assert train(photo_folder, run, 'train_cfg.max_epochs=1') == 0
    planted = read_checkpoint(run / 'last.pth')
    claimed = {**planted['best_score']['best'], 'score': 0.99, 'epoch': 1}
    planted['best_score'] = dict(planted['best_score'], best=claimed, best_score=0.99)
    save_checkpoint(planted, run / 'last.pth')
    assert train(photo_folder, run, 'train_cfg.max_epochs=2', resume=True) == 0
    assert 'best.pth is not of the best validation' in capsys.readouterr().out
    metrics = json.loads((run / 'metrics.json').read_text())
    assert metrics == read_checkpoint(run / 'best.pth')['metrics']
    assert metrics['score'] < 0.99


def test_metrics_go_before_the_best_checkpoint_that_they_speak_of(tmp_path):
    folder = generations.Generations(tmp_path)
    folder.save_best(dict(metrics=dict(score=0.5, epoch=1)))
    assert folder.write_metrics() == dict(score=0.5, epoch=1)
    folder.save_last(dict(step=2, epoch=2))
    assert (tmp_path / 'metrics.json').is_file()
    folder.save_best(dict(metrics=dict(score=0.6, epoch=3)))
    assert not (tmp_path / 'metrics.json').exists()


def test_a_checkpoint_is_on_the_disk_before_it_takes_the_place_of_another(tmp_path, monkeypatch):
    calls = []
    for name in ('fsync', 'replace'):
        real = getattr(os, name)

        def call(*arguments, real=real, name=name):
            if name == 'replace':
                calls.append(name)
            else:
                synced = os.path.basename(os.readlink(f'/proc/self/fd/{arguments[0]}'))
                calls.append('sync file' if synced.endswith('.tmp') else f'sync {synced}')
            return real(*arguments)

        monkeypatch.setattr(os, name, call)
    save_checkpoint(dict(step=1), tmp_path / 'last.pth')
    generations.write_json(tmp_path / 'metrics.json', dict(score=1))
    once = ['sync file', 'replace', f'sync {tmp_path.name}']
    assert list(dict.fromkeys(calls[: len(calls) // 2 + 1])) == once
    assert calls[-3:] == once
    assert checksum(read_checkpoint(tmp_path / 'last.pth')) == checksum(dict(step=1))
