"""Files that do not belong into a data set of photographs, and near duplicates of those that do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

_WORDS = ['the', 'quick', 'brown', 'fox', 'jumps', 'over', 'a', 'lazy', 'dog', 'while', 'seven', 'wizards', 'judge']
STRANGERS = 20
DUPLICATES = 15


def strangers(size: int) -> Iterator[tuple[str, Image.Image]]:
    """Five pages of text, five noises, five drawings and five solid colors, by name."""
    rng = np.random.default_rng(99)
    for number in range(5):
        yield f'text_{number}', _page(size, rng)
        yield f'noise_{number}', Image.fromarray(_noise(size, number, rng))
        yield f'drawing_{number}', _drawing(size, rng)
        yield f'solid_{number}', Image.new('RGB', (size, size), tuple(map(int, rng.integers(0, 256, 3))))


def plant(folder: Path, originals: Sequence[Path], size: int) -> dict[str, str]:
    """Save the strangers, and five recompressed, five reduced and five mirrored copies of fifteen originals.

    Returns:
        The original's name, by the copy's.
    """
    for name, picture in strangers(size):
        picture.save(folder / f'{name}.png')
    pairs = {}
    for number, original in enumerate(originals[:DUPLICATES]):
        with Image.open(original) as picture:
            kind = ('recompressed', 'reduced', 'mirrored')[number % 3]
            copy = folder / f'copy_{kind}_{number}.jpg'
            if kind == 'recompressed':
                picture.save(copy, quality=50)
            elif kind == 'reduced':
                picture.resize((picture.width * 2 // 3, picture.height * 2 // 3), Image.Resampling.LANCZOS).save(copy)
            else:
                ImageOps.mirror(picture).save(copy, quality=90)
        pairs[copy.name] = original.name
    return pairs


def _page(size: int, rng: np.random.Generator) -> Image.Image:
    page = Image.new('RGB', (size, size), (255, 255, 255 - int(rng.integers(0, 20))))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size // 20)
    for row in range(size // 20, size - size // 12, size // 14):
        draw.text((size // 16, row), ' '.join(rng.choice(_WORDS, 12)), fill=(20, 20, 30), font=font)
    return page


def _noise(size: int, number: int, rng: np.random.Generator) -> np.ndarray:
    fine = rng.integers(0, 256, (size, size, 3), np.uint8)
    if number % 2:
        return fine
    return np.array(Image.fromarray(fine[::4, ::4]).resize((size, size), Image.Resampling.NEAREST))


def _drawing(size: int, rng: np.random.Generator) -> Image.Image:
    page = Image.new('RGB', (size, size), 'white')
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(5, 10))):
        color = tuple(map(int, rng.integers(0, 200, 3)))
        corners = np.sort(rng.integers(0, size, (2, 2)), axis=0)
        box = [*map(int, corners[0]), *map(int, corners[1] + 2)]
        shape = (draw.ellipse, draw.rectangle, draw.line)[int(rng.integers(3))]
        shape(box, color, width=4) if shape == draw.line else shape(box, outline=color, width=4)
    return page
