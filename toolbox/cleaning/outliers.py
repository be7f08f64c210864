"""Finds what does not belong: reduces embeddings, detects outliers, and says how far the answer can be trusted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolbox.contracts import Outliers
from toolbox.registry import DETECTORS, REDUCERS

# Fewer images are too few to say which of them is unusual.
MIN_IMAGES = 10
_TOO_MUCH = 0.5


@dataclass
class Stability:
    """How much depends on the seed.

    Attributes:
        seeds: the seeds that were compared with the first.
        agreement: mean share of images with the same verdict, keep or drop, as with the first seed.
        rand_index: mean adjusted Rand index of the clusters, 1 = the same clusters.
        dropped_by: float32 (N,), the share of all seeds, the first included, by which an image is dropped.
    """

    seeds: list[int]
    agreement: float
    rand_index: float
    dropped_by: np.ndarray

    def __str__(self) -> str:
        return (
            f'with {len(self.seeds)} other seeds {self.agreement:.1%} of the verdicts are the same; adjusted Rand '
            f'index of the clusters {self.rand_index:.2f} (1: the same ones, 0: as by chance)'
        )

    def as_json(self) -> dict[str, Any]:
        """All but the array."""
        return {'seeds': self.seeds, 'agreement': self.agreement, 'rand_index': self.rand_index}


@dataclass
class Detection:
    """The answer, and how it came about.

    Attributes:
        reduced: (N, d) float32.
        outliers: of N images.
        notes: in words: options chosen by the data, gentler settings tried, rules that stepped in.
        options: of the detector, as it was built in the end.
        seconds: by step.
        stability: None if it was not asked for.
    """

    reduced: np.ndarray
    outliers: Outliers
    notes: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stability: Stability | None = None


def detect_outliers(
    embedding: np.ndarray,
    reducer: Mapping[str, Any],
    detector: Mapping[str, Any],
    seed: int,
    fit_limit: int,
    stability_seeds: int,
    say: Callable[[str], None] = print,
) -> Detection:
    """Reduce, choose what was left open, detect, and compare with other seeds.

    If more than half of the images come out as noise, the gentler settings that the detector names are tried in
    order. Whatever comes out, no more than half of the images are dropped: a rule that drops more judges nothing.

    Args:
        embedding: (N, D) float32.
        reducer: config of a reducer.
        detector: config of a detector.
        seed: of reducer and detector.
        fit_limit: of more images a sample is fitted, and the others are placed among it.
        stability_seeds: how many further seeds to compare with.
        say: told what takes long, and the notes.
    """
    if len(embedding) < MIN_IMAGES:
        return _too_few(embedding)
    fitted = _sample(len(embedding), fit_limit, seed)
    clock = _Clock()
    detection = Detection(*_empty(embedding), seconds=clock.seconds)

    def note(text: str) -> None:
        detection.notes.append(text)
        say(text)

    if len(fitted) < len(embedding):
        note(f'{reducer["type"]} and {detector["type"]} are fitted to {len(fitted):,} of {len(embedding):,} images')
    with clock('reduce'):
        fitted_reducer = REDUCERS.build(reducer, seed=seed)
        reduced = fitted_reducer.fit_transform(embedding[fitted])
    with clock('choose'):
        detector = _chosen(detector, reduced, seed, note)
    with clock('detect'):
        fitted_detector = DETECTORS.build(detector, seed=seed)
        outliers = fitted_detector.fit(reduced, embedding[fitted])
    if _noise(outliers) > _TOO_MUCH:
        with clock('gentler'):
            detector, fitted_detector, outliers = _gentler(
                (detector, fitted_detector, outliers), reduced, embedding[fitted], seed, note
            )
    with clock('place'):
        detection.reduced, outliers = _placed(fitted, reduced, outliers, fitted_reducer, fitted_detector, embedding)
    detection.options = {key: value for key, value in detector.items() if key != 'type'}
    detection.outliers = _never_empty(outliers, note)
    if stability_seeds:
        say(f'comparing with {stability_seeds} other seeds')
        with clock('stability'):
            seeds = [seed + 1 + number for number in range(stability_seeds)]
            first = Outliers(*(column[fitted] for column in vars(detection.outliers).values()))
            detection.stability = _stability(first, embedding[fitted], reducer, detector, seeds, fitted, len(embedding))
        say(f'stability: {detection.stability}')
    return detection


def _too_few(embedding: np.ndarray) -> Detection:
    reduced, outliers = _empty(embedding)
    return Detection(
        reduced, outliers, [f'{len(embedding)} images are too few to tell outliers: none is dropped as one']
    )


def _empty(embedding: np.ndarray) -> tuple[np.ndarray, Outliers]:
    """Nothing is known, nothing is dropped."""
    count = len(embedding)
    kept = Outliers(np.zeros(count, np.int64), np.zeros(count, np.float32), np.ones(count, bool))
    return np.zeros((count, 2), np.float32), kept


def _sample(count: int, limit: int, seed: int) -> np.ndarray:
    """Which images are fitted, in order."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, count)).choice(count, limit, replace=False))


