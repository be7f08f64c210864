"""Photographs to try the page with, from packages that are installed anyway; made gray, one of them damaged."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from toolbox.data.sources import open_source
from toolbox.images.io import read_gray, write_png

# File -> what the page calls it, and the corners of its hole in shares of width and height.
_PHOTOS = {
    'chelsea.png': ('Cat, with a hole', ((0.16, 0.52), (0.31, 0.44), (0.36, 0.78), (0.2, 0.86))),
    'grace_hopper.jpg': ('Portrait', ()),
    'china.jpg': ('Palace', ()),
}
_HOLE = 128  # its gray


def write_examples(folder: Path) -> dict[str, Path]:
    """Write them into a folder: files by what the page calls them; none of a package that is not there."""
    there = {photo.path.name: photo.path for photo in open_source(None)}
    examples = {}
    for name, (label, corners) in _PHOTOS.items():
        if name not in there:
            continue
        picture = Image.fromarray(read_gray(there[name]))
        if corners:
            width, height = picture.size
            polygon = [(round(x * width), round(y * height)) for x, y in corners]
            ImageDraw.Draw(picture).polygon(polygon, fill=_HOLE)
        examples[label] = folder / f'{Path(name).stem}.png'
        write_png(examples[label], np.asarray(picture))
    return examples
