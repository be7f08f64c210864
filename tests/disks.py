"""Disks of a few megabytes, for tests of what happens when one is full."""

import ctypes
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


def small_shared_memory(size: str, full: bool = False) -> None:
    """Give this process, and those that it starts, a /dev/shm of its own; needs the right to mount."""
    mount_namespace = 0x00020000  # CLONE_NEWNS of linux/sched.h
    if ctypes.CDLL(None, use_errno=True).unshare(mount_namespace):
        raise OSError(ctypes.get_errno(), 'unshare')
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', '/dev/shm'], check=True)
    if full:
        fill(Path('/dev/shm'))


class BreakingDisk:
    """An ext4 file system in a file, that can be made to fail as a broken disk's does; needs the right to mount.

    Args:
        folder: where it is mounted; made if it is not there.
        mebibytes: its size.
    """

    def __init__(self, folder: Path, mebibytes: int = 32) -> None:
        self.folder = folder
        self._image = folder.with_name(f'{folder.name}.img')
        folder.mkdir(parents=True, exist_ok=True)
        with open(self._image, 'wb') as file:
            file.truncate(mebibytes * 2**20)

    def __enter__(self) -> 'BreakingDisk':
        made = subprocess.run(['mkfs.ext4', '-q', '-O', '^has_journal', str(self._image)], capture_output=True)
        mounted = made if made.returncode else self._mount()
        if mounted.returncode:
            pytest.skip(f'a file cannot be mounted as a disk here: {mounted.stderr.decode().strip()}')
        return self

    def become_read_only(self) -> None:
        """As ext4 does it by itself when the disk fails: files that are open can be written no more, either."""
        subprocess.run(['mount', '-o', 'remount,abort', str(self.folder)], check=True)
        (self.folder / 'probe').exists()

    def mend(self) -> None:
        """Mount it anew, as it is."""
        subprocess.run(['umount', '-l', str(self.folder)], check=True)
        self._mount().check_returncode()

    def _mount(self) -> subprocess.CompletedProcess:
        return subprocess.run(['mount', '-o', 'loop', str(self._image), str(self.folder)], capture_output=True)

    def __exit__(self, *_: object) -> None:
        subprocess.run(['umount', '-l', str(self.folder)], check=False)


needs_loop = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which('mkfs.ext4'), reason='needs the right to mount, and mkfs.ext4'
)
