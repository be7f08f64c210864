"""The score's inner loops on a CPU, compiled by numba.

They are single-threaded and release the GIL: no number of threads can change a result, and callers may score several
images at once. The first call on a machine compiles for about two seconds and keeps the machine code on disk.
"""

from collections.abc import Callable

import numba
import numpy as np
from torch import Tensor

from toolbox.scoring.constants import FRACTION_BITS, HALF, HUE_BINS, HUE_UNIT


def mean_ssim(x: Tensor, y: Tensor, window: tuple[int, int], c1: float, c2: float) -> float:
    """Mean SSIM over the windows that lie inside.

    Args:
        x: uint8 (C, H, W), contiguous.
        y: uint8 (C, H, W), contiguous.
        window: rows and columns, odd and at most 7, no larger than the image.
        c1: SSIM's luminance constant, positive.
        c2: SSIM's contrast constant, positive.
    """
    channels, height, width = x.shape
    rows, columns = window
    planes = zip(x.numpy(), y.numpy(), strict=True)
    total = sum(_ssim_sum(*plane, rows, columns, c1, c2) for plane in planes)
    return total / (channels * (height - rows + 1) * (width - columns + 1))


def hue_counts(image: Tensor) -> np.ndarray:
    """Pixels per hue of a uint8 (3, H, W) image, contiguous: int64 (180,)."""
    return _hue_counts(image.numpy())


def _compiled(function: Callable) -> Callable:
    options = {
        'nogil': True,
        'error_model': 'numpy',  # no branch for a division by zero, which would keep the loops scalar
        'fastmath': {'reassoc', 'nsz'},  # a sum may be split over the lanes of a register
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to cache in, neither beside this file nor in the user's home: compile each time
        return numba.njit(**options)(function)


@_compiled
def _ssim_sum(x, y, rows, columns, c1, c2):
    """Sum of SSIM over all windows of two planes, uint8 (H, W).

    The sums that SSIM needs of a window (of x, y, x^2 + y^2 and xy, over n pixels) are integers. Sums over `rows`
    pixels of each column run down the image; `columns` neighbors of them make a window. With the fraction expanded by
    n^2 * n(n - 1), the integers stay integers up to the last division: float64 holds them exactly.
    """
    height, width = x.shape
    windows = width - columns + 1
    n = float(rows * columns)
    c1 *= n * n
    c2 *= max(n * (n - 1), 1.0)  # a single pixel has no variance: only the constant remains
    column_sums = np.zeros((4, width), np.int32)
    window_sums = np.zeros((4, windows), np.int32)
    total = 0.0
    for row in range(height):
        _move_columns(column_sums, x, y, row, rows)
        if row < rows - 1:
            continue
        _sum_neighbors(column_sums, window_sums, columns)
        for i in range(windows):
            sum_x, sum_y = float(window_sums[0, i]), float(window_sums[1, i])
            squares = sum_x * sum_x + sum_y * sum_y
            product = sum_x * sum_y
            covariance = n * window_sums[3, i] - product
            variances = n * window_sums[2, i] - squares
            total += ((2 * product + c1) * (2 * covariance + c2)) / ((squares + c1) * (variances + c2))
    return total


@numba.njit(inline='always')
def _move_columns(sums, x, y, row, rows):
    """Let `row` enter the column sums, and the row that left the window leave."""
    for i in range(x.shape[1]):
        a, b = np.int32(x[row, i]), np.int32(y[row, i])
        sums[0, i] += a
        sums[1, i] += b
        sums[2, i] += a * a + b * b
        sums[3, i] += a * b
    if row < rows:
        return
    for i in range(x.shape[1]):
        a, b = np.int32(x[row - rows, i]), np.int32(y[row - rows, i])
        sums[0, i] -= a
        sums[1, i] -= b
        sums[2, i] -= a * a + b * b
        sums[3, i] -= a * b


@numba.njit(inline='always')
def _sum_neighbors(column_sums, window_sums, columns):
    """Add up each `columns` neighbors: one, and pairs of the others."""
    for quantity in range(4):
        single, total = column_sums[quantity], window_sums[quantity]
        for i in range(total.size):
            total[i] = single[i]
        for k in range(1, columns, 2):
            left, right = single[k:], single[k + 1 :]
            for i in range(total.size):
                total[i] += left[i] + right[i]


@_compiled
def _hue_counts(image):
    """Histogram of the hues of uint8 (3, H, W); OpenCV's integer arithmetic (see `toolbox.scoring.hue`)."""
    counts = np.zeros(HUE_BINS, np.int64)
    hues = np.empty(image.shape[2], np.uint8)
    for row in range(image.shape[1]):
        _hues(image[0, row], image[1, row], image[2, row], hues)
        for hue in hues:
            counts[hue] += 1
    return counts


@numba.njit(inline='always')
def _hues(red, green, blue, hues):
    for i in range(red.size):
        r, g, b = np.int32(red[i]), np.int32(green[i]), np.int32(blue[i])
        brightest = max(r, g, b)
        chroma = brightest - min(r, g, b)
        if brightest == r:
            sector = g - b
        elif brightest == g:
            sector = b - r + 2 * chroma
        else:
            sector = r - g + 4 * chroma
        # Divided in place, with the rounding of the table: one lookup would keep the loop scalar.
        reciprocal = np.int32(np.rint(np.float32(HUE_UNIT) / np.float32(max(chroma, 1))))
        hue = np.int32(sector * reciprocal + HALF) >> FRACTION_BITS
        hues[i] = hue + HUE_BINS if hue < 0 else hue
