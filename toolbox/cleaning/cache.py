"""What was learned about files before, by the SHA-256 of their bytes: in one SQLite file, a transaction per batch.

Each row has a digest over its values. A row that does not fit its digest is not known: what it was about is computed
again.

The file may be anybody's. It is used if it has these tables and nothing else: a view or a trigger of the name would run
what its maker wrote. What the tables say is believed, as far as it is of the right kind: digests tell accidents, not
intent.
"""

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from toolbox.cleaning.files import Facts, Look, is_thumbnail
from toolbox.system.digests import digest
from toolbox.system.disk_errors import not_written

# Raised when facts, thumbnails or fingerprints come out differently than before: older files are looked at again.
_FORMAT = 3
_TABLES = {
    'files': 'CREATE TABLE files ( '
    'sha256 BLOB PRIMARY KEY, facts TEXT NOT NULL, thumbnail BLOB NOT NULL, digest BLOB NOT NULL ) WITHOUT ROWID',
    'vectors': 'CREATE TABLE vectors ( '
    'identity TEXT, sha256 BLOB, vector BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (identity, sha256) ) '
    'WITHOUT ROWID',
}
_TABLES_BEFORE = {  # without digests
    'files': 'CREATE TABLE files (sha256 BLOB PRIMARY KEY, facts TEXT NOT NULL, thumbnail BLOB NOT NULL) WITHOUT ROWID',
    'vectors': 'CREATE TABLE vectors ( '
    'identity TEXT, sha256 BLOB, vector BLOB NOT NULL, PRIMARY KEY (identity, sha256) ) WITHOUT ROWID',
}
_FILE_ROWS = 'SELECT sha256, facts, thumbnail, digest FROM files'
_VECTOR_ROWS = 'SELECT sha256, vector, digest FROM vectors WHERE identity = ?'
# What SQLite says where the file is as it was, and the system does not let it go on.
_OF_THE_SYSTEM = {
    'is full': errno.ENOSPC,
    'disk I/O error': errno.EIO,
    'unable to open database file': errno.EACCES,
    'readonly database': errno.EROFS,
    'database is locked': errno.EBUSY,
}
_ASKED_AT_ONCE = 500  # parameters of one query


