"""Two processes train as one does, measure the same, and do not outlive each other."""

import json
import os
import signal

import pytest
import torch

from tests.training import processes
from toolbox.training.checkpoint import read_checkpoint

# Group normalization and plain convolutions: no image of a batch depends on another.
OPTIONS = (
    f"custom_imports=['{processes.PLANTED_PARTS}']",
    'model.decoder.type=PlainDecoder',
    'model.attention.type=none',
    'precision=float32',  # where sums in another order differ least
    'data.folds=2',  # 4 or 5 validate: uneven shares
    'train_cfg.max_epochs=3',
    'sample_images=2',
)


def scalars(folder):
    return [json.loads(line) for line in (folder / 'scalars.jsonl').read_text().splitlines()]


def train_one(photos, folder, *options, resume=False):
    arguments = processes.command(photos, folder, *OPTIONS, *options, resume=resume)
    return processes.finish(processes.start(arguments, folder.with_suffix('.printed')))


def train_two(photos, folder, *options, plant=None, resume=False):
    arguments = processes.command(photos, folder, *OPTIONS, *options, resume=resume, launcher='pytorch')
    return processes.finish(*processes.start_group(2, arguments, folder.with_suffix('.printed'), plant))


def printed(folder, rank):
    return folder.with_name(f'{folder.with_suffix(".printed").name}.{rank}').read_text()


@pytest.fixture(scope='module')
def alone(photo_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp('alone') / 'run'
    assert train_one(photo_folder, folder) == [0]
    return folder


def assert_equal_runs(one, two):
    lines = list(zip(scalars(one), scalars(two), strict=True))
    assert any('loss' in line or 'val_score' in line for line, _ in lines)
    for first, second in lines:
        for key in first.keys() - {'photos_per_second', 'gpu_memory_mib'}:
            # Sums in another order turn a byte here and there, and a byte the hue of a faint color.
            tolerance = 1e-4 if key.startswith('val_') else 1e-5
            assert second[key] == pytest.approx(first[key], abs=tolerance), (key, first, second)


def test_two_processes_give_the_curve_of_one(photo_folder, tmp_path, alone):
    run = tmp_path / 'run'
    assert train_two(photo_folder, run) == [0, 0], printed(run, 0) + printed(run, 1)
    assert_equal_runs(alone, run)
    for name, value in read_checkpoint(alone / 'last.pth')['model'].items():
        assert (read_checkpoint(run / 'last.pth')['model'][name] - value).abs().max() < 1e-4
    assert (run / 'train.rank1.log').is_file()
    assert 'epoch 3/3' in (run / 'train.log').read_text()


def test_two_processes_train_in_turns_and_with_a_critic_as_one_does(photo_folder, tmp_path):
    """Also where a batch is worked through in parts, whose gradients processes share once."""
    losses = (
        "[dict(type='L1',on='gray'),dict(type='L1',on='rgb'),"
        "dict(type='PatchGAN',on='rgb',weight=0.01,channels=8,layers=2)]"
    )
    options = (
        'model.layout.type=TwoStageSequential',
        f'model.losses={losses}',
        'train_cfg.accumulate=2',
        'train_cfg.max_epochs=2',
    )
    one, two = tmp_path / 'one', tmp_path / 'two'
    assert train_one(photo_folder, one, *options) == [0]
    assert train_two(photo_folder, two, *options) == [0, 0], printed(two, 0) + printed(two, 1)
    assert_equal_runs(one, two)
    first, second = (read_checkpoint(run / 'last.pth') for run in (one, two))
    for name, weight in first['model'].items():
        torch.testing.assert_close(second['model'][name], weight, rtol=1e-3, atol=1e-4)
    for name, weight in first['objective'].items():
        torch.testing.assert_close(second['objective'][name], weight, rtol=1e-3, atol=1e-4)
    assert any('critic' in name for name in first['objective'])


def test_the_same_weights_give_the_same_score(photo_folder, tmp_path):
    frozen = ('optimizer.lr=1e-30', 'lr_schedule.type=constant', 'train_cfg.max_epochs=1')
    assert train_one(photo_folder, tmp_path / 'one', *frozen) == [0]
    assert train_two(photo_folder, tmp_path / 'two', *frozen) == [0, 0]
    one, two = (json.loads((tmp_path / name / 'metrics.json').read_text()) for name in ('one', 'two'))
    assert one['n'] == two['n'] == 5
    assert two == pytest.approx(one, abs=1e-9)


def die_at_second_save(rank):
    from toolbox.training.trainer import Trainer

    save, count = Trainer.save, []

    def dying(trainer, is_best=False):
        save(trainer, is_best)
        count.append(1)
        if rank == 1 and len(count) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    Trainer.save = dying


def test_a_lost_process_ends_all_and_another_number_of_processes_resumes(photo_folder, tmp_path, alone):
    run = tmp_path / 'run'
    codes = train_two(photo_folder, run, 'train_cfg.save_steps=1', plant=die_at_second_save)
    assert codes == [2, -signal.SIGKILL], printed(run, 0)
    assert 'process 0 of 2 lost the connection to another one' in printed(run, 0)
    assert 'Traceback' not in printed(run, 0)
    assert 'lost the connection' in (run / 'train.log').read_text()
    assert train_one(photo_folder, run, resume=True) == [0]
    assert_equal_runs(alone, run)


def stop_second(rank):
    from toolbox.training.trainer import Trainer

    save = Trainer.save

    def asked(trainer, is_best=False):
        save(trainer, is_best)
        if rank == 1:
            trainer.stop_request.receive(signal.SIGTERM)

    Trainer.save = asked


def test_all_stop_at_the_same_step(photo_folder, tmp_path, alone):
    run = tmp_path / 'run'
    assert train_two(photo_folder, run, 'train_cfg.save_steps=1', plant=stop_second) == [143, 143], printed(run, 0)
    assert read_checkpoint(run / 'last.pth')['step'] == 2
    assert train_two(photo_folder, run, resume=True) == [0, 0]
    assert_equal_runs(alone, run)


def keep_validated_buffers(rank):
    from toolbox.training.trainer import Trainer

    measure = Trainer.measure

    def watched(trainer):
        torch.save(dict(trainer.model.layout.named_buffers()), trainer.folder / f'buffers.{rank}')
        return measure(trainer)

    Trainer.measure = watched


def test_all_validate_the_same_averaged_statistics(photo_folder, tmp_path):
    run = tmp_path / 'run'
    options = ('model.encoder.type=NoisyEncoder', 'train_cfg.ema=0.9', 'train_cfg.max_epochs=1')
    codes = train_two(photo_folder, run, *options, plant=keep_validated_buffers)
    assert codes == [0, 0], printed(run, 0) + printed(run, 1)
    first, second = (torch.load(run / f'buffers.{rank}') for rank in (0, 1))
    assert any('running_var' in name for name in first)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
