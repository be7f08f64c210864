"""Small photographs for tests that run the real path end to end."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

# What tests compute is small: threads cost more than they give, very much more on a machine that is busy.
os.environ['OMP_NUM_THREADS'] = '1'
# Where numba starts threads it sets their number for torch as well, and sums of more parts round otherwise.
os.environ['NUMBA_NUM_THREADS'] = '1'

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from tests.support import scene
from toolbox.plugin.registry import KINDS

# The same examples in each run, however slow the machine.
settings.register_profile('huefill', derandomize=True, deadline=None)
settings.load_profile('huefill')


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; torch is imported for such tests alone."""
    marked = [item for item in items if item.get_closest_marker('cuda')]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason='needs CUDA'))


@pytest.fixture(scope='session')
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine small JPEG photographs, not all of one size."""
    folder = tmp_path_factory.mktemp('photos')
    for index in range(9):
        size = (48, 64) if index == 0 else (20, 28) if index == 1 else (48, 48)
        Image.fromarray(scene(index, *size)).save(folder / f'photo {index}.jpg', quality=95)
    return folder


@pytest.fixture(scope='session')
def competition_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition's layout: train_gt/, train_input/ with a gray rectangle, train.csv."""
    root = tmp_path_factory.mktemp('competition')
    lines = ['input_image_path,gt_image_path']
    for folder in ('train_gt', 'train_input'):
        (root / folder).mkdir()
    for index in range(6):
        name = f'TRAIN_{index:05d}.png'
        truth = Image.fromarray(scene(index))
        damaged = np.array(truth.convert('L'))
        damaged[8:24, 10 + index : 30 + index] = 40 + index
        truth.save(root / 'train_gt' / name)
        Image.fromarray(damaged).save(root / 'train_input' / name)
        lines.append(f'./train_input/{name},./train_gt/{name}')
    (root / 'train.csv').write_text('\n'.join(lines) + '\n')
    return root


@pytest.fixture
def unregister_after() -> Iterator[None]:
    """Plugins that a test registers are gone after it."""
    before = {kind: dict(registry.module_dict) for kind, registry in KINDS.items()}
    yield
    for kind, registered in before.items():
        KINDS[kind].module_dict.clear()
        KINDS[kind].module_dict.update(registered)


@pytest.fixture(autouse=True)
def _width_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables fit what they are printed to; test runners that export COLUMNS would change them."""
    monkeypatch.delenv('COLUMNS', raising=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a file system of so many bytes, in memory: its folder."""
    mounted: list[Path] = []

    def mount(size: int) -> Path:
        folder = tmp_path / f'disk {len(mounted)}'.replace(' ', '')
        folder.mkdir()
        made = subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(folder)], capture_output=True, text=True
        )
        if made.returncode:
            pytest.skip(f'needs to mount a tmpfs: {made.stderr.strip()}')
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(['umount', '-l', str(folder)], check=True)