class Cache:
    """Facts and thumbnails of files, and the vectors of one embedder.

    A file or an embedder that is not new costs nothing the second time. A kill loses the batch that was being written,
    and nothing before it.

    Args:
        path: the SQLite file; made if it is not there.
        identity: of the embedder.

    Attributes:
        num_damaged: rows that `known` found damaged.

    Raises:
        ValueError: the file is something else, damaged, or of a newer version.
        NotWritten: the system does not take it.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.num_damaged = 0
        self._identity = identity
        with self._explained():
            self._database = sqlite3.connect(path)
            self._database.text_factory = lambda text: text.decode(errors='replace')  # of a damaged row
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
        """SHA-256 of the files whose facts and vector are there, undamaged."""
        self.num_damaged = 0
        files, vectors = set(), set()
        for row in self._each(_FILE_ROWS, ()):
            self._sort_in(row, files, self._file_is_whole(*row))
        for row in self._each(_VECTOR_ROWS, (self._identity,)):
            self._sort_in(row, vectors, self._vector_is_whole(*row))
        return frozenset(files & vectors)

    def _sort_in(self, row: tuple, whole: set[bytes], is_whole: bool) -> None:
        if is_whole:
            whole.add(row[0])
        else:
            self.num_damaged += 1

    def add(self, looks: Sequence[Look], vectors: np.ndarray) -> None:
        """Keep what was learned about a batch of files: (N, D) float32 vectors. All of it, or none.

        Raises:
            NotWritten: the system does not take it.
        """
        files, embedded = [], []
        for look, vector in zip(looks, vectors, strict=True):
            facts, content = look.facts.to_json(), vector.tobytes()
            files.append((look.sha256, facts, look.thumbnail, _file_digest(look.sha256, facts, look.thumbnail)))
            digest_ = self._vector_digest(look.sha256, content)
            embedded.append((self._identity, look.sha256, content, digest_))
        with self._explained(), self._database:
            self._database.executemany('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)', files)
            self._database.executemany('INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)', embedded)

    def facts(self, hashes: Iterable[bytes]) -> dict[bytes, Facts]:
        """By SHA-256."""
        with self._explained():
            return {sha256: Facts.from_json(facts) for sha256, facts, _ in self._files(set(hashes))}

    def thumbnails(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """WebP files by SHA-256."""
        files = {sha256: thumbnail for sha256, _, thumbnail in self._files(set(hashes))}
        with self._explained():
            if not all(map(is_thumbnail, files.values())):
                raise ValueError('a thumbnail is something else')
        return files

    def _files(self, hashes: set[bytes]) -> Iterator[tuple[bytes, str, bytes]]:
        """Rows that are as they were written, of all the hashes."""
        left = set(hashes)
        for row in self._of(list(hashes), f'{_FILE_ROWS} WHERE sha256 IN ({{}})'):
            self._require(self._file_is_whole(*row))
            left.discard(row[0])
            yield row[:3]
        self._require(not left)

    def _require(self, holds: bool) -> None:
        if not holds:
            with self._explained():
                raise ValueError('a row has changed since this run began')

    def vectors(self, hashes: Sequence[bytes]) -> np.ndarray:
        """In the order asked for: (N, D) float32."""
        query = f'{_VECTOR_ROWS} AND sha256 IN ({{}})'
        places: dict[bytes, list[int]] = {}
        for place, sha256 in enumerate(hashes):
            places.setdefault(sha256, []).append(place)
        vectors, left = None, set(places)
        for sha256, blob, digest_ in self._of(list(places), query, (self._identity,)):
            self._require(self._vector_is_whole(sha256, blob, digest_))
            left.discard(sha256)
            with self._explained():
                vector = np.frombuffer(blob, np.float32)
                if vectors is None:
                    vectors = np.empty((len(hashes), len(vector)), np.float32)
                if len(vector) != vectors.shape[1]:
                    raise ValueError('a vector of another length than the others')
                vectors[places[sha256]] = vector
        self._require(not left)
        return np.empty((0, 0), np.float32) if vectors is None else vectors

    def _file_is_whole(self, sha256: Any, facts: Any, thumbnail: Any, digest_: Any) -> bool:
        kinds = list(map(type, (sha256, facts, thumbnail)))
        return kinds == [bytes, str, bytes] and digest_ == _file_digest(sha256, facts, thumbnail)

    def _vector_is_whole(self, sha256: Any, vector: Any, digest_: Any) -> bool:
        return type(sha256) is type(vector) is bytes and digest_ == self._vector_digest(sha256, vector)

    def _vector_digest(self, sha256: bytes, vector: bytes) -> bytes:
        return digest(self._identity.encode(), sha256, vector)

    def _of(self, hashes: list[bytes], query: str, before: tuple = ()) -> Iterator[tuple]:
        for start in range(0, len(hashes), _ASKED_AT_ONCE):
            asked = hashes[start : start + _ASKED_AT_ONCE]
            yield from self._rows(query.format(', '.join('?' * len(asked))), (*before, *asked))

    def _each(self, query: str, parameters: tuple) -> Iterator[tuple]:
        """Row by row: all together may be more than the memory."""
        with self._explained(), closing(self._database.execute(query, parameters)) as cursor:
            yield from cursor

    def _rows(self, query: str, parameters: tuple) -> Iterator[tuple]:
        with self._explained(), closing(self._database.execute(query, parameters)) as cursor:
            rows = cursor.fetchall()
        yield from rows

    def _prepare(self) -> None:
        """Make the tables, in place of those of another format."""
        found = {
            name: ' '.join(str(sql).split()) for name, sql in self._rows('SELECT name, sql FROM sqlite_master', ())
        }
        version = next(self._rows('PRAGMA user_version', ()))[0]
        if version > _FORMAT and found:
            raise _Newer(f'{self.path}: written by a newer version of Huefill; choose another --out, or delete it')
        if not found.items() <= _TABLES.items() and not found.items() <= _TABLES_BEFORE.items():
            raise ValueError('it has other tables')
        for (problem,) in self._rows('PRAGMA quick_check(1)', ()):  # a damaged tree would hide rows, or show others
            if problem != 'ok':
                raise ValueError(problem)
        if version != _FORMAT or not found.items() <= _TABLES.items():
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
        except _Newer:
            raise
        except (sqlite3.DatabaseError, ValueError, TypeError, RecursionError) as error:
            number = next((number for words, number in _OF_THE_SYSTEM.items() if words in str(error)), None)
            if number is not None:
                raise not_written(self.path, OSError(number, str(error))) from error
            raise ValueError(f'{self.path}: not a cache of a cleaning run, or damaged ({error}); delete it') from error


class _Newer(ValueError):
    """Of a version that this one does not know."""


def _file_digest(sha256: bytes, facts: str, thumbnail: bytes) -> bytes:
    return digest(sha256, facts.encode(errors='surrogatepass'), thumbnail)
