"""The compact list of photographs."""

import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from toolbox.data.manifest import Manifest, PackedStrings

# What a file system may hand over, including bytes that are no UTF-8.
NAMES = st.lists(st.binary(min_size=1, max_size=12).map(lambda name: name.decode('utf-8', 'surrogateescape')))


@given(NAMES)
def test_packed_strings_are_a_sequence(names: list[str]) -> None:
    packed = PackedStrings(names)
    assert list(packed) == names
    assert [packed[index - len(names)] for index in range(len(names))] == names
    with pytest.raises(IndexError):
        packed[len(names)]


@given(st.lists(st.tuples(st.text(min_size=1), st.booleans()), min_size=1, unique_by=lambda pair: pair[0]), st.data())
def test_subset(pairs: list[tuple[str, bool]], data: st.DataObject) -> None:
    manifest = Manifest(
        Path('root'),
        (name for name, _ in pairs),
        damaged=(f'input/{name}' if damaged else '' for name, damaged in pairs),
        groups=np.arange(len(pairs)) // 2,
    )
    indices = data.draw(st.lists(st.integers(0, len(pairs) - 1)))
    part = manifest.subset(np.array(indices, np.int64))
    assert list(part) == [manifest[index] for index in indices]
    assert part.groups.tolist() == [index // 2 for index in indices]
    assert part.num_damaged == sum(pairs[index][1] for index in indices)


def test_photo_has_its_files() -> None:
    manifest = Manifest(Path('root'), ['a', 'b'], files=['x/a.png', '/abs/b.png'], damaged=['in/a.png', ''])
    assert manifest[0].path == Path('root/x/a.png')
    assert manifest[0].damaged == Path('root/in/a.png')
    assert manifest[1].path == Path('/abs/b.png')
    assert manifest[1].damaged is None
    assert manifest.num_damaged == 1
    assert Manifest(Path('root'), ['a'])[0] == manifest.__class__(Path('root'), ['a'], files=['a'])[0]


def test_digest_is_over_names_and_sizes(tmp_path: Path) -> None:
    def digest(**sizes: int) -> str:
        folder = tmp_path / str(len(os.listdir(tmp_path)))
        folder.mkdir()
        for name, size in sizes.items():
            (folder / name).write_bytes(os.urandom(size))
        return Manifest(folder, sizes).digest()

    assert digest(a=3, b=4) == digest(a=3, b=4)
    assert len({digest(a=3, b=4), digest(a=4, b=3), digest(a=3, c=4), digest(a=3), digest(ab=34)}) == 5


def test_travels_to_other_processes() -> None:
    manifest = Manifest(Path('root'), ['a', 'ü'], groups=np.array([0, 0]))
    copy = pickle.loads(pickle.dumps(manifest))
    assert list(copy) == list(manifest)
    assert np.array_equal(copy.groups, manifest.groups)


def test_a_name_costs_its_bytes_and_one_number() -> None:
    tracemalloc.start()
    manifest = Manifest(Path('root'), (f'photo_{index:07d}.jpg' for index in range(100_000)))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(manifest) == 100_000
    assert kept / 100_000 < 17 + 8 + 1
    assert peak / 100_000 < 3 * (17 + 8)
