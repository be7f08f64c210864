"""Photographs on a page: rows of pictures that open large."""

import math
from collections.abc import Sequence

import numpy as np

from toolbox.report.images import data_uri
from toolbox.report.page import Html, element

IN_ONE_ROW = 8  # pictures of a photograph, on a wide screen
_SMALL = 200  # pixels: a picture with fewer is enlarged pixel by pixel
_FEW = 4  # pictures that stand two in a row on a narrow screen; more stand three in a row
_LARGEST, _SMALLEST = 512, 240  # pixels
_PIXELS = 25e6  # of all pictures of a page, some ten megabytes


def longest_side(num_pictures: int) -> int:
    """How large so many square pictures can be: the competition's 512 px, or less where the page would grow too big."""
    return int(min(_LARGEST, max(_SMALLEST, math.sqrt(_PIXELS / max(1, num_pictures)))))


def gallery(
    pictures: Sequence[tuple[str, np.ndarray | None]], title: str, text: str, *, longest_side: int = 240
) -> Html:
    """Pictures of one photograph side by side, with a line of text above and a caption below each.

    Args:
        pictures: captions, and uint8 (H, W) or (H, W, 3); None where there is no picture, which is then said.
        title: the photograph's name.
        text: more about it.
        longest_side: in pixels; larger pictures are scaled down.
    """
    figures = []
    for caption, image in pictures:
        if image is None:
            picture = element('div', 'no picture', class_='no-picture')
        else:
            small = 'small-picture' if max(image.shape[:2]) < _SMALL else None
            shown = element('img', src=data_uri(image, longest_side), alt=f'{caption} of {title}', class_=small)
            picture = element('button', shown, type='button', class_='open', title='open large, and compare')
        figures.append(element('figure', picture, element('figcaption', caption)))
    heading = element('p', element('strong', title), ' ', element('span', text), class_='picture-title')
    kind = 'pictures many' if len(pictures) > _FEW else 'pictures'
    columns = min(max(len(pictures), _FEW), IN_ONE_ROW)
    return element('div', heading, element('div', *figures, class_=kind, style=f'--columns: {columns}'), class_='photo')
