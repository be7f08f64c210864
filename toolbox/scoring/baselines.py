"""What a restoration has to beat: the damaged image as it came, and classical inpainting without color."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from toolbox.images.color import to_float, to_uint8
from toolbox.plugin.contracts import Metric
from toolbox.plugin.types import Batch


def as_it_came(batch: Batch) -> Tensor:
    """The damaged gray image, shown as color: (N, 3, H, W)."""
    return batch.damaged.expand(-1, 3, -1, -1)


def telea(batch: Batch) -> Tensor:
    """The hole filled by fast marching (Telea, 2004; OpenCV, radius 3) and left gray: (N, 3, H, W)."""
    import cv2

    filled = []
    for damaged, mask in zip(to_uint8(batch.damaged), batch.mask.to(torch.uint8), strict=True):
        filled.append(cv2.inpaint(damaged[0].cpu().numpy(), mask[0].cpu().numpy(), 3, cv2.INPAINT_TELEA))
    return to_float(torch.from_numpy(np.stack(filled))[:, None]).expand(-1, 3, -1, -1)


BASELINES: dict[str, Callable[[Batch], Tensor]] = {'gray as it came': as_it_came, 'OpenCV Telea + gray': telea}


def shortfall(rows: Mapping[str, Mapping[str, float]], metric: Metric) -> str:
    """Which baselines are better than a model, in a sentence; '' where none is.

    Args:
        rows: metrics by name; the first are the model's.
        metric: the one that ranks.
    """
    (name, own), *others = rows.items()
    sign = 1 if metric.higher_is_better else -1
    better = [other for other, values in others if sign * values[metric.name] > sign * own[metric.name]]
    if not better:
        return ''
    compared = ', '.join(f'{other} ({rows[other][metric.name]:.4f})' for other in better)
    return (
        f'careful: {name} has a {metric.name} of {own[metric.name]:.4f} and is worse than what needs no model: '
        f'{compared}. More photographs, a longer training or another optimizer.lr may mend that'
    )


def restored_pixels(baseline: Callable[[Batch], Tensor], damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A baseline of one image.

    Args:
        baseline: one of `BASELINES`.
        damaged: uint8 (H, W).
        mask: uint8 (H, W) in {0, 1}.

    Returns:
        uint8 (H, W, 3).
    """
    gray, hole = torch.from_numpy(np.array(damaged))[None, None], torch.from_numpy(np.array(mask))[None, None]
    batch = Batch([''], gray, hole, gray, gray.expand(-1, 3, -1, -1), hole).to('cpu')
    return to_uint8(baseline(batch))[0].permute(1, 2, 0).numpy()
