"""What was learned about files before, by the SHA-256 of their bytes: in one SQLite file, a transaction per batch.

The file may be anybody's. It is used if it has these tables and nothing else: a view or a trigger of the name would run
what its maker wrote. What the tables say is believed, as far as it is of the right kind.
"""

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from toolbox.cleaning.files import Facts, Look, is_thumbnail

# Raised when facts, thumbnails or fingerprints come out differently than before: older files are looked at again.
_FORMAT = 2
_TABLES = {
    'files': 'CREATE TABLE files (sha256 BLOB PRIMARY KEY, facts TEXT NOT NULL, thumbnail BLOB NOT NULL) WITHOUT ROWID',
    'vectors': 'CREATE TABLE vectors ( '
    'identity TEXT, sha256 BLOB, vector BLOB NOT NULL, PRIMARY KEY (identity, sha256) ) WITHOUT ROWID',
}
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
            with self._explained():
                self._prepare()
        except BaseException:
            self._database.close()
            raise

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
        with self._explained(), self._database:
            self._database.executemany('INSERT OR REPLACE INTO files VALUES (?, ?, ?)', files)
            self._database.executemany('INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)', embedded)

    def facts(self, hashes: Iterable[bytes]) -> dict[bytes, Facts]:
        """By SHA-256."""
        rows = self._of(list(hashes), 'SELECT sha256, facts FROM files WHERE sha256 IN ({})')
        with self._explained():
            return {sha256: Facts.from_json(facts) for sha256, facts in rows}

    def thumbnails(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """WebP files by SHA-256."""
        files = dict(self._of(list(hashes), 'SELECT sha256, thumbnail FROM files WHERE sha256 IN ({})'))
        with self._explained():
            if not all(isinstance(file, bytes) and is_thumbnail(file) for file in files.values()):
                raise ValueError('a thumbnail is something else')
        return files

    def vectors(self, hashes: Sequence[bytes]) -> np.ndarray:
        """In the order asked for: (N, D) float32."""
        query = 'SELECT sha256, vector FROM vectors WHERE sha256 IN ({}) AND identity = ?'
        places: dict[bytes, list[int]] = {}
        for place, sha256 in enumerate(hashes):
            places.setdefault(sha256, []).append(place)
        vectors = None
        for sha256, blob in self._of(list(places), query, (self._identity,)):
            with self._explained():
                vector = np.frombuffer(blob, np.float32)
                if vectors is None:
                    vectors = np.empty((len(hashes), len(vector)), np.float32)
                if len(vector) != vectors.shape[1]:
                    raise ValueError('a vector of another length than the others')
                vectors[places[sha256]] = vector
        return np.empty((0, 0), np.float32) if vectors is None else vectors

    def _of(self, hashes: list[bytes], query: str, further: tuple = ()) -> Iterator[tuple]:
        for start in range(0, len(hashes), _ASKED_AT_ONCE):
            asked = hashes[start : start + _ASKED_AT_ONCE]
            yield from self._rows(query.format(', '.join('?' * len(asked))), (*asked, *further))

    def _rows(self, query: str, parameters: tuple) -> Iterator[tuple]:
        with self._explained(), closing(self._database.execute(query, parameters)) as cursor:
            rows = cursor.fetchall()
        yield from rows

    def _prepare(self) -> None:
        """Make the tables, in place of those of another format."""
        found = {
            name: ' '.join(str(sql).split()) for name, sql in self._rows('SELECT name, sql FROM sqlite_master', ())
        }
        if not found.items() <= _TABLES.items():
            raise ValueError('it has other tables')
        if next(self._rows('PRAGMA user_version', ()))[0] != _FORMAT:
            for name in found:
                self._database.execute(f'DROP TABLE {name}')
            self._database.execute(f'PRAGMA user_version = {_FORMAT}')
            found = {}
        for name in _TABLES.keys() - found.keys():
            self._database.execute(_TABLES[name])
        self._database.commit()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Within, what is wrong with the file is said so that a person knows what to do."""
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, TypeError, RecursionError) as error:
            _raise_if_full(error, self.path)
            raise ValueError(f'{self.path}: not a cache of a cleaning run, or damaged ({error}); delete it') from error


def _raise_if_full(error: Exception, path: Path) -> None:
    if 'is full' in str(error):
        raise OSError(errno.ENOSPC, str(error), str(path)) from error
