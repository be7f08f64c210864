"""Structural similarity of the hole's pixels, exactly as the leaderboard measures it."""

import torch
from torch import Tensor

from toolbox.nn.loss import ImageLoss, weighted_mean
from toolbox.nn.ssim import (
    check_data_range,
    fitting_size,
    line_window,
    resolved_range,
    ssim_terms,
    widened,
)
from toolbox.registry import LOSSES
from toolbox.scoring.constants import SSIM_WINDOW


@LOSSES.register_module()
class MaskedSSIM(ImageLoss):
    """1 - the leaderboard's masked SSIM: a window of 7 that slides along the hole's pixels in raster order.

    The metric is ``structural_similarity(true[mask > 0], pred[mask > 0], channel_axis=-1, data_range=...)``. Indexing
    by a mask makes a list of pixels, so its windows lie on a line that jumps from row to row, with sample covariance.
    The loss is equal to 1 - that. A hole of under 7 pixels shrinks the window to the largest odd size that fits; an
    empty hole costs nothing.

    Args:
        data_range: 'prediction' is the leaderboard's, largest minus smallest value of the whole prediction, which the
            gradient takes for a constant; or a number, 1.0 for images in [0, 1].
    """

    def __init__(self, data_range: str | float = 'prediction') -> None:
        super().__init__('hole')
        self.data_range = check_data_range(data_range)

    def per_image(self, pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        data_range = resolved_range(self.data_range, pred)
        hole = weight[:, 0] > 0
        counts = hole.sum((1, 2))
        areas = counts.tolist()  # the one answer of a GPU's that is waited for
        x, y = _hole_pixels(torch.cat([pred, target], dim=1), hole, counts, areas).chunk(2, dim=1)
        losses = pred.new_zeros(len(pred))
        # Nearly always one round: only holes of under 7 pixels have a smaller window.
        for size, images in _images_by_window_size(areas).items():
            if len(images) == len(areas):
                images = slice(None)  # a list is sent to the GPU each time, which waits for it
            luminance, contrast = ssim_terms(x[images], y[images], data_range[images], line_window(size))
            first = torch.arange(luminance.shape[-1], device=pred.device)
            is_inside = first + size <= counts[images].view(-1, 1, 1, 1)
            losses[images] = weighted_mean(1 - luminance * contrast, is_inside.to(luminance.dtype)).to(pred.dtype)
        return losses


def _hole_pixels(images: Tensor, hole: Tensor, counts: Tensor, areas: list[int]) -> Tensor:
    """Each image's hole pixels in raster order, one line each, zeros behind: (N, C, H, W) -> float64 (N, C, 1, L)."""
    # `nonzero` would count again, and wait for the count.
    image, position = torch.nonzero_static(hole.flatten(1), size=sum(areas)).unbind(1)
    length = max(SSIM_WINDOW, *areas)
    # `nonzero` goes image by image, each in raster order: what an image starts at is what all before it hold.
    column = torch.arange(len(image), device=hole.device) - (counts.cumsum(0) - counts)[image]
    lines = widened(images.new_zeros(len(images), length, images.shape[1]))
    lines[image, column] = widened(images.flatten(2).transpose(1, 2)[image, position])
    return lines.transpose(1, 2).unsqueeze(2)


def _images_by_window_size(counts: list[int]) -> dict[int, list[int]]:
    """Which images have a window of which size; an empty hole is put to the smallest, where no window is inside."""
    images: dict[int, list[int]] = {}
    for image, count in enumerate(counts):
        images.setdefault(max(1, fitting_size(SSIM_WINDOW, count)), []).append(image)
    return images
