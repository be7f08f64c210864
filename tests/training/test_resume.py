"""A run that is killed at any moment and resumed ends with the very bytes of one that was not."""

import json
import os
import random
import signal
import time

import pytest

from tests.training import processes
from toolbox.training.checkpoint import checksum, read_checkpoint
from toolbox.training.trainer import Trainer
from tools import train as train_tool

# Everything that a resume has to restore: dropout, running statistics, an average, patience, a schedule of weights.
OPTIONS = [
    f"custom_imports=['{processes.PLANTED_PARTS}']",
    'model.encoder.type=NoisyEncoder',
    'model.decoder.type=PlainDecoder',
    'model.attention.type=none',
    'model.losses.0.start=5',
    'model.losses.0.ramp=10',
    'data.batch_size=2',
    'data.repeat=2',
    'train_cfg.max_epochs=4',
    'train_cfg.save_steps=1',
    'train_cfg.ema=0.9',
    'train_cfg.clip_norm=1.0',
    'train_cfg.accumulate=2',
    'sample_images=0',
]
CLOCKED = ('photos_per_second', 'gpu_memory_mib')


def result(folder):
    """What has to be equal: weights, all states, metrics, logged values."""
    lines = [json.loads(line) for line in (folder / 'scalars.jsonl').read_text().splitlines()]
    scalars = [{key: value for key, value in line.items() if key not in CLOCKED} for line in lines]
    checkpoints = {name: read_checkpoint(folder / name) for name in ('last.pth', 'best.pth')}
    for content in checkpoints.values():
        del content['config']  # names the number of loader workers
    sums = {f'{name} {key}': checksum(value) for name, content in checkpoints.items() for key, value in content.items()}
    return dict(scalars=scalars, metrics=json.loads((folder / 'metrics.json').read_text()), **sums)


def differing(folder, expected):
    """The parts of a run's result that are not as expected."""
    found = result(folder)
    return [part for part in expected.keys() | found.keys() if found.get(part) != expected.get(part)]


@pytest.fixture(scope='module')
def uninterrupted(photo_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp('uninterrupted')
    processes.finish(processes.start(['--help'], folder / 'help'))  # the server is up
    began = time.monotonic()
    started = processes.start(processes.command(photo_folder, folder / 'run', *OPTIONS), folder / 'printed')
    assert processes.finish(started) == [0], (folder / 'printed').read_text()
    return result(folder / 'run'), time.monotonic() - began


def run_until_done(photos, folder, deaths, options=OPTIONS):
    """Start, resume, resume ...; `deaths` yields (plant, values) or (None, seconds until SIGKILL); how many died."""
    for died in range(60):
        arguments = processes.command(photos, folder / 'run', *options, resume=died > 0)
        plant, value = next(deaths, (None, None))
        process = processes.start(arguments, folder / 'printed', plant, *([value] if plant else []))
        if plant is None and value is not None:
            process.join(value)
            process.kill()
        [code] = processes.finish(process)
        if code == 0:
            return died
        assert code == -signal.SIGKILL, (folder / 'printed').read_text()
    raise AssertionError('the run makes no progress')


def test_killed_at_random_moments(photo_folder, uninterrupted, tmp_path):
    expected, seconds = uninterrupted
    draw = random.Random(0)
    died = 0
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        workers = ['data.workers=2'] if attempt % 2 else []
        deaths = iter([(None, draw.uniform(0.1, 0.6) * seconds) for _ in range(12 - died)])
        died += run_until_done(photo_folder, folder, deaths, [*OPTIONS, *workers])
        assert differing(folder / 'run', expected) == []
        if died >= 12:
            return
    raise AssertionError(f'only {died} kills')


def die_in_call(number):
    """SIGKILL within the n-th call that moves or links or syncs a file."""
    calls = 0
    real = {name: getattr(os, name) for name in ('replace', 'link', 'fsync')}

    def counting(name):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments, **options)

        return call

    for name in real:
        setattr(os, name, counting(name))


def test_killed_while_saving(photo_folder, uninterrupted, tmp_path):
    expected, _ = uninterrupted
    deaths = iter([(die_in_call, number) for number in (4, 5, 6, 8, 9, 10, 11)])
    assert run_until_done(photo_folder, tmp_path, deaths) == 7
    assert differing(tmp_path / 'run', expected) == []
    assert not list((tmp_path / 'run').glob('.*.tmp'))


def test_a_damaged_newest_checkpoint_is_reported_and_the_one_before_used(photo_folder, uninterrupted, tmp_path):
    expected, _ = uninterrupted
    run = tmp_path / 'run'
    process = processes.start(processes.command(photo_folder, run, *OPTIONS), tmp_path / 'printed', die_in_call, 40)
    assert processes.finish(process) == [-signal.SIGKILL]
    (run / 'last.pth').write_bytes((run / 'last.pth').read_bytes()[:-1000])
    arguments = processes.command(photo_folder, run, *OPTIONS, resume=True)
    assert processes.finish(processes.start(arguments, tmp_path / 'printed')) == [0]
    printed = (tmp_path / 'printed').read_text()
    assert 'last.pth: refused: damaged' in printed
    assert f'using {run}/previous.pth, the checkpoint before it' in printed
    assert (run / 'damaged.pth').is_file()
    assert differing(run, expected) == []


@pytest.mark.parametrize('damage', ['cut', 'zeros', 'gone'])
def test_a_line_that_a_power_failure_cut_is_dropped_on_resume(photo_folder, tmp_path, damage):
    run, printed = tmp_path / 'run', tmp_path / 'printed'
    options = ('train_cfg.max_epochs=2', 'sample_images=0')
    assert processes.finish(processes.start(processes.command(photo_folder, run, *options), printed)) == [0]
    path = run / 'scalars.jsonl'
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == 'gone':
        path.unlink()
    else:
        last = lines[-1][:20] if damage == 'cut' else bytes(len(lines[-1]))
        path.write_bytes(b''.join([*lines[:-1], last]))
    longer = processes.command(photo_folder, run, *options, 'train_cfg.max_epochs=3', resume=True)
    assert processes.finish(processes.start(longer, printed)) == [0]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row['epoch'] for row in rows] == ([3] if damage == 'gone' else [*range(1, len(lines)), 3])
    assert ('is missing or cut short' in printed.read_text()) == (damage != 'gone')


def test_killed_after_its_last_step(photo_folder, uninterrupted, tmp_path, monkeypatch):
    """No step follows, and what is saved at the end is what it would have been."""

    class Death(Exception):
        pass

    expected, _ = uninterrupted
    steps, real = expected['scalars'][-1]['step'], Trainer.save

    def save(trainer, is_best=False):
        real(trainer, is_best)
        if trainer.step == steps:
            raise Death

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, 'save', save)
        with pytest.raises(Death):
            train_tool.main(processes.command(photo_folder, tmp_path / 'run', *OPTIONS))
    assert train_tool.main(processes.command(photo_folder, tmp_path / 'run', *OPTIONS, resume=True)) == 0
    assert differing(tmp_path / 'run', expected) == []
