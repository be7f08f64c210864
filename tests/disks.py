"""Disks of a few megabytes, for tests of what happens when one is full."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which('mount'), reason='needs the right to mount a small disk'
)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Within, a folder is a disk of its own; the test is skipped where it cannot be.

    Args:
        folder: made if it is not there.
        size: as `mount` takes it, like `4m`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f'a small disk cannot be mounted here: {mounted.stderr.decode().strip()}')
    try:
        yield folder
    finally:
        subprocess.run(['umount', '-l', str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill a folder's disk with one file but for `leave` bytes, and return it."""
    path = folder / 'something else'
    size = shutil.disk_usage(folder).free - leave
    with open(path, 'ab') as file:
        file.write(bytes(max(0, size)))
    return path
