"""Where holes come from: a finder, a folder of masks, or nowhere."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from toolbox.data.sources import walk_files
from toolbox.imageio import UnreadableImage, read_mask
from toolbox.infer.listing import ListedPhoto
from toolbox.names import canonical

# uint8 (H, W) gray -> its hole, uint8 (H, W) in {0, 1}
FindHole = Callable[[np.ndarray], np.ndarray]


class MaskFolder:
    """Masks in files, 255 = hole, matched with photographs by name without suffix.

    A photograph's mask lies where `--save-masks` writes it, `trip/a.png` (or `trip/a.jpg.png` beside an `a.png`); or,
    where no two photographs share a name, at the folder's top, `a.png`.

    Args:
        folder: searched to its depths.
        photos: the photographs of the job.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: two files for one name.
    """

    def __init__(self, folder: Path, photos: Sequence[ListedPhoto]) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f'no folder of masks {folder}; expected --masks auto, none or a folder')
        self.folder = folder
        self.files: dict[str, str] = {}
        for file in sorted(walk_files(folder)):
            name = canonical(os.path.splitext(file)[0])
            if name in self.files:
                raise ValueError(f'{folder}: both {self.files[name]} and {file} are masks of {name}; keep one')
            self.files[name] = file
        if not self.files:
            raise FileNotFoundError(f'no masks in {folder}: expected images named like the photographs, 255 = hole')
        stems = [PurePosixPath(photo.name).stem for photo in photos]
        self.by_stem = len(set(stems)) == len(stems)

    def read(self, photo: ListedPhoto, shape: tuple[int, int]) -> np.ndarray:
        """The hole of a photograph of this height and width, uint8 (H, W) in {0, 1}.

        Raises:
            UnreadableImage: there is no mask of its name, it cannot be read, or it is not of the photograph's size.
        """
        path = self._file(photo)
        try:
            mask = read_mask(path)
        except UnreadableImage as error:
            raise UnreadableImage(str(photo.path), f'its mask {error}') from error
        if mask.shape != shape:
            sizes = [f'{width}x{height}' for height, width in (mask.shape, shape)]
            raise UnreadableImage(str(photo.path), f'its mask {path} is {sizes[0]}, the upright photo {sizes[1]}')
        return mask

    def _file(self, photo: ListedPhoto) -> Path:
        without_suffix = PurePosixPath(photo.name).with_suffix('')
        names = [photo.output.removesuffix('.png'), photo.name, str(without_suffix)]
        if self.by_stem:
            names.append(without_suffix.name)
        found = next(filter(None, (self.files.get(canonical(name)) for name in names)), None)
        if found is None:
            reason = f'no mask {without_suffix}.png in {self.folder}; an undamaged photo needs one that is all black'
            raise UnreadableImage(str(photo.path), reason)
        return self.folder / found
