"""What goes wrong at hour nine, planted: signals, full disks, NaN, memory, broken photographs."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support import scene
from tests.training import processes
from toolbox.training import checkpoint_rotation as generations
from toolbox.training.checkpoint import checksum, read_checkpoint
from toolbox.training.stepping import TrainingStep
from toolbox.training.trainer import Trainer
from tools import test as test_tool, train as train_tool

QUICK = ('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'train_cfg.max_epochs=2')


def train(photos, folder, *options, resume=False):
    return train_tool.main(processes.command(photos, folder, *QUICK, *options, resume=resume))


def weights(folder):
    return checksum(read_checkpoint(folder / 'last.pth')['model'])


def photographs(folder, broken=()):
    folder.mkdir()
    for index in range(12):
        Image.fromarray(scene(index)).save(folder / f'{index:02d}.png')
    for index in broken:
        (folder / f'{index:02d}.png').write_bytes((folder / f'{index:02d}.png').read_bytes()[:200])
    return folder


# Signals


@pytest.mark.parametrize(('number', 'code'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_finishes_the_step_saves_and_exits_with_its_code(photo_folder, tmp_path, number, code):
    run, printed = tmp_path / 'run', tmp_path / 'printed'
    options = (*QUICK, 'data.workers=2', 'train_cfg.max_epochs=1000')
    process = processes.start(processes.command(photo_folder, run, *options), printed, processes.lead_a_group)
    deadline = time.monotonic() + 60
    while not (run / 'last.pth').is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does: the workers get it, too
    assert processes.finish(process) == [code]
    assert f'stopped by {number.name}' in printed.read_text()
    assert 'Traceback' not in printed.read_text()
    assert f'stopped by {number.name}' in (run / 'train.log').read_text()
    assert read_checkpoint(run / 'last.pth')['step'] > 0


def test_a_stop_while_validating_resumes_with_the_validation(photo_folder, tmp_path, monkeypatch, capsys):
    assert train(photo_folder, tmp_path / 'whole') == 0
    with monkeypatch.context() as patch:
        before = Trainer.averaged_weights

        def asked_to_stop(trainer):
            trainer.stop_request.signal_number = signal.SIGTERM
            return before(trainer)

        patch.setattr(Trainer, 'averaged_weights', asked_to_stop)
        assert train(photo_folder, tmp_path / 'parts') == 143
    assert 'while validating' in capsys.readouterr().err
    content = read_checkpoint(tmp_path / 'parts/last.pth')
    assert (content['epoch'], content['batch']) == (0, content['steps_per_epoch'])
    assert train(photo_folder, tmp_path / 'parts', resume=True) == 0
    assert weights(tmp_path / 'whole') == weights(tmp_path / 'parts')
    assert (tmp_path / 'whole/metrics.json').read_text() == (tmp_path / 'parts/metrics.json').read_text()


def test_a_used_folder_is_not_overwritten(photo_folder, tmp_path, capsys):
    assert train(photo_folder, tmp_path / 'run', 'train_cfg.max_epochs=1') == 0
    before = weights(tmp_path / 'run')
    assert train(photo_folder, tmp_path / 'run') == 2
    assert 'holds a run already: add --resume' in capsys.readouterr().err
    assert weights(tmp_path / 'run') == before


class _RunsCode:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused(photo_folder, tmp_path, capsys):
    run = tmp_path / 'run'
    run.mkdir()
    torch.save(dict(format=1, checksum='', model=_RunsCode(tmp_path / 'ran')), run / 'last.pth')
    assert train(photo_folder, run, resume=True) == 2
    assert 'refused' in capsys.readouterr().err
    assert test_tool.main([processes.RECIPE, str(run / 'last.pth')]) == 2
    assert 'refused' in capsys.readouterr().err
    assert not (tmp_path / 'ran').exists()
    assert (run / 'last.pth').is_file()


# Disks


def test_too_little_disk_is_found_before_training(photo_folder, tmp_path, monkeypatch, capsys):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=2**20))
    assert train(photo_folder, tmp_path / 'run') == 2
    assert 'its disk has 1 MiB free, and checkpoints need' in capsys.readouterr().err
    assert not (tmp_path / 'run/last.pth').exists()


def test_a_disk_that_is_full_for_a_while_pauses_saving(photo_folder, tmp_path, monkeypatch, capsys):
    real, written = generations.write_verified, []

    def full_at_second_and_third(content, file):
        if 'random' not in content:  # best.pth
            return real(content, file)
        written.append(file)
        if len(written) in (2, 3):
            file.write(b'half a file')
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(content, file)
        kept.append(content['step'])

    kept = []
    monkeypatch.setattr(generations, 'write_verified', full_at_second_and_third)
    assert train(photo_folder, tmp_path / 'run', 'train_cfg.max_epochs=4') == 0
    printed = capsys.readouterr().out
    assert re.search(r'No space left on device \(.*\): training goes on WITHOUT SAVING', printed)
    assert printed.count('WITHOUT SAVING') == 1
    assert 'there is room again' in printed
    assert kept == [2, 8]
    steps = [read_checkpoint(tmp_path / 'run' / name)['step'] for name in ('previous.pth', 'last.pth')]
    assert steps == [2, 8]
    assert [path.name for path in (tmp_path / 'run').glob('.*')] == ['.lock']


def test_a_best_checkpoint_without_room_is_saved_later(tmp_path, monkeypatch):
    folder = generations.Generations(tmp_path)
    network = torch.nn.Linear(2, 2)
    usage = shutil.disk_usage(tmp_path)
    expected = checksum(network.state_dict())
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=0))
        assert not folder.save_best(dict(model=network.state_dict()))
        torch.nn.init.zeros_(network.weight)
        assert not folder.save_last(dict(model=network.state_dict()))
    assert folder.save_last(dict(model=network.state_dict()))
    assert checksum(read_checkpoint(tmp_path / 'best.pth')['model']) == expected


# Losses that are not finite


def poison(monkeypatch, steps):
    """Make the prediction of these steps, counted over the run's calls, not a number; BatchNorm sees it, too."""
    real, count = TrainingStep._gradients, iter(range(10**6))

    def gradients(step, batch, stop):
        if next(count) in steps:
            handle = step.model.layout.register_forward_pre_hook(lambda _, inputs: (inputs[0] * np.nan, *inputs[1:]))
            try:
                return real(step, batch, stop)
            finally:
                handle.remove()
        return real(step, batch, stop)

    monkeypatch.setattr(TrainingStep, '_gradients', gradients)


