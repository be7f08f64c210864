"""The damage of the competition's own images, as measured on them: one shape, drawn as Pillow draws it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS

_SHAPES = ('rectangle', 'ellipse', 'triangle', 'polygon')

# The share of its bounding box that a shape covers on average: where the search for a wanted area starts.
_COVERAGE = {'rectangle': 1.0, 'ellipse': 0.785, 'triangle': 0.25, 'polygon': 0.3}

# Pixels. Pillow cannot draw each shape with fewer: an ellipse in a box of one pixel is empty.
_SMALLEST_SHAPE = 4


# Shapes that miss the wanted area by more than this share of it, and by more than a pixel, are redrawn.
_TOLERANCE = 0.25


@MASKS.register_module()
class CompetitionShapes:
    """A rectangle, ellipse, triangle or self-crossing polygon (even-odd), 1 to 14 % of the image.

    Measured on the inputs of DACON 236420: one axis-parallel rectangle or ellipse, triangle, or polygon whose corners
    come in any order, so that it may cross itself; filled by the even-odd rule, exactly as `PIL.ImageDraw` fills.
    The area is drawn uniformly from the range and met to within a fourth. Where no whole number of pixels lies in the
    range, as in very small images, the next larger number is taken; holes of under 4 pixels are rectangles.

    Args:
        shapes: which shapes to draw, all equally often.
        min_area: smallest share of the image that a hole covers.
        max_area: largest share.
        max_corners: a polygon has 4 to this many corners.
    """

    def __init__(
        self,
        shapes: Sequence[str] = _SHAPES,
        min_area: float = 0.01,
        max_area: float = 0.14,
        max_corners: int = 6,
    ) -> None:
        unknown = set(shapes) - set(_SHAPES)
        if unknown or not shapes:
            raise ValueError(f'CompetitionShapes(shapes={tuple(shapes)}): expected a choice of {_SHAPES}')
        if not 0 < min_area <= max_area < 1:
            raise ValueError(
                f'CompetitionShapes(min_area={min_area}, max_area={max_area}): expected 0 < min_area <= max_area < 1'
            )
        if max_corners < 4:
            raise ValueError(f'CompetitionShapes(max_corners={max_corners}): a polygon has at least 4 corners')
        self.shapes = tuple(shapes)
        self.min_area = min_area
        self.max_area = max_area
        self.max_corners = max_corners

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
        smallest, largest = self._pixel_range(height * width)
        shape = self.shapes[rng.integers(len(self.shapes))]
        if largest < _SMALLEST_SHAPE:
            shape = 'rectangle'
        wanted = rng.uniform(smallest, largest)
        box_area = wanted / _COVERAGE[shape]
        while True:
            box_area = float(np.clip(box_area, wanted, height * width))
            mask = self._draw(shape, box_area, height, width, rng)
            area = np.count_nonzero(mask)
            if smallest <= area <= largest and abs(area - wanted) <= _TOLERANCE * wanted + 1:
                return mask
            box_area *= np.sqrt(wanted / max(area, 1))

    def _pixel_range(self, num_pixels: int) -> tuple[int, int]:
        smallest = max(1, int(np.ceil(self.min_area * num_pixels)))
        largest = max(smallest, int(self.max_area * num_pixels))
        return min(smallest, num_pixels - 1), min(largest, num_pixels - 1)

    def _draw(self, shape: str, box_area: float, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """One shape in a box of roughly `box_area` pixels, anywhere inside the image."""
        box_width = np.sqrt(box_area) * np.exp2(rng.uniform(-1.5, 1.5))
        box_width = int(np.clip(np.rint(box_width), np.ceil(box_area / height), width))
        box_height = int(np.clip(np.rint(box_area / box_width), 1, height))
        left = int(rng.integers(width - box_width, endpoint=True))
        top = int(rng.integers(height - box_height, endpoint=True))
        box = [left, top, left + box_width - 1, top + box_height - 1]

        canvas = Image.new('L', (width, height))
        pen = ImageDraw.Draw(canvas)
        if shape == 'rectangle':
            pen.rectangle(box, fill=1)
        elif shape == 'ellipse':
            pen.ellipse(box, fill=1)
        else:
            num_corners = 3 if shape == 'triangle' else rng.integers(4, self.max_corners, endpoint=True)
            corners = rng.integers((left, top), (left + box_width, top + box_height), size=(num_corners, 2))
            pen.polygon([tuple(corner) for corner in corners.tolist()], fill=1)
        return np.array(canvas)
