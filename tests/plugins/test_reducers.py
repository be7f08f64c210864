import os
import subprocess
import sys

from toolbox.system.paths import REPOSITORY

SCRIPT = """
import numpy as np
import torch
from plugins.reducers.umap import UMAP

points = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
umap = UMAP(seed=0)
umap.fit_transform(points)
print(torch.get_num_threads())
umap.transform(points[:3])
print(torch.get_num_threads())
"""


def test_umap_leaves_torch_its_threads():
    """In a process of its own: numba starts threads once."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'NUMBA_NUM_THREADS': '3'}
    command = [sys.executable, '-c', SCRIPT]
    printed = subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True)
    assert printed.stdout.split() == ['1', '1']
