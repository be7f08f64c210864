"""Jobs can use the GPUs of a machine, though none is needed to see it: a stand-in says how many there are."""

import os
import subprocess
import sys

import pytest
import torch

from toolbox.experiment.workers import processes as local
from toolbox.system.paths import REPOSITORY

# What Python imports at its start: NVML with two GPUs.
STAND_IN = """
import ctypes

load = ctypes.CDLL


class NVML:
    def nvmlInit(self):
        return 0

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = 2
        return 0


ctypes.CDLL = lambda name, *args, **options: NVML() if name == 'libnvidia-ml.so.1' else load(name, *args, **options)
"""
JOBS = """
import json
import os
from dataclasses import dataclass
from pathlib import Path

from toolbox.experiment.workers import processes as local


@dataclass
class Job:
    folder: Path


def look(job):
    import torch

    found = dict(count=torch.cuda.device_count(), spoiled=torch.cuda._is_in_bad_fork())
    found['visible'] = os.environ.get('CUDA_VISIBLE_DEVICES')
    (job.folder / 'found.json').write_text(json.dumps(found))
    return 0


if __name__ == '__main__':
    folders = [Path('a').resolve(), Path('b').resolve()]
    for folder in folders:
        folder.mkdir()
    preload = ['toolbox.experiment.trial']  # which asks for GPUs
    assert [code for _, code in local.LocalEngine(2, preload).run(look, map(Job, folders))] == [0, 0]
    print(*((folder / 'found.json').read_text() for folder in folders), sep='\\n')
"""


@pytest.mark.skipif(not torch.backends.cuda.is_built(), reason='needs a torch that is built for CUDA')
def test_imports_do_not_keep_jobs_from_using_gpus(tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(STAND_IN)
    (tmp_path / 'jobs.py').write_text(JOBS)
    hidden = ('CUDA_VISIBLE_DEVICES', 'PYTORCH_NVML_BASED_CUDA_CHECK')
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment['PYTHONPATH'] = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = subprocess.run(
        [sys.executable, 'jobs.py'], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    expected = [f'{{"count": 1, "spoiled": false, "visible": "{number}"}}' for number in (0, 1)]
    assert (done.stdout.splitlines(), done.returncode) == (expected, 0), done.stderr


@pytest.mark.parametrize(
    ('counted', 'available', 'method'), [(2, True, 'forkserver'), (-1, True, 'spawn'), (-1, False, 'forkserver')]
)
def test_where_nvml_counts_no_gpus_jobs_start_anew(monkeypatch, counted, available, method):
    monkeypatch.setattr(torch.cuda, '_device_count_nvml', lambda: counted)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: available)
    assert local._start_method() == method
