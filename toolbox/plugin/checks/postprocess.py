"""What a post-processing promises: an image of the same shape, the same again when applied twice."""

from collections.abc import Iterator

import torch
from torch import Tensor

from toolbox.plugin.checks import Make
from toolbox.plugin.checks.modules import consistency_problems, random_image, tensor_problem

_SIZES = ((1, 1), (5, 7), (32, 48))


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.PostProcess`."""
    correct = make()
    for height, width in _SIZES:
        for hole in (0.0, 0.3, 1.0):
            problem = _problem(correct, *_inputs(2, height, width, hole))
            if problem:
                yield f'{problem}, for an image {height}x{width} of which the hole is {hole:.0%}'
                return
    yield from consistency_problems(lambda *inputs: [correct(*inputs)], list(_inputs(3, 32, 48, 0.3)))


@torch.no_grad()
def _problem(correct: object, rgb: Tensor, damaged: Tensor, mask: Tensor) -> str | None:
    once = correct(rgb, damaged, mask)
    problem = tensor_problem(once, tuple(rgb.shape), 'the answer')
    if problem:
        return problem
    twice = correct(once, damaged, mask)
    if not torch.allclose(once, twice, atol=1e-5):
        return f'is not idempotent: a second application changes the image by up to {(once - twice).abs().max():.2g}'
    return None


def _inputs(num_images: int, height: int, width: int, hole: float) -> tuple[Tensor, Tensor, Tensor]:
    """A restoration that leaves [0, 1] here and there, the damaged image with extremes, and a hole of random pixels."""
    rgb = random_image(num_images, 3, height, width, seed=1) * 1.6 - 0.3
    damaged = (random_image(num_images, 1, height, width, seed=2) * 1.2 - 0.1).clamp(0, 1)
    mask = (random_image(num_images, 1, height, width, seed=3) < hole).float()
    return rgb, damaged, mask
