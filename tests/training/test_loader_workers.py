"""Loader workers that are lost, hang, or find no shared memory: one sentence and the way on, or training goes on."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.disks import needs_mount, small_shared_memory
from tests.training import processes
from toolbox.data.dataset import TrainingDataset
from toolbox.training.checkpoint import checksum, read_checkpoint
from tools import clean_data as clean_tool, test as test_tool, train as train_tool

QUICK = (
    *('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'data.workers=2'),
    *('data.size=48', 'data.batch_size=6', 'precision=float32'),
)


def children(pid):
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def weights(run):
    return checksum(read_checkpoint(run / 'last.pth')['model'])


def test_a_worker_that_is_killed_ends_training_with_a_sentence_and_the_way_on(photo_folder, tmp_path):
    run, printed = tmp_path / 'run', tmp_path / 'printed'
    arguments = processes.command(photo_folder, run, *QUICK, 'train_cfg.max_epochs=1000')
    process = processes.start(arguments, printed)
    wait_for((run / 'last.pth').is_file)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    assert processes.finish(process) == [2]
    text = printed.read_text()
    assert (
        'error: a loader worker was killed by SIGKILL: most often the system does so when it runs out of memory' in text
    )
    assert '--cfg-options data.workers=1, or 0; go on with --resume' in text
    assert 'Traceback' not in text
    assert 'killed by SIGKILL' in (run / 'train.log').read_text()
    longer = processes.command(photo_folder, run, *QUICK, 'train_cfg.max_epochs=1', resume=True)
    assert processes.finish(processes.start(longer, printed)) == [0]


def hang_in(epoch):
    """Let samples of an epoch, and those after it, never come."""
    real = TrainingDataset.__getitem__

    def sample(dataset, key):
        if key[0] >= epoch:
            time.sleep(600)
        return real(dataset, key)

    TrainingDataset.__getitem__ = sample


def test_a_stop_does_not_wait_for_a_batch_that_never_comes(photo_folder, tmp_path):
    run, printed = tmp_path / 'run', tmp_path / 'printed'
    arguments = processes.command(photo_folder, run, *QUICK, 'train_cfg.max_epochs=5')
    process = processes.start(arguments, printed, hang_in, 1)
    wait_for((run / 'last.pth').is_file)
    time.sleep(1)
    os.kill(process.pid, signal.SIGTERM)
    assert processes.finish(process, timeout=30) == [143]
    assert 'stopped by SIGTERM after step 1, which is saved in' in printed.read_text()
    assert 'Traceback' not in printed.read_text()
    assert read_checkpoint(run / 'last.pth')['epoch'] == 1


@needs_mount
def test_without_room_in_shared_memory_training_goes_on_and_comes_to_the_same(photo_folder, tmp_path):
    options = (*QUICK, 'train_cfg.max_epochs=2')
    whole, small = (tmp_path / name for name in ('whole', 'small'))
    usual = processes.start(processes.command(photo_folder, whole, *options), tmp_path / 'usual')
    assert processes.finish(usual) == [0]
    arguments = processes.command(photo_folder, small, *options)
    process = processes.start(arguments, tmp_path / 'printed', small_shared_memory, '200k')
    assert processes.finish(process) == [0]
    printed = (tmp_path / 'printed').read_text()
    assert '/dev/shm has 0.2 MiB free, and the batches of 2 loader workers take 0.5' in printed
    assert printed.count('loader worker 0: unable to allocate shared memory') >= 1
    assert '--shm-size' in printed
    assert 'data.workers=0' in printed
    assert 'Traceback' not in printed
    assert weights(whole) == weights(small)
    assert '/dev/shm' not in (tmp_path / 'usual').read_text()


@needs_mount
def test_where_no_worker_can_be_started_training_goes_on_without_and_says_what_to_type(photo_folder, tmp_path):
    arguments = processes.command(photo_folder, tmp_path / 'run', *QUICK, 'train_cfg.max_epochs=1')
    process = processes.start(arguments, tmp_path / 'printed', small_shared_memory, '64k', True)
    assert processes.finish(process) == [0]
    printed = (tmp_path / 'printed').read_text()
    assert 'the 2 loader workers cannot be started: /dev/shm has no room' in printed
    assert 'data.workers=0' in printed
    assert 'Traceback' not in printed


@pytest.mark.parametrize('message', ['Caught RuntimeError in DataLoader worker process 0.', 'CUDA error'])
def test_other_errors_stay_what_they_are(message):
    from toolbox.data.workers import loss_of_a_worker_explained

    with pytest.raises(RuntimeError, match=message), loss_of_a_worker_explained('start again'):
        raise RuntimeError(message)


def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_cleaning_and_scoring_say_it_of_their_workers(photo_folder, tmp_path, monkeypatch, capsys):
    run = tmp_path / 'run'
    arguments = processes.command(photo_folder, run, *QUICK, 'train_cfg.max_epochs=1', 'data.workers=0')
    assert train_tool.main(arguments) == 0
    options = ['--config', 'configs/cleaning/color_texture.py', '--cfg-options', 'reducer.type=PCA', 'workers=2']
    monkeypatch.setattr('toolbox.cleaning.scan.look_at', killed)
    monkeypatch.setattr('toolbox.data.dataset.ValidationDataset.__getitem__', killed)
    capsys.readouterr()
    assert clean_tool.main([str(photo_folder), '--out', str(tmp_path / 'cleaned'), *options]) == 2
    error = capsys.readouterr().err
    assert 'a loader worker was killed by SIGKILL' in error
    assert '--cfg-options workers=1, or 0; run again, which goes on where this run stopped' in error
    scored = [str(run), '--cfg-options', 'data.workers=1']
    assert test_tool.main(scored) == 2
    assert 'a loader worker was killed by SIGKILL' in capsys.readouterr().err
