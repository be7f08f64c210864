"""The validation photographs of a model as a test set in the competition's form, for `infer` and `--submission`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toolbox.images.color import to_uint8
from toolbox.images.io import write_png
from toolbox.infer.listing import output_names
from toolbox.system.bars import bar
from toolbox.system.disk_errors import make_folder
from toolbox.system.files import remove_leftovers, write_rows
from toolbox.training.testing import ModelScore

_INPUTS, _TRUTHS, _MASKS = 'test_input', 'test_gt', 'test_masks'


def export_test_set(score: ModelScore, folder: str | Path) -> Path:
    """Write the photographs that a model was scored on: damaged, true, and their holes.

    The damage is that of validation: what `tools/infer.py` makes of the set, `tools/test.py --submission` scores as
    validation scored the model.

    Args:
        score: what was scored.
        folder: gets `test_input/`, `test_gt/` and `test_masks/` (255 = hole), flat PNG files of equal names, and
            `test.csv`.

    Returns:
        The path of test.csv.

    Raises:
        FileExistsError: the folder holds a test set already.
        ValueError: names that cannot lie in one folder.
    """
    folder = Path(folder)
    table = folder / 'test.csv'
    if table.exists():
        raise FileExistsError(f'{table} exists already: choose another folder')
    for part in (_INPUTS, _TRUTHS, _MASKS):
        make_folder(folder / part)
    remove_leftovers(folder)
    names = list(score.per_image)
    files = output_names([name.replace('/', '_') for name in names])
    if len(set(files)) < len(files):
        raise ValueError(
            'two photographs would have one name in a flat folder; rename those that differ in / and _ alone'
        )
    with bar(len(names), 'photo', 'writing the test set', stays=False) as shown:
        for name, file in zip(names, files, strict=True):
            batch = score.batch(name)
            write_png(folder / _INPUTS / file, _pixels(batch.damaged)[..., 0])
            write_png(folder / _TRUTHS / file, _pixels(batch.rgb))
            write_png(folder / _MASKS / file, _pixels(batch.hole.float())[..., 0])
            shown.update()
    write_rows(table, [['input_image_path'], *([f'./{_INPUTS}/{file}'] for file in files)])
    return table


def _pixels(image: Tensor) -> np.ndarray:
    """(1, C, H, W), bytes or floats, to uint8 (H, W, C)."""
    image = image if image.dtype == torch.uint8 else to_uint8(image)
    return image[0].permute(1, 2, 0).cpu().numpy()
