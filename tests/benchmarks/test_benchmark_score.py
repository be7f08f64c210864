"""The score's benchmark measures two ways to the same numbers."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.score import benchmark_score

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmark.py'


@pytest.fixture(autouse=True)
def _keep_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_both_ways_agree():
    result = benchmark_score(size=64, repeats=2)
    assert result.difference < 1e-9
    assert 'times as fast' in str(result)
    assert 'largest difference in any part' in str(result)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match='at least 32'):
        benchmark_score(size=8)


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without CUDA')
def test_a_missing_gpu_is_named():
    with pytest.raises(ValueError, match='--device cpu'):
        benchmark_score(device='cuda')


def test_the_tool_runs_from_any_folder(tmp_path):
    command = [sys.executable, str(TOOL), 'score', '--size', '40', '--repeats', '1']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'score of a 40x40 image' in done.stdout
