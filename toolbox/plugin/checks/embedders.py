"""What an embedder promises: one finite vector per image that depends on nothing but the image."""

from collections.abc import Iterator

import numpy as np

from toolbox.plugin.checks import Make, repeatable
from toolbox.plugin.checks.arrays import array_problem, changed_inputs

_SIZES = ((1, 1), (7, 5), (64, 48), (200, 333))


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Embedder`."""
    embedder = make()
    yield from _attribute_problems(embedder)
    images = [_image(*size) for size in _SIZES] + [np.zeros((32, 32, 3), np.uint8)]
    copies = [image.copy() for image in images]
    prepared = [embedder.prepare(image) for image in images]
    if len({(array.shape, array.dtype) for array in prepared}) > 1:
        yield 'prepare returns arrays of different shapes or dtypes for images of different sizes'
        return
    together = embedder(np.stack(prepared))
    problem = array_problem(together, (len(images), None), np.float32, 'the embedding')
    if problem:
        yield f'{problem}, for images of {", ".join(f"{height}x{width}" for height, width in _SIZES)} and a black one'
        return
    yield from changed_inputs(*zip(images, copies, strict=True))
    if not repeatable(lambda: embedder(np.stack([embedder.prepare(image) for image in images]))):
        yield 'gives two embeddings of one image'
    alone = np.concatenate([embedder(array[None]) for array in prepared])
    if not np.array_equal(together, alone):
        yield (
            f'an image embedded alone comes out different (by up to {np.abs(together - alone).max():.1g}); '
            'fill the last batch up, so that all have one size'
        )
    if embedder.identity != make().identity:
        yield 'identity differs between two embedders of equal options; nothing kept would be found again'
    if not together.std(axis=0).any():
        yield 'gives one vector for all images'


def _attribute_problems(embedder: object) -> Iterator[str]:
    identity, batch_size = getattr(embedder, 'identity', None), getattr(embedder, 'batch_size', None)
    if not isinstance(identity, str) or not identity:
        yield f'identity is {identity!r}, expected words that name model, weights and preprocessing'
    if not isinstance(batch_size, int) or batch_size < 1:
        yield f'batch_size is {batch_size!r}, expected a number of images'


def _image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
