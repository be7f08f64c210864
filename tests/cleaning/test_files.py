"""The first look at a file: facts, failures, fingerprints."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageOps

from tests.support import scene
from toolbox.cleaning.files import Facts, look_at
from toolbox.cleaning.fingerprint import MAX_BITS, close_pairs, fingerprint, hamming


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def photo(seed: int = 0, height: int = 120, width: int = 160) -> Image.Image:
    return Image.fromarray(scene(seed, height, width))


def look(path: Path, known: frozenset[bytes] = frozenset()):
    return look_at(3, path, lambda rgb: rgb.mean((0, 1)), known)


def test_an_ordinary_photograph(tmp_path):
    path = save(tmp_path / 'a.jpg', photo(), quality=90)
    found = look(path)
    assert (found.index, found.failure, found.num_bytes) == (3, None, path.stat().st_size)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).digest()
    facts = found.facts
    assert (facts.width, facts.height, facts.format, facts.mode) == (160, 120, 'JPEG', 'RGB')
    assert (facts.is_gray, facts.is_animated, facts.has_plain_mode) == (False, False, True)
    assert facts.pixels == 160 * 120
    assert found.prepared.shape == (3,)
    with Image.open(io.BytesIO(found.thumbnail)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ('WEBP', (64, 48))
    assert Facts.from_json(facts.to_json()) == facts


def test_a_known_file_is_not_decoded(tmp_path):
    path = save(tmp_path / 'a.png', photo())
    sha256 = look(path).sha256
    again = look(path, frozenset([sha256]))
    assert (again.sha256, again.facts, again.prepared, again.failure) == (sha256, None, None, None)


@pytest.mark.parametrize(
    ('name', 'make', 'expected'),
    [
        ('l.jpg', lambda: photo().convert('L'), dict(is_gray=True, mode='L')),
        ('gray_as_rgb.jpg', lambda: photo().convert('L').convert('RGB'), dict(is_gray=True, mode='RGB')),
        ('cmyk.jpg', lambda: photo().convert('CMYK'), dict(mode='CMYK', has_plain_mode=False)),
        ('palette.png', lambda: photo().quantize(), dict(mode='P', has_plain_mode=False, is_gray=False)),
        ('deep.png', lambda: Image.fromarray(np.full((9, 9), 40000, np.uint16)), dict(is_gray=True, mode='I;16')),
        ('flat.png', lambda: Image.new('RGB', (80, 80), (200, 10, 10)), dict(is_gray=False, fingerprint=0, mirrored=0)),
        ('pixel.png', lambda: Image.new('RGB', (1, 1), (200, 10, 10)), dict(width=1, height=1)),
    ],
)
def test_what_is_remarkable_about_a_file(tmp_path, name, make, expected):
    facts = look(save(tmp_path / name, make())).facts
    assert {key: getattr(facts, key) for key in expected} == expected


def test_animations_are_told_from_pages(tmp_path):
    frames = [photo(seed) for seed in range(3)]
    for name in ('a.gif', 'a.webp', 'a.png', 'a.tif'):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert [look(tmp_path / name).facts.is_animated for name in ('a.gif', 'a.webp', 'a.png', 'a.tif')] == [True] * 3 + [
        False
    ]


def test_an_upright_size_is_told(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = look(save(tmp_path / 'turned.jpg', photo(), exif=exif)).facts
    assert (facts.width, facts.height) == (120, 160)


def test_failures_are_told_in_words(tmp_path):
    whole = save(tmp_path / 'whole.png', photo()).read_bytes()
    (tmp_path / 'truncated.png').write_bytes(whole[: len(whole) // 2])
    (tmp_path / 'text.jpg').write_text('no image')
    (tmp_path / 'empty.jpg').touch()
    assert 'truncated' in look(tmp_path / 'truncated.png').failure
    assert 'not an image' in look(tmp_path / 'text.jpg').failure
    assert 'not an image' in look(tmp_path / 'empty.jpg').failure
    missing = look(tmp_path / 'missing.jpg')
    assert (missing.failure, missing.sha256) == ('No such file or directory', b'')


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert('L').resize((32, 32), Image.Resampling.BOX))


@pytest.mark.parametrize('seed', range(10))
def test_a_fingerprint_survives_what_people_do_to_files(seed):
    image = photo(seed, 240, 320)
    jpeg = io.BytesIO()
    image.save(jpeg, 'JPEG', quality=30)
    straight, mirrored = (np.array([code], np.uint64) for code in fingerprint(small(image)))
    for other in (Image.open(jpeg), image.resize((100, 75), Image.Resampling.BICUBIC)):
        assert hamming(straight, np.array([fingerprint(small(other))[0]], np.uint64)) <= 5
    assert hamming(mirrored, np.array([fingerprint(small(ImageOps.mirror(image)))[0]], np.uint64)) <= 2
    assert hamming(straight, np.array([fingerprint(small(photo(seed + 100, 240, 320)))[0]], np.uint64)) > MAX_BITS


CODES = st.lists(st.integers(0, 2**64 - 1), min_size=0, max_size=12)


@given(CODES, CODES, st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2**64 - 1)), max_size=8), st.integers(0, 7))
def test_all_close_pairs_are_found(codes, others, near, max_bits):
    """Against a comparison of all with all; some of the others are a few bits away from a code."""
    others = others + [codes[place] ^ (noise & noise >> 7 & noise >> 13) for place, noise in near if place < len(codes)]
    expected = [
        [first, second]
        for first, code in enumerate(codes)
        for second, other in enumerate(others)
        if (code ^ other).bit_count() <= max_bits
    ]
    assert close_pairs(np.array(codes, np.uint64), np.array(others, np.uint64), max_bits).tolist() == expected