def _chosen(detector: Mapping[str, Any], reduced: np.ndarray, seed: int, note: Callable[[str], None]) -> dict[str, Any]:
    """The detector's config with what it chooses by the data."""
    built = DETECTORS.build(detector, seed=seed)
    if not hasattr(built, 'choose'):
        return dict(detector)
    choice = built.choose(reduced)
    note(choice.reason)
    return {**detector, **choice.options}


def _noise(outliers: Outliers) -> float:
    return float((outliers.label == -1).mean())


def _gentler(
    current: tuple, reduced: np.ndarray, embedding: np.ndarray, seed: int, note: Callable[[str], None]
) -> tuple:
    """Tries what the detector itself names as gentler, until at most half is noise; else what leaves the least."""
    detector, built, outliers = current
    note(f'{_noise(outliers):.0%} of the images came out as noise, which says more about the settings than the images')
    best = current
    for options in built.gentler(len(reduced)) if hasattr(built, 'gentler') else []:
        config = {**detector, **options}
        gentler = DETECTORS.build(config, seed=seed)
        outliers = gentler.fit(reduced, embedding)
        note(f'tried {", ".join(f"{key}={value}" for key, value in options.items())}: {_noise(outliers):.0%} noise')
        if _noise(outliers) < _noise(best[2]):
            best = config, gentler, outliers
        if _noise(outliers) <= _TOO_MUCH:
            break
    return best


def _placed(fitted, reduced, outliers, reducer, detector, embedding) -> tuple[np.ndarray, Outliers]:
    """All images: the fitted ones as they are, the others placed among them."""
    if len(fitted) == len(embedding):
        return reduced, outliers
    others = np.setdiff1d(np.arange(len(embedding)), fitted)
    further = reducer.transform(embedding[others])
    predicted = detector.predict(further, embedding[others])
    order = np.argsort(np.concatenate([fitted, others]))
    columns = ((getattr(outliers, name), getattr(predicted, name)) for name in ('label', 'score', 'keep'))
    return np.concatenate([reduced, further])[order], Outliers(*(np.concatenate(pair)[order] for pair in columns))


def _never_empty(outliers: Outliers, note: Callable[[str], None]) -> Outliers:
    dropped = 1 - outliers.keep.mean()
    if dropped <= _TOO_MUCH:
        return outliers
    note(f'the rule on the score would drop {dropped:.0%} of the images: it is not followed, look at the scores')
    return Outliers(outliers.label, outliers.score, np.ones_like(outliers.keep))


def _stability(
    first: Outliers,
    embedding: np.ndarray,
    reducer: Mapping[str, Any],
    detector: Mapping[str, Any],
    seeds: list[int],
    fitted: np.ndarray,
    count: int,
) -> Stability:
    from sklearn.metrics import adjusted_rand_score

    dropped, agreements, indices = (~first.keep).astype(np.float32), [], []
    for seed in seeds:
        reduced = REDUCERS.build(reducer, seed=seed).fit_transform(embedding)
        outliers = _never_empty(DETECTORS.build(detector, seed=seed).fit(reduced, embedding), lambda _: None)
        dropped += ~outliers.keep
        agreements.append(np.mean(outliers.keep == first.keep))
        indices.append(adjusted_rand_score(first.label, outliers.label))
    dropped_by = np.full(count, np.nan, np.float32)
    dropped_by[fitted] = dropped / (len(seeds) + 1)
    return Stability(seeds, float(np.mean(agreements)), float(np.mean(indices)), dropped_by)


class _Clock:
    """``with clock('step'):`` keeps the seconds that the step took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, step: str) -> '_Clock':
        self._step = step
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self._step] = time.perf_counter() - self._start
