"""A small network's options and small pictures, for tests that run the real path end to end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

RECIPE = 'configs/unetpp_cbam_b4.py'

# The shipped recipe with a tiny network and tiny crops, in a precision that no timing decides; else as it ships.
TINY = [
    'model.encoder.type=TinyEncoder',
    'data.size=32',
    'data.batch_size=4',
    'data.repeat=1',
    'data.workers=0',
    'data.folds=3',
    'train_cfg.max_epochs=2',
    'optimizer.lr=1e-3',
    'precision=float32',  # two runs that are compared may not time their networks
]


def scene(seed: int, height: int = 48, width: int = 48) -> np.ndarray:
    """A colorful picture with smooth shades and sharp edges: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    ramps = rng.uniform(-150, 150, (2, 3))
    picture = rng.uniform(60, 200, 3) + rows[..., None] * ramps[0] + columns[..., None] * ramps[1]
    for _ in range(4):
        center, radius = rng.uniform(0, 1, 2), rng.uniform(0.08, 0.3)
        disk = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 < radius**2
        picture[disk] = rng.uniform(0, 255, 3)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@contextmanager
def filled(disk: Path, room: int) -> Iterator[None]:
    """Within, a disk has room for so many bytes, in whole pages."""
    ballast = disk / 'ballast'
    with open(ballast, 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, shutil.disk_usage(disk).free - room))
    try:
        yield
    finally:
        ballast.unlink()
