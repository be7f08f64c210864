"""Clocks that jump back: what a run does and says rests on none of the day."""

import os
import time

import pytest

from tests.training import processes
from toolbox.system.paths import REPOSITORY
from toolbox.training import run_folder
from tools import train as train_tool

QUICK = ('model.decoder.type=Unet', 'model.layout.type=OneStage', 'sample_images=0', 'visualizers=[]')


@pytest.fixture
def runs(tmp_path):
    """Three run folders, the second one written last."""
    for number, age in (('001', 300), ('002', 100), ('003', 200)):
        (tmp_path / number).mkdir()
        path = tmp_path / number / 'last.pth'
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    return tmp_path


def test_the_newest_run_is_the_one_that_was_written_last(runs, capsys):
    assert run_folder.newest(runs, 'last.pth') == runs / '002' / 'last.pth'
    assert run_folder.newest(runs, 'best.pth') is None
    assert capsys.readouterr().out == ''


def test_where_a_file_is_of_the_future_the_highest_number_is_the_newest(runs, capsys):
    os.utime(runs / '001' / 'last.pth', (time.time() + 86400,) * 2)
    assert run_folder.newest(runs, 'last.pth') == runs / '003' / 'last.pth'
    assert 'are of the future' in capsys.readouterr().out


def test_a_training_whose_clock_runs_backwards_is_like_any_other(photo_folder, tmp_path, monkeypatch, capsys):
    now = iter(range(2_000_000_000, 0, -3600))
    monkeypatch.setattr(time, 'time', lambda: float(next(now)))
    options = (*QUICK, 'train_cfg.save_minutes=1')
    assert train_tool.main(processes.command(photo_folder, tmp_path / 'run', *options)) == 0
    printed = capsys.readouterr()
    assert 'epoch 2/2' in printed.out
    assert '-' not in ''.join(word for word in printed.out.split() if word.count(':') == 1 and word[-1].isdigit())
    assert (tmp_path / 'run/metrics.json').is_file()


def test_durations_and_waits_read_no_clock_of_the_day():
    files = [path for folder in ('toolbox', 'plugins', 'tools') for path in (REPOSITORY / folder).rglob('*.py')]
    reading = {path.name for path in files if 'time.time()' in path.read_text(encoding='utf-8')}
    assert reading == {'run_folder.py'}  # to see that a file is of the future
