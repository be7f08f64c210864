"""Photographs of one size to measure with, whatever there is."""

import zlib
from pathlib import Path

import cv2

from toolbox.data.sources import open_source
from toolbox.images.io import read_rgb, write_png
from toolbox.system.disk_errors import make_folder


def prepare_photos(source: str | None, folder: Path, size: int, num_photos: int) -> list[Path]:
    """So many square photographs of `size` px as PNG, as the competition's files are.

    The source's photographs are brought to the size on their shorter side and cut in the middle; where there are fewer,
    they come again. Files that are there already are kept.

    Args:
        source: a folder of photographs; None: those that installed packages carry.
        folder: where to; in it is one for each source and size.
    """
    folder = folder / f'{size}-{zlib.crc32(str(source).encode(errors="replace")):08x}'
    make_folder(folder)
    manifest = open_source(source)
    files = [folder / f'{number:04d}.png' for number in range(num_photos)]
    for number, file in enumerate(files):
        if file.is_file():
            continue
        rgb = read_rgb(manifest[number % len(manifest)].path)
        factor = size / min(rgb.shape[:2])
        width, height = (max(size, round(side * factor)) for side in (rgb.shape[1], rgb.shape[0]))
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
        top, left = (height - size) // 2, (width - size) // 2
        write_png(file, rgb[top : top + size, left : left + size].copy())
    return files
