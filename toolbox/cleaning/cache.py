"""What was learned about files before, by the SHA-256 of their bytes: in one SQLite file, a transaction per batch."""

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from toolbox.cleaning.files import Facts, Look

# Raised when facts, thumbnails or fingerprints come out differently than before: older files are looked at again.
_FORMAT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS files (sha256 BLOB PRIMARY KEY, facts TEXT NOT NULL, thumbnail BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    identity TEXT, sha256 BLOB, vector BLOB NOT NULL, PRIMARY KEY (identity, sha256)
) WITHOUT ROWID;
"""
_ASKED_AT_ONCE = 500  # parameters of one query


class Cache:
    """Facts and thumbnails of files, and the vectors of one embedder.

    A file or an embedder that is not new costs nothing the second time. A kill loses the batch that was being written,
    and nothing before it.

    Args:
        path: the SQLite file; made if it is not there.
        identity: of the embedder.

    Raises:
        ValueError: the file is something else, or damaged.
        OSError: ENOSPC, there is no room.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._identity = identity
        self._database = sqlite3.connect(path)
        try:
            if self._database.execute('PRAGMA user_version').fetchone()[0] != _FORMAT:
                self._database.executescript('DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS vectors;')
                self._database.execute(f'PRAGMA user_version = {_FORMAT}')
            self._database.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            self._database.close()
            _raise_if_full(error, path)
            raise ValueError(f'{path}: not a cache of a cleaning run, or damaged ({error}); delete it') from error

    def close(self) -> None:
        """Write what is left, and let the file go."""
        self._database.close()

    def known(self) -> frozenset[bytes]:
        """SHA-256 of the files whose facts and vector are there."""
        rows = self._rows('SELECT sha256 FROM vectors JOIN files USING (sha256) WHERE identity = ?', (self._identity,))
        return frozenset(sha256 for (sha256,) in rows)

    def add(self, looks: Sequence[Look], vectors: np.ndarray) -> None:
        """Keep what was learned about a batch of files: (N, D) float32 vectors. All of it, or none.

        Raises:
            OSError: ENOSPC, there is no room.
        """
        files = [(look.sha256, look.facts.to_json(), look.thumbnail) for look in looks]
        pairs = zip(looks, vectors, strict=True)
        embedded = [(self._identity, look.sha256, vector.tobytes()) for look, vector in pairs]
        try:
            with self._database:
                self._database.executemany('INSERT OR REPLACE INTO files VALUES (?, ?, ?)', files)
                self._database.executemany('INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)', embedded)
        except sqlite3.OperationalError as error:
            _raise_if_full(error, self.path)
            raise

    def facts(self, hashes: Iterable[bytes]) -> dict[bytes, Facts]:
        """By SHA-256."""
        rows = self._of(list(hashes), 'SELECT sha256, facts FROM files WHERE sha256 IN ({})')
        return {sha256: Facts.from_json(facts) for sha256, facts in rows}

    def thumbnails(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """WebP files by SHA-256."""
        return dict(self._of(list(hashes), 'SELECT sha256, thumbnail FROM files WHERE sha256 IN ({})'))

    def vectors(self, hashes: Sequence[bytes]) -> np.ndarray:
        """In the order asked for: (N, D) float32."""
        query = 'SELECT sha256, vector FROM vectors WHERE sha256 IN ({}) AND identity = ?'
        places: dict[bytes, list[int]] = {}
        for place, sha256 in enumerate(hashes):
            places.setdefault(sha256, []).append(place)
        vectors = None
        for sha256, blob in self._of(list(places), query, (self._identity,)):
            vector = np.frombuffer(blob, np.float32)
            if vectors is None:
                vectors = np.empty((len(hashes), len(vector)), np.float32)
            vectors[places[sha256]] = vector
        return np.empty((0, 0), np.float32) if vectors is None else vectors

    def _of(self, hashes: list[bytes], query: str, further: tuple = ()) -> Iterator[tuple]:
        for start in range(0, len(hashes), _ASKED_AT_ONCE):
            asked = hashes[start : start + _ASKED_AT_ONCE]
            yield from self._rows(query.format(', '.join('?' * len(asked))), (*asked, *further))

    def _rows(self, query: str, parameters: tuple) -> Iterator[tuple]:
        with closing(self._database.execute(query, parameters)) as cursor:
            yield from cursor


def _raise_if_full(error: sqlite3.DatabaseError, path: Path) -> None:
    if 'is full' in str(error):
        raise OSError(errno.ENOSPC, str(error), str(path)) from error
