"""Holes from files: the masks of a public set, or of damage that was traced by hand."""

from pathlib import Path
from typing import Any

import numpy as np

from toolbox.contracts import require_room_for_a_hole
from toolbox.images.io import IMAGE_SUFFIXES, UnreadableImage, write_png
from toolbox.images.mask_files import read_mask, resized
from toolbox.registry import MASKS

_LOOKED_AT = 16


@MASKS.register_module()
class MaskFolder:
    """Masks from a folder of image files, 255 = hole, resized to the image (nearest pixel).

    `toolbox.images.mask_files.read_mask` decides what is a mask. A file that holds no hole, or nothing else, once it is
    resized, is passed over for the next one in order of names.

    Args:
        root: the folder; folders inside it are searched, too.

    Raises:
        FileNotFoundError, ValueError: no folder, no image in it, or images that are no masks. A few are looked at when
            it is built; of the others, one that is no mask is an `UnreadableImage` when its turn comes.
    """

    file_options = ('root',)

    def __init__(self, root: str) -> None:
        folder = Path(root)
        if not folder.is_dir():
            raise FileNotFoundError(f'MaskFolder(root={root!r}): no such folder; give a folder of mask images')
        self.files = sorted(path for path in folder.rglob('*') if path.suffix.lower() in IMAGE_SUFFIXES)
        if not self.files:
            raise FileNotFoundError(f'MaskFolder(root={root!r}): no image file in it; give a folder of mask images')
        self.root = root
        self._check()

    def _check(self) -> None:
        """Refuse a folder of something else before a training begins."""
        for path in self.files[:: -(-len(self.files) // _LOOKED_AT)]:
            try:
                read_mask(path)
            except UnreadableImage as error:
                raise ValueError(f'MaskFolder(root={self.root!r}): {error}') from error

    @staticmethod
    def example_options(folder: Path) -> dict[str, Any]:
        """Write masks of halves and quarters into `folder`."""
        for top in (4, 8):
            for left in (4, 8):
                mask = np.zeros((8, 8), np.uint8)
                mask[:top, :left] = 255
                if not mask.all():
                    write_png(folder / f'{top}x{left}.png', mask)
        return {'root': str(folder)}

    def __call__(
        self,
        height: int,
        width: int,
        rng: np.random.Generator,
        *,
        progress: float = 1.0,
        gray: np.ndarray | None = None,
    ) -> np.ndarray:
        require_room_for_a_hole(height, width)
        first = int(rng.integers(len(self.files)))
        for path in self.files[first:] + self.files[:first]:
            mask = resized(read_mask(path).hole, height, width)
            if mask.any() and not mask.all():
                return mask
        raise ValueError(
            f'MaskFolder(root={self.root!r}): at {height}x{width} every mask is all hole or has none; '
            'give masks that are 255 in the hole and 0 elsewhere'
        )
