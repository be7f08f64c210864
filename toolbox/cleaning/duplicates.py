"""Which images show the same: equal files, near duplicates by perceptual hash, and by embedding."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from toolbox.cleaning.files import THUMBNAIL_SIDE, Facts
from toolbox.cleaning.fingerprint import MAX_BITS, close_pairs, without_repeats
from toolbox.cleaning.remoteness import squared_distances

# A pair must look alike: by the correlation of its thumbnails, and where there is no contrast that a correlation could
# be about, by their largest difference in levels. Recompressed, resized and mirrored photographs correlate by 0.96 and
# more, two pages of text by 0.83.
_CORRELATION = 0.9
_CONTRAST, _LEVELS = 4.0, 4.0
# Random hyperplanes hash embeddings (Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002).
_TABLES = 8
_SAMPLED = 512

Thumbnails = Callable[[Iterable[bytes]], Mapping[bytes, bytes]]


def group_duplicates(
    hashes: Sequence[bytes],
    facts: Sequence[Facts],
    vectors: np.ndarray,
    thumbnails: Thumbnails,
    max_bits: int,
    max_distance: float,
) -> np.ndarray:
    """Number the groups of images that show the same.

    Pairs are proposed by equal bytes, by perceptual hashes (also of the mirror image) and by embeddings; all but the
    first kind must be confirmed by their thumbnails. Who is linked to whom, over others too, is one group.

    Args:
        hashes: N times the SHA-256 of the file.
        facts: N, of the images.
        vectors: (N, D) float32 embeddings.
        thumbnails: gives WebP thumbnails by SHA-256.
        max_bits: perceptual hashes, of 64 bits, that differ in more are of different images.
        max_distance: embeddings farther apart, as a share of the usual distance to the nearest neighbor, are of
            different images.

    Returns:
        int64 (N,): the group, numbered from 0 in the order of their first images; -1 for an image alone.
    """
    first_of = {sha256: index for index, sha256 in reversed(list(enumerate(hashes)))}
    firsts = np.array(sorted(first_of.values()), np.int64)  # one image for each content
    links = [np.array([(first_of[sha256], index) for index, sha256 in enumerate(hashes)], np.int64).reshape(-1, 2)]
    if len(firsts) > 1:
        by_fingerprint = _by_fingerprint([facts[index] for index in firsts], max_bits)
        by_embedding = close_by_embedding(vectors[firsts], max_distance)
        proposed = firsts[np.unique(np.concatenate([by_fingerprint, by_embedding]), axis=0)]
        links.append(_confirmed(proposed, hashes, thumbnails))
    return _components(len(hashes), np.concatenate(links))


def best_of_group(facts: Sequence[Facts], num_bytes: Sequence[int], names: Sequence[str]) -> int:
    """Which image of a group stays: the largest, of these the least compressed, of these the first by name."""
    order = [(-fact.pixels, -size, name) for fact, size, name in zip(facts, num_bytes, names, strict=True)]
    return order.index(min(order))


def _by_fingerprint(facts: Sequence[Facts], max_bits: int) -> np.ndarray:
    """Pairs (P, 2) whose hashes are close, straight or mirrored. Pictures without structure have no hash."""
    codes = np.array([fact.fingerprint for fact in facts], np.uint64)
    mirrored = np.array([fact.mirrored for fact in facts], np.uint64)
    structured = np.flatnonzero(codes)
    pairs = [_close(codes[structured], others[structured], max_bits) for others in (codes, mirrored)]
    return structured[np.concatenate(pairs)]


def close_by_embedding(vectors: np.ndarray, max_distance: float) -> np.ndarray:
    """Pairs (P, 2) much closer than images usually are to their nearest neighbors."""
    limit = max_distance * _usual_distance(vectors)
    rng = np.random.default_rng(0)
    centered = vectors - vectors.mean(axis=0)
    # As many bits as hyperplanes are expected to pass between two vectors that far apart; one table misses the half of
    # such pairs, eight miss few, and of closer ones none.
    angle = limit / max(float(np.median(np.linalg.norm(centered, axis=1))), 1e-9)
    bits = int(np.clip(np.ceil(64 * angle / np.pi), 1, MAX_BITS))
    pairs = [np.empty((0, 2), np.int64)]
    for _ in range(_TABLES):
        planes = rng.normal(size=(vectors.shape[1], 64)).astype(np.float32)
        codes = np.packbits(centered @ planes > 0, axis=1).view(np.uint64).ravel()
        proposed = _close(codes, codes, bits)
        pairs.append(proposed[_distances(vectors, proposed) <= limit])
    return np.unique(np.concatenate(pairs), axis=0)


def _usual_distance(vectors: np.ndarray) -> float:
    """Median distance to the nearest neighbor, by a sample of the images."""
    rows = np.arange(len(vectors))
    sample = np.random.default_rng(0).choice(rows, min(_SAMPLED, len(rows)), replace=False)
    squared = squared_distances(vectors[sample], vectors)
    squared[sample[:, None] == rows] = np.inf
    return float(np.sqrt(np.median(squared.min(axis=1))))


def _distances(vectors: np.ndarray, pairs: np.ndarray, at_once: int = 20_000) -> np.ndarray:
    parts = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), at_once):
        first, second = pairs[start : start + at_once].T
        parts.append(np.linalg.norm(vectors[first] - vectors[second], axis=1))
    return np.concatenate(parts)


def _close(codes: np.ndarray, others: np.ndarray, max_bits: int) -> np.ndarray:
    """Pairs (P, 2), i < j, of close codes. Of equal codes each is paired with the first alone: links, not all pairs."""
    unique, first, place = np.unique(codes, return_index=True, return_inverse=True)
    unique_others, first_other = np.unique(others, return_index=True)
    pairs = close_pairs(unique, unique_others, max_bits)
    linked = np.concatenate(
        [
            np.stack([first[pairs[:, 0]], first_other[pairs[:, 1]]], axis=1),
            np.stack([first[place], np.arange(len(codes))], axis=1),
        ]
    )
    linked.sort(axis=1)
    numbers = without_repeats(linked[linked[:, 0] < linked[:, 1]] @ np.array([len(codes), 1]))
    return np.stack(np.divmod(numbers, len(codes)), axis=1)


def _confirmed(pairs: np.ndarray, hashes: Sequence[bytes], thumbnails: Thumbnails) -> np.ndarray:
    """Those of the pairs (P, 2) that look alike, straight or mirrored."""
    files = thumbnails({hashes[index] for index in pairs.ravel()})
    alike = [_look_alike(*(_pixels(files[hashes[index]]) for index in pair)) for pair in pairs]
    return pairs[np.array(alike, bool)]


def _look_alike(one: np.ndarray, other: np.ndarray) -> bool:
    if min(one.std(), other.std()) < _CONTRAST:
        return bool(np.abs(one - other).max() <= _LEVELS)
    versions = (other, other[:, ::-1])
    return any(np.corrcoef(one.ravel(), version.ravel())[0, 1] >= _CORRELATION for version in versions)


def _pixels(thumbnail: bytes) -> np.ndarray:
    """(64, 64, 3), whatever the shape of the image."""
    # One format: for others Pillow starts programs (EPS), and the cache that thumbnails are from may be anybody's.
    with Image.open(io.BytesIO(thumbnail), formats=['WEBP']) as picture:
        square = picture.convert('RGB').resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
        return np.asarray(square, np.float64)


def _components(count: int, links: np.ndarray) -> np.ndarray:
    """Connected components of more than one, numbered by their first members; -1 elsewhere."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(count, count))
    component = connected_components(graph, directed=False)[1]
    _, first, place, sizes = np.unique(component, return_index=True, return_inverse=True, return_counts=True)
    number = np.full(len(first), -1, np.int64)
    shared = np.flatnonzero(sizes > 1)
    number[shared[np.argsort(first[shared])]] = np.arange(len(shared))
    return number[place]
