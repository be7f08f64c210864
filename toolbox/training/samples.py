"""Pictures of what a model does: a row per photograph, its stages side by side."""

from collections.abc import Sequence

import numpy as np

_GAP, _LABEL = 4, 18
_SHORTEST_SIDE = 192  # smaller pictures are shown enlarged, pixel for pixel
_LONGEST_SIDE = 1024  # larger ones are shown reduced
_MOST_PIXELS = 64_000_000  # of the grid; photographs beyond it are left out


def sample_grid(rows: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """Rows of labelled pictures.

    Args:
        rows: for each photograph, uint8 (H, W, 3) pictures by label, the same labels in each row.

    Returns:
        uint8 (H', W', 3), labels on top, photographs below one another. A photograph that would be hard to look at is
        enlarged by a whole factor, one that is larger than a screen is reduced, each by itself.
    """
    labels = list(rows[0])
    rows = _within_limit([{label: _shown(row[label]) for label in labels} for row in rows])
    widths = [max(row[label].shape[1] for row in rows) for label in labels]
    lefts = np.cumsum([_GAP] + [width + _GAP for width in widths])
    tops = np.cumsum([_LABEL] + [row[labels[0]].shape[0] + _GAP for row in rows])
    canvas = np.full((tops[-1], lefts[-1], 3), 255, np.uint8)
    for row, top in zip(rows, tops, strict=False):
        for label, left in zip(labels, lefts, strict=False):
            picture = row[label]
            canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return _with_labels(canvas, labels, lefts)


def _shown(picture: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) at a size to look at."""
    height, width = picture.shape[:2]
    longest = max(height, width)
    if longest > _LONGEST_SIDE:
        from PIL import Image

        size = [max(1, round(side * _LONGEST_SIDE / longest)) for side in (width, height)]
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
    factor = max(1, min(_SHORTEST_SIDE // min(height, width), _LONGEST_SIDE // longest))
    return picture.repeat(factor, 0).repeat(factor, 1)


def _within_limit(rows: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """The first rows, as many as a grid of bearable size holds; at least one."""
    width = sum(max(row[label].shape[1] for row in rows) + _GAP for label in rows[0])
    heights = np.cumsum([max(picture.shape[0] for picture in row.values()) + _GAP for row in rows])
    return rows[: max(1, int(np.searchsorted(heights * width, _MOST_PIXELS, side='right')))]


def _with_labels(canvas: np.ndarray, labels: Sequence[str], lefts: np.ndarray) -> np.ndarray:
    from PIL import Image, ImageDraw

    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for label, left in zip(labels, lefts, strict=False):
        draw.text((int(left), 3), label, fill=(60, 60, 60))
    return np.asarray(image)
