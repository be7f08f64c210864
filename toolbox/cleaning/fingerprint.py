"""Perceptual hashes, and the search for those that differ in few bits."""

from collections.abc import Iterator

import numpy as np

# Codes are compared chunk by chunk: two that differ in at most `MAX_BITS` bits differ in at most one bit of one of the
# chunks (Norouzi, Punjani & Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012).
_CHUNKS, _CHUNK_BITS = 4, 16
MAX_BITS = 2 * _CHUNKS - 1
_PAIRS_AT_ONCE = 4_000_000
_LEFT_TO_RIGHT = (-1.0) ** np.arange(8)
# Bits set in each byte; numpy counts them itself from version 2 on only.
_BITS_SET = np.array([value.bit_count() for value in range(256)], np.uint8)


def fingerprint(gray: np.ndarray) -> tuple[int, int]:
    """64 bits of what a picture shows, and of its mirror image: the signs of its lowest frequencies.

    Source: the discrete cosine transform's hash, Zauner, Implementation and Benchmarking of Perceptual Image Hash
    Functions, 2010, section 3.2.1; with zero in place of the median, so that mirroring turns signs and nothing else.

    Args:
        gray: uint8 (32, 32), the picture reduced.
    """
    from scipy.fft import dctn

    low = dctn(gray.astype(np.float64), norm='ortho')[:8, :8]
    low[0, 0] = 0  # the mean is no structure
    low[np.abs(low) < 1e-6] = 0  # rounding of flat pictures
    return _code(low > 0), _code(low * _LEFT_TO_RIGHT > 0)


def _code(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), 'big')


def close_pairs(codes: np.ndarray, others: np.ndarray, max_bits: int) -> np.ndarray:
    """All pairs of codes that differ in few bits.

    Args:
        codes: uint64 (N,).
        others: uint64 (M,); of small values in `codes` and `others` alike, each pair is found once.
        max_bits: 0 to `MAX_BITS`.

    Returns:
        int64 (P, 2), positions in `codes` and `others`, sorted.
    """
    assert 0 <= max_bits <= MAX_BITS
    found = [np.empty(0, np.int64)]  # pairs as one number each, which is quick to sort
    for chunk in range(_CHUNKS):
        shift, mask = np.uint64(chunk * _CHUNK_BITS), np.uint64((1 << _CHUNK_BITS) - 1)
        keys, other_keys = (codes >> shift) & mask, (others >> shift) & mask
        order = np.argsort(other_keys, kind='stable')
        sorted_keys = other_keys[order]
        for flip in [0, *(1 << bit for bit in range(_CHUNK_BITS))]:
            probes = keys ^ np.uint64(flip)
            begin = np.searchsorted(sorted_keys, probes, 'left')
            end = np.searchsorted(sorted_keys, probes, 'right')
            for first, position in _ranges(begin, end):
                second = order[position]
                close = hamming(codes[first], others[second]) <= max_bits
                found.append(first[close] * len(others) + second[close])
    pairs = without_repeats(np.concatenate(found))
    return np.stack(np.divmod(pairs, max(len(others), 1)), axis=1)


def without_repeats(numbers: np.ndarray) -> np.ndarray:
    """Sorted, each once; `np.unique` hashes, which takes longer for millions."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]]


def hamming(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """In how many bits codes differ: uint64 (N,) twice -> (N,)."""
    differing = np.ascontiguousarray(codes ^ others).view(np.uint8).reshape(-1, 8)
    return _BITS_SET[differing].sum(axis=1, dtype=np.int64)


def _ranges(begin: np.ndarray, end: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs (i, j), begin[i] <= j < end[i], in portions that fit into memory."""
    ends = np.cumsum(end - begin)
    start = 0
    while start < len(begin):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, 'right')))
        counts = (end - begin)[start:stop]
        first = np.repeat(np.arange(start, stop), counts)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        yield first, np.repeat(begin[start:stop], counts) + offsets
        start = stop
