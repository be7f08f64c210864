"""What a reducer promises: fewer dimensions, the same again for the same seed."""

from collections.abc import Iterator

import numpy as np

from toolbox.plugin.checks import Make
from toolbox.plugin.checks.arrays import NUM_IMAGES, array_problem, changed_inputs, embeddings


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Reducer`."""
    for num_images in NUM_IMAGES:
        yield from (f'{problem}, for {num_images} images' for problem in _problems(make, num_images))


def _problems(make: Make, num_images: int) -> Iterator[str]:
    embedding = embeddings(num_images)
    copy = embedding.copy()
    reducer = make(seed=1)
    fitted = reducer.fit_transform(embedding)
    problem = array_problem(fitted, (num_images, None), np.float32, 'the reduced embedding')
    if problem:
        yield problem
        return
    if not 1 <= fitted.shape[1] <= embedding.shape[1]:
        yield f'{embedding.shape[1]} dimensions became {fitted.shape[1]}'
    further = reducer.transform(embedding[:4])
    problem = array_problem(further, (4, fitted.shape[1]), np.float32, 'transform of 4 further images')
    if problem:
        yield problem
        return
    yield from changed_inputs((embedding, copy))
    again = make(seed=1)
    if not np.array_equal(again.fit_transform(embedding), fitted):
        yield 'fits differently a second time with the same seed'
    elif not np.array_equal(again.transform(embedding[:4]), further):
        yield 'transforms differently a second time with the same seed'
