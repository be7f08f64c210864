"""Free-form damage: strokes of a thick brush."""

import numpy as np
from PIL import Image, ImageDraw

from toolbox.contracts import require_room_for_a_hole
from toolbox.registry import MASKS

# From the published code of DeepFill v2, which draws at 256 px.
_MIN_CORNERS, _MAX_CORNERS = 4, 12
_MEAN_ANGLE, _ANGLE_RANGE = 2 * np.pi / 5, 2 * np.pi / 15
_MIN_WIDTH, _MAX_WIDTH = 12 / 256, 40 / 256


@MASKS.register_module()
class BrushStrokes:
    """Free-form strokes, as a hand with a thick brush draws them.

    Yu et al. 2019, 'Free-Form Image Inpainting with Gated Convolution' (DeepFill v2), section 'Free-Form Mask
    Generation', with the constants of the published code: a stroke has 4 to 12 corners; it turns to and fro by about
    72 degrees, goes on by a normally distributed length of about an eighth of the diagonal, and has one width and round
    joints.
    Widths are shares of the image's shorter side, so that the damage looks alike at all sizes.

    Args:
        max_strokes: 1 to this many strokes.
        min_width: smallest width of a brush, as a share of the shorter side.
        max_width: largest width, likewise.
        max_area: strokes that cover more than this share of the image are redrawn; one pixel is always allowed.
    """

    def __init__(
        self,
        max_strokes: int = 4,
        min_width: float = _MIN_WIDTH,
        max_width: float = _MAX_WIDTH,
        max_area: float = 0.5,
    ) -> None:
        if max_strokes < 1:
            raise ValueError(f'BrushStrokes(max_strokes={max_strokes}): expected at least 1')
        if not 0 < min_width <= max_width < 1:
            raise ValueError(
                f'BrushStrokes(min_width={min_width}, max_width={max_width}): expected 0 < min_width <= max_width < 1'
            )
        if not max_width**2 < max_area < 1:
            raise ValueError(
                f'BrushStrokes(max_area={max_area}): expected a share below 1 that has room for a dot of '
                f'max_width={max_width}'
            )
        self.max_strokes = max_strokes
        self.min_width = min_width
        self.max_width = max_width
        self.max_area = max_area

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
        largest = max(1, int(self.max_area * height * width))
        while True:
            canvas = Image.new('L', (width, height))
            for _ in range(rng.integers(1, self.max_strokes, endpoint=True)):
                self._stroke(canvas, rng)
            mask = np.array(canvas)
            if np.count_nonzero(mask) <= largest:
                return mask

    def _stroke(self, canvas: Image.Image, rng: np.random.Generator) -> None:
        size = np.array(canvas.size)
        pen = ImageDraw.Draw(canvas)
        brush = max(1, int(min(canvas.size) * rng.uniform(self.min_width, self.max_width)))
        mean_length = np.hypot(*size) / 8
        turn_range = (_MEAN_ANGLE - rng.uniform(0, _ANGLE_RANGE), _MEAN_ANGLE + rng.uniform(0, _ANGLE_RANGE))

        corners = [tuple(rng.integers(size).tolist())]
        for i in range(rng.integers(_MIN_CORNERS, _MAX_CORNERS, endpoint=True)):
            angle = rng.uniform(*turn_range)
            if i % 2 == 0:
                angle = 2 * np.pi - angle
            length = np.clip(rng.normal(mean_length, mean_length / 2), 0, 2 * mean_length)
            step = length * np.array([np.cos(angle), np.sin(angle)])
            corners.append(tuple(np.clip(corners[-1] + step, 0, size - 1).astype(int).tolist()))
        pen.line(corners, fill=1, width=brush)
        for x, y in corners:
            left, top = x - brush // 2, y - brush // 2
            pen.ellipse([left, top, left + brush - 1, top + brush - 1], fill=1)
        pen.point(corners, fill=1)  # Pillow draws nothing of a line of no length or an ellipse of one pixel
