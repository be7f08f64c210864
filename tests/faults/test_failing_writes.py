"""The file system fails at an operation: no tool ends well with a wrong result, hangs, or loses what it had.

A sample of the positions; all of them: docs/reliability.md.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.harness import JOBS
from toolbox.system.paths import REPOSITORY

SOURCE = Path(__file__).with_name('failing_writes.c')
POSITIONS = 1


@pytest.fixture(scope='module')
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of C, for LD_PRELOAD."""
    compiler = shutil.which('cc')
    if compiler is None or not sys.platform.startswith('linux'):
        pytest.skip('needs a C compiler (cc) on Linux')
    built = tmp_path_factory.mktemp('library') / 'failing_writes.so'
    subprocess.run([compiler, '-shared', '-fPIC', '-O1', '-o', built, SOURCE, '-ldl'], check=True)
    return built


def verdicts(library, scratch, job, kinds, *more):
    """What the harness says of the positions that it tried."""
    command = [sys.executable, '-m', 'tests.faults.harness', job, kinds, '--scratch', str(scratch)]
    environment = {**os.environ, 'LD_PRELOAD': str(library), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [*command, '--positions', str(POSITIONS), *more],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize('job', JOBS)
def test_a_fault_is_told_and_loses_nothing(job, library, tmp_path):
    tried = verdicts(library, tmp_path, job, 'wrs')
    assert {verdict['kind'] for verdict in tried} == set('wrs')
    assert [verdict for verdict in tried if verdict['wrong']] == []


def test_renames_fail_as_those_of_file_servers_do(library, tmp_path):
    errors = ['ESTALE', 'EBUSY', 'EXDEV']
    tried = verdicts(library, tmp_path, 'infer', 'r', '--error', *errors)
    assert [verdict['error'] for verdict in tried] == errors
    assert [verdict for verdict in tried if verdict['wrong']] == []
