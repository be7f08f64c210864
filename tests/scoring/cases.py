"""Images and holes to score: five kinds of images, six kinds of holes, all from a seed."""

import numpy as np
from skimage import data

IMAGE_KINDS = ('natural', 'random', 'saturated', 'near constant', 'tiny')
HOLE_KINDS = ('rectangle', 'ellipse', 'scattered', 'line', 'everything', 'seven pixels')


def make_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth uint8 (H, W, 3), prediction likewise, hole uint8 (H, W) in {0, 255}: defined in every part of the score."""
    rng = np.random.default_rng(seed)
    image_kind = IMAGE_KINDS[seed % len(IMAGE_KINDS)]
    hole_kind = HOLE_KINDS[seed // len(IMAGE_KINDS) % len(HOLE_KINDS)]
    height, width = rng.integers(7, 12, 2) if image_kind == 'tiny' else rng.integers(12, 80, 2)
    truth = _image(image_kind, height, width, rng)
    prediction = _restored(truth, image_kind, rng)
    return truth, prediction, _hole(hole_kind, height, width, rng)


def _image(kind: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    shape = (height, width, 3)
    if kind == 'saturated':
        return rng.choice([0, 255], shape).astype(np.uint8)
    if kind == 'near constant':
        return rng.integers(180, 183, shape, dtype=np.uint8)
    if kind in ('random', 'tiny'):
        return rng.integers(0, 256, shape, dtype=np.uint8)
    photo = (data.astronaut, data.chelsea, data.coffee)[rng.integers(3)]()
    top, left = rng.integers(0, np.array(photo.shape[:2]) - (height, width))
    return photo[top : top + height, left : left + width]


def _restored(truth: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 1 if kind == 'near constant' else rng.choice([2, 20]), truth.shape)
    restored = (truth + noise).round().clip(0, 255).astype(np.uint8)
    restored[0, 0] = restored[0, 0] ^ 1  # never the same everywhere
    return restored


def _hole(kind: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    rows, columns = np.mgrid[:height, :width]
    if kind == 'rectangle':
        hole[1:-1, 2 : width // 2 + 2] = True
    elif kind == 'ellipse':
        hole = ((rows - height / 2) / height) ** 2 + ((columns - width / 2) / width) ** 2 < rng.uniform(0.05, 0.25)
    elif kind == 'scattered':
        hole = rng.random((height, width)) < 0.3
    elif kind == 'line':
        hole[height // 2] = True
    elif kind == 'everything':
        hole[:] = True
    if hole.sum() < 7:
        hole.flat[rng.choice(hole.size, 7, replace=False)] = True
    return hole.astype(np.uint8) * 255
