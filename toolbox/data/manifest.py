"""A list of photographs that stays small: a million of them in tens of megabytes, shared by forked workers.

A Python string has a reference count, and reading it from a forked worker copies its memory page. So the names lie
in one buffer of bytes, and strings are made one at a time when they are asked for.
"""

import hashlib
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Photo:
    """One photograph.

    Attributes:
        name: identifies it in its data set: its path below the root, with forward slashes.
        path: its file.
        damaged: the file of its real damaged input, where the data set has one.
    """

    name: str
    path: Path
    damaged: Path | None


class PackedStrings(Sequence[str]):
    """An immutable sequence of strings in one buffer: UTF-8, with surrogate escapes for undecodable file names."""

    def __init__(self, strings: Iterable[str]) -> None:
        buffer, ends = bytearray(), array('q', [0])
        for string in strings:
            buffer += _encode(string)
            ends.append(len(buffer))
        self._buffer = np.frombuffer(bytes(buffer), np.uint8)
        self._ends = np.frombuffer(ends, np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        index = _checked_index(index, len(self))
        return self._buffer[self._ends[index] : self._ends[index + 1]].tobytes().decode('utf-8', 'surrogateescape')


class Manifest(Sequence[Photo]):
    """The photographs of a data set, in a fixed order.

    Args:
        root: the folder that relative paths start from.
        names: unique names.
        files: their paths, relative to the root or absolute; equal to the names if not given.
        damaged: paths of the real damaged inputs, '' where there is none.
        groups: int64 (n,); photographs with equal numbers show the same scene and belong into the same fold.
        left_out: what was found beside them and is no file, or could not be looked into: paths and reasons.
    """

    def __init__(
        self,
        root: Path,
        names: Iterable[str],
        *,
        files: Iterable[str] | None = None,
        damaged: Iterable[str] | None = None,
        groups: np.ndarray | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        self.root = root
        self.names = PackedStrings(names)
        self._files = self.names if files is None else PackedStrings(files)
        self._damaged = None if damaged is None else PackedStrings(damaged)
        self.groups = groups
        self.left_out = dict(left_out or {})

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Photo:
        damaged = self._damaged[index] if self._damaged else ''
        return Photo(self.names[index], self.root / self._files[index], self.root / damaged if damaged else None)

    @property
    def num_damaged(self) -> int:
        """How many photographs come with a real damaged input."""
        return sum(map(bool, self._damaged)) if self._damaged else 0

    def subset(self, indices: Iterable[int]) -> 'Manifest':
        """The photographs at `indices`, in their order."""
        indices = [int(index) for index in indices]
        return Manifest(
            self.root,
            (self.names[index] for index in indices),
            files=None if self._files is self.names else (self._files[index] for index in indices),
            damaged=None if self._damaged is None else (self._damaged[index] for index in indices),
            groups=None if self.groups is None else self.groups[indices],
        )

    def digest(self) -> str:
        """SHA-256 over the names and sizes of the photographs and their damaged inputs: which data was this?

        It asks the file system for each file's size, and reads none.
        """
        digest = hashlib.sha256()
        for index, name in enumerate(self.names):
            files = [column[index] for column in (self._files, self._damaged) if column]
            sizes = [_size(os.path.join(self.root, file)) for file in files if file]
            digest.update(_encode(f'{name}\0{sizes}\n'))
        return digest.hexdigest()


def _size(path: str) -> int | None:
    """In bytes; None for a file that is gone since it was listed. That it cannot be read is said where it is read."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _encode(string: str) -> bytes:
    return string.encode('utf-8', 'surrogateescape')


def _checked_index(index: int, length: int) -> int:
    """An index counted from the start; IndexError ends iteration."""
    if not -length <= index < length:
        raise IndexError(f'index {index} is out of range for {length} items')
    return index % length
