"""What was learned is kept: a second run costs nothing, an added file its own, a kill the current batch."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import scene
from toolbox.cleaning.cache import _TABLES_BEFORE, Cache
from toolbox.cleaning.scan import local_batches, scan_files
from toolbox.data.sources import open_source
from toolbox.system.paths import REPOSITORY


class MeanColor:
    """An embedder that counts its calls."""

    batch_size = 4

    def __init__(self, identity: str = 'mean color') -> None:
        self.identity = identity
        self.num_embedded = 0

    def prepare(self, rgb: np.ndarray) -> np.ndarray:
        return rgb.mean((0, 1), dtype=np.float64)

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        self.num_embedded += len(prepared)
        return prepared.astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / 'photos'
    photos.mkdir()
    for number in range(10):
        Image.fromarray(scene(number)).save(photos / f'{number}.png')
    (photos / 'broken.jpg').write_text('no image')
    (photos / 'same as 0.png').write_bytes((photos / '0.png').read_bytes())
    return photos


def scan(folder: Path, embedder: MeanColor, workers: int = 0):
    photos, done = open_source(folder), []
    with closing(Cache(folder.parent / 'cache.sqlite', embedder.identity)) as cache:
        batches = local_batches(photos, embedder, cache.known(), workers)
        found = scan_files(len(photos), batches, cache, done.append)
        good = [sha256 for index, sha256 in enumerate(found.hashes) if index not in found.failures]
        assert sum(done) == len(photos)
        return found, cache.vectors(good), cache.facts(good), cache.thumbnails(good)


def test_a_scan_finds_everything(folder):
    found, vectors, facts, thumbnails = scan(folder, MeanColor())
    names = list(open_source(folder).names)
    assert {names[index]: why[:12] for index, why in found.failures.items()} == {'broken.jpg': 'not an image'}
    assert found.num_bytes.tolist() == [(folder / name).stat().st_size for name in names]
    expected = [np.asarray(Image.open(folder / name)).mean((0, 1)) for name in names if name != 'broken.jpg']
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)
    assert len(facts) == len(thumbnails) == 10


def test_a_second_run_and_an_added_file_cost_only_what_is_new(folder):
    first = scan(folder, MeanColor())
    embedder = MeanColor()
    again = scan(folder, embedder)
    assert (again[0].num_new, embedder.num_embedded) == (0, 0)
    np.testing.assert_array_equal(again[1], first[1])
    Image.fromarray(scene(50)).save(folder / 'new.png')
    (folder / '0.png').rename(folder / 'renamed.png')
    assert scan(folder, embedder)[0].num_new == embedder.num_embedded == 1
    assert scan(folder, MeanColor('another embedder'))[0].num_new == 12


def test_workers_change_nothing(folder):
    alone, shared = scan(folder, MeanColor()), scan(folder, MeanColor('again'), workers=2)
    assert alone[0].hashes == shared[0].hashes
    np.testing.assert_array_equal(alone[1], shared[1])


def test_a_damaged_cache_says_so(tmp_path):
    (tmp_path / 'cache.sqlite').write_bytes(b'no database' * 100)
    with pytest.raises(ValueError, match=r'cache.sqlite: not a cache .* delete it'):
        Cache(tmp_path / 'cache.sqlite', 'x')


def test_a_cache_of_another_format_is_made_anew(folder):
    scan(folder, MeanColor())
    with closing(sqlite3.connect(folder.parent / 'cache.sqlite')) as database:
        database.execute('PRAGMA user_version = 0')
    assert scan(folder, MeanColor())[0].num_new == 11


_SLOW = """
import sys, time
from tests.cleaning.test_cache_and_scan import MeanColor, scan
from pathlib import Path

class Slow(MeanColor):
    def __call__(self, prepared):
        print('batch', flush=True)
        time.sleep(0.0 if self.num_embedded < 8 else 60)
        return super().__call__(prepared)

scan(Path(sys.argv[1]), Slow())
"""


def test_a_kill_costs_only_the_current_batch(folder):
    process = subprocess.Popen([sys.executable, '-c', _SLOW, str(folder)], cwd=REPOSITORY, stdout=subprocess.PIPE)
    for _ in range(3):
        assert process.stdout.readline() == b'batch\n'
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    embedder = MeanColor()
    found, vectors, _, _ = scan(folder, embedder)
    assert embedder.num_embedded == found.num_new == 2  # of the last batch, the others being broken and a copy of 0
    whole = scan(folder, MeanColor('whole'))
    np.testing.assert_array_equal(vectors, whole[1])


def scan_or_why_not(folder: Path, embedder: MeanColor):
    try:
        return scan(folder, embedder)
    except ValueError as error:
        return str(error)


def test_any_flipped_bit_is_found_and_what_it_was_in_is_computed_again(folder):
    """Of one in each of 200 bytes of the database, none changes what a run finds; a damaged row costs itself."""
    first = scan(folder, MeanColor())
    path = folder.parent / 'cache.sqlite'
    good = path.read_bytes()
    rng, computed_again, unharmed = np.random.default_rng(0), 0, 0
    for place in np.linspace(0, len(good) - 1, 200).astype(int):
        content = bytearray(good)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        embedder = MeanColor()
        again = scan_or_why_not(folder, embedder)
        if isinstance(again, str):
            assert 'delete it' in again
            continue
        np.testing.assert_array_equal(again[1], first[1])
        assert again[2:] == first[2:]
        computed_again += embedder.num_embedded > 0
        unharmed += embedder.num_embedded == 0
    assert computed_again > 50
    assert unharmed < 150  # free pages


def test_a_damaged_row_alone_is_computed_again_and_counted(folder):
    first = scan(folder, MeanColor())
    for table, column in (('vectors', 'vector'), ('files', 'facts'), ('files', 'thumbnail'), ('vectors', 'digest')):
        with closing(sqlite3.connect(folder.parent / 'cache.sqlite')) as database:
            ((sha256, value),) = database.execute(f'SELECT sha256, {column} FROM {table} LIMIT 1').fetchall()
            changed = value.replace('4', '5') if isinstance(value, str) else bytes([value[0] ^ 1]) + value[1:]
            database.execute(f'UPDATE {table} SET {column} = ? WHERE sha256 = ?', (changed, sha256))
            database.commit()
        with closing(Cache(folder.parent / 'cache.sqlite', 'mean color')) as cache:
            assert len(cache.known()) == 9
            assert cache.num_damaged == 1
        embedder = MeanColor()
        again = scan(folder, embedder)
        assert embedder.num_embedded in (1, 2)  # a copy is looked at again as well
        np.testing.assert_array_equal(again[1], first[1])
        assert again[2:] == first[2:]


def test_a_cache_of_the_format_before_is_made_anew_and_a_newer_one_is_told(folder):
    path = folder.parent / 'cache.sqlite'
    with closing(sqlite3.connect(path)) as database:
        for table in _TABLES_BEFORE.values():
            database.execute(table)
        database.execute('PRAGMA user_version = 2')
        database.commit()
    assert scan(folder, MeanColor())[0].num_new == 11
    with closing(sqlite3.connect(path)) as database:
        database.execute('PRAGMA user_version = 99')
    with pytest.raises(ValueError, match=r'cache\.sqlite: written by a newer version'):
        scan(folder, MeanColor())
