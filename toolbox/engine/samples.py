"""Pictures of what a model does: a row per photograph, its stages side by side."""

from collections.abc import Sequence

import numpy as np

_GAP, _LABEL = 4, 18
_SHORTEST_SIDE = 192  # smaller pictures are shown enlarged, pixel for pixel


def sample_grid(rows: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """Rows of labelled pictures.

    Args:
        rows: for each photograph, uint8 (H, W, 3) pictures by label, the same labels in each row.

    Returns:
        uint8 (H', W', 3), labels on top, photographs below one another. All are enlarged alike, by a whole factor,
        where the smallest would be hard to look at.
    """
    smallest = min(min(row[label].shape[:2]) for row in rows for label in row)
    factor = max(1, _SHORTEST_SIDE // smallest)
    rows = [{label: row[label].repeat(factor, 0).repeat(factor, 1) for label in row} for row in rows]
    labels = list(rows[0])
    widths = [max(row[label].shape[1] for row in rows) for label in labels]
    lefts = np.cumsum([_GAP] + [width + _GAP for width in widths])
    tops = np.cumsum([_LABEL] + [row[labels[0]].shape[0] + _GAP for row in rows])
    canvas = np.full((tops[-1], lefts[-1], 3), 255, np.uint8)
    for row, top in zip(rows, tops, strict=False):
        for label, left in zip(labels, lefts, strict=False):
            picture = row[label]
            canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return _with_labels(canvas, labels, lefts)


def _with_labels(canvas: np.ndarray, labels: Sequence[str], lefts: np.ndarray) -> np.ndarray:
    from PIL import Image, ImageDraw

    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for label, left in zip(labels, lefts, strict=False):
        draw.text((int(left), 3), label, fill=(60, 60, 60))
    return np.asarray(image)
