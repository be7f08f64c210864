"""How the lines of one drawing are told apart, the same line in every drawing of a page.

The colors are variables of page.css, a set for light paper and one for dark. They can be read on it and differ for
color-blind eyes as well, after Okabe and Ito, "Color Universal Design" (2008); where there are more lines than colors,
dashes tell them apart.
"""

from typing import NamedTuple

_INK = 'var(--ink)'
_COLORS = tuple(f'var(--line-{number})' for number in range(1, 7))
_DASHES = ('', '7 4', '2 3', '9 3 2 3')


class Stroke(NamedTuple):
    """A color, and a dash pattern as SVG writes it ('' is a solid line)."""

    color: str
    dashes: str


def strokes(number: int) -> list[Stroke]:
    """For so many lines; the first one is that which others are compared with, and is drawn in ink."""
    colors, dashes = len(_COLORS), len(_DASHES)
    rest = [Stroke(_COLORS[i % colors], _DASHES[i // colors % dashes]) for i in range(max(number - 1, 0))]
    return [Stroke(_INK, ''), *rest][:number]
