"""What a detector of outliers promises: labels, scores and a rule on them, the same again for the same seed."""

from collections.abc import Iterator

import numpy as np

from toolbox.plugin.checks import Make
from toolbox.plugin.checks.arrays import NUM_IMAGES, changed_inputs, embeddings, equal_outliers, outliers_problem
from toolbox.plugin.contracts import AdjustableDetector, ChoosingDetector
from toolbox.plugin.types import Choice


def violations(make: Make) -> Iterator[str]:
    """See `toolbox.plugin.contracts.Detector`."""
    for num_images in NUM_IMAGES:
        embedding = embeddings(num_images)
        yield from (f'{problem}, for {num_images} images' for problem in _problems(make, embedding))
    same = np.ones((30, 4), np.float32)
    problem = outliers_problem(make(seed=1).fit(same, same), len(same))
    if problem:
        yield f'{problem}, for 30 equal images'
    yield from _optional_problems(make)


def _problems(make: Make, embedding: np.ndarray) -> Iterator[str]:
    reduced = embedding[:, :3].copy()
    copies = embedding.copy(), reduced.copy()
    detector = make(seed=1)
    fitted = detector.fit(reduced, embedding)
    problem = outliers_problem(fitted, len(embedding))
    if problem:
        yield f'fit: {problem}'
        return
    further = detector.predict(reduced[:4], embedding[:4])
    problem = outliers_problem(further, 4)
    if problem:
        yield f'predict: {problem}'
        return
    yield from changed_inputs((embedding, copies[0]), (reduced, copies[1]))
    again = make(seed=1)
    if not equal_outliers(again.fit(reduced, embedding), fitted):
        yield 'judges differently a second time with the same seed'
    elif not equal_outliers(again.predict(reduced[:4], embedding[:4]), further):
        yield 'predicts differently a second time with the same seed'


def _optional_problems(make: Make) -> Iterator[str]:
    """Of `choose` and `gentler`, where a detector has them: the options they name must build."""
    reduced = embeddings(60)[:, :3]
    detector = make(seed=1)
    steps = list(detector.gentler(len(reduced))) if isinstance(detector, AdjustableDetector) else []
    if isinstance(detector, ChoosingDetector):
        choice = detector.choose(reduced)
        if not isinstance(choice, Choice) or not choice.reason:
            yield f'choose returned {choice!r}, expected Choice(options, reason)'
            return
        steps.append(choice.options)
    for options in steps:
        problem = outliers_problem(make(seed=1, **options).fit(reduced, reduced), len(reduced))
        if problem:
            yield f'{problem}, with the options {options} that it names itself'