def test_one_bad_batch_is_left_out_and_named(photo_folder, tmp_path, monkeypatch, capsys):
    poison(monkeypatch, {1})
    assert train(photo_folder, tmp_path / 'run') == 0
    printed = capsys.readouterr().out
    assert 'step 2: ' in printed
    assert 'is nan; left out this batch: photo ' in printed
    state = read_checkpoint(tmp_path / 'run/last.pth')['model']
    assert all(value.isfinite().all() for value in state.values())
    for line in (tmp_path / 'run/scalars.jsonl').read_text().splitlines():
        assert 'NaN' not in line


def test_bad_batches_in_a_row_roll_back_once_and_then_stop(photo_folder, tmp_path, monkeypatch, capsys):
    poison(monkeypatch, set(range(4, 100)))
    assert train(photo_folder, tmp_path / 'run', 'train_cfg.max_epochs=9') == 2
    streams = capsys.readouterr()
    assert streams.out.count('rolled back to the weights of') == 1
    assert 'step 10: loss_' in streams.err
    assert '3 batches in a row' in streams.err
    assert streams.err.count('photo ') >= 6
    assert 'lower' in streams.err.lower()
    assert weights(tmp_path / 'run')


def test_without_a_checkpoint_there_is_nothing_to_roll_back_to(photo_folder, tmp_path, monkeypatch, capsys):
    poison(monkeypatch, set(range(100)))
    assert train(photo_folder, tmp_path / 'run', 'data.batch_size=2', 'train_cfg.max_bad_steps=2') == 2
    assert 'no checkpoint to roll back to' in capsys.readouterr().err


# Memory


def out_of_memory_above(monkeypatch, limit, error=torch.OutOfMemoryError):
    gradients = TrainingStep._gradients

    def call(step, batch, stop):
        def forward(model, arguments):
            if len(arguments[0]) > limit:
                raise error('planted CUBLAS_STATUS_ALLOC_FAILED')

        handle = step.network.register_forward_pre_hook(forward)
        try:
            return gradients(step, batch, stop)
        finally:
            handle.remove()

    monkeypatch.setattr(TrainingStep, '_gradients', call)


def test_out_of_memory_halves_the_parts_and_says_so(photo_folder, tmp_path, monkeypatch, capsys):
    plain = ('model.decoder.type=PlainDecoder', f"custom_imports=['{processes.PLANTED_PARTS}']")
    assert train(photo_folder, tmp_path / 'whole', *plain) == 0
    out_of_memory_above(monkeypatch, 1, RuntimeError)  # a library's, not torch's own
    assert train(photo_folder, tmp_path / 'parts', *plain) == 0
    printed = capsys.readouterr().out
    assert 'each batch of 4 photographs is now worked through in 2 parts of at most 2' in printed
    assert 'in 4 parts of at most 1 (train_cfg.accumulate=4)' in printed
    whole, parts = (read_checkpoint(tmp_path / name / 'last.pth') for name in ('whole', 'parts'))
    assert parts['parts'] == 4
    for name, value in whole['model'].items():
        torch.testing.assert_close(parts['model'][name], value, rtol=1e-3, atol=1e-4)


def test_a_single_photograph_that_does_not_fit_is_an_error(photo_folder, tmp_path, monkeypatch, capsys):
    out_of_memory_above(monkeypatch, 0)
    assert train(photo_folder, tmp_path / 'run') == 2
    assert 'lower data.size' in capsys.readouterr().err


# Photographs


@pytest.mark.parametrize('workers', [0, 2])
def test_broken_photographs_go_to_the_ledger(tmp_path, workers, capsys):
    photos = photographs(tmp_path / 'photos', broken=(3, 7))
    options = (f'data.workers={workers}', 'data.max_unreadable=0.2', 'data.batch_size=3')
    assert train(photos, tmp_path / 'run', *options) == 0
    with open(tmp_path / 'run/failures.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert sorted(row['path'] for row in rows) == [str(photos / '03.png'), str(photos / '07.png')]
    assert all(row['reason'] for row in rows)
    assert 'cannot read' in capsys.readouterr().out
    broken_in_validation = 4 - json.loads((tmp_path / 'run/metrics.json').read_text())['n']
    assert broken_in_validation in (0, 1, 2)


def test_too_many_broken_photographs_are_an_error(tmp_path, capsys):
    photos = photographs(tmp_path / 'photos', broken=(3, 7))
    assert train(photos, tmp_path / 'run', 'data.max_unreadable=0.1') == 2
    assert '2 of 12 photographs cannot be read, and data.max_unreadable=0.1 allows 1' in capsys.readouterr().err
