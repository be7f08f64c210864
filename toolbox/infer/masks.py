"""Where holes come from: a finder, a folder of masks, or nowhere."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from toolbox.data.walking import walk_files
from toolbox.images.io import UnreadableImage
from toolbox.images.mask_files import Mask, read_mask
from toolbox.infer.listing import ListedPhoto
from toolbox.system.names import canonical

# So many masks are looked at before anything is restored: if all are none, the folder is another one.
_LOOKED_AT = 5


class MaskFolder:
    """Masks in files, 255 = hole, matched with photographs by name without suffix.

    A photograph's mask lies where `--save-masks` writes it, `trip/a.png` (or `trip/a.jpg.png` beside an `a.png`); or,
    where no two photographs share a name, at the folder's top, `a.png`.

    Args:
        folder: searched to its depths.
        photos: the photographs of the job.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: two files for one name, no mask for any photograph, or what lies there are no masks.
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
        self._check(photos)

    def read(self, photo: ListedPhoto, gray: np.ndarray) -> Mask:
        """The hole of a photograph, uint8 (H, W), and what was done to read it.

        Raises:
            UnreadableImage: there is no mask of its name, or `toolbox.images.mask_files.read_mask` refuses it.
        """
        path = self._file(photo)
        if path is None:
            name = PurePosixPath(photo.name).with_suffix('')
            reason = f'no mask {name}.png in {self.folder}; an undamaged photo needs one that is all black'
            raise UnreadableImage(str(photo.path), reason)
        try:
            return read_mask(path, photo=gray)
        except UnreadableImage as error:
            raise UnreadableImage(str(photo.path), f'its mask {error}') from error

    def _check(self, photos: Sequence[ListedPhoto]) -> None:
        """Refuse a folder that belongs to other photographs, or that holds something else than masks."""
        paths = [path for path in map(self._file, photos) if path is not None]
        if not paths:
            raise ValueError(
                f'--masks {self.folder}: none of its {len(self.files)} files is named like a photograph: '
                f'it has {next(iter(self.files.values()))}, the first photograph is {photos[0].name}. A mask has its '
                "photograph's name, with any suffix; --masks auto looks for the holes"
            )
        reasons = []
        for path in paths[:: -(-len(paths) // _LOOKED_AT)]:
            try:
                read_mask(path, any_area=True)
                return
            except UnreadableImage as error:
                reasons.append(str(error))
        raise ValueError(f'--masks {self.folder}: these are no masks; {reasons[0]}')

    def _file(self, photo: ListedPhoto) -> Path | None:
        without_suffix = PurePosixPath(photo.name).with_suffix('')
        names = [photo.output.removesuffix('.png'), photo.name, str(without_suffix)]
        if self.by_stem:
            names.append(without_suffix.name)
        found = next(filter(None, (self.files.get(canonical(name)) for name in names)), None)
        return None if found is None else self.folder / found
