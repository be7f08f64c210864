"""Finds what does not belong: reduces embeddings, and detects outliers among them."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolbox.plugin.contracts import AdjustableDetector, ChoosingDetector, Detector, Reducer
from toolbox.plugin.registry import DETECTORS, REDUCERS
from toolbox.plugin.types import Outliers

# Fewer images are too few to say which of them is unusual.
MIN_IMAGES = 10
# Noise beyond this share says more about the settings than about the images, and so does what a rule drops.
_TOO_MUCH = 0.5


@dataclass
class Detection:
    """What was found about N images, and how it came about.

    Attributes:
        reduced: (N, d) float32.
        outliers: of the N images.
        fitted: int64, the images that reducer and detector were fitted to; the others were placed among them.
        detector: its config, with what was chosen by the data.
        notes: in words: what was chosen, gentler settings that were tried, rules that stepped in.
        seconds: by step.
    """

    reduced: np.ndarray
    outliers: Outliers
    fitted: np.ndarray
    detector: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def detect_outliers(
    embedding: np.ndarray,
    reducer: Mapping[str, Any],
    detector: Mapping[str, Any],
    seed: int,
    fit_limit: int,
    say: Callable[[str], None] = print,
) -> Detection:
    """Reduce, choose what the detector's config leaves open, and detect.

    If more than half of the images come out as noise, the gentler settings that the detector names are tried in
    order. Whatever comes out, no more than half of the images are dropped: a rule that would drop more is not followed.

    Args:
        embedding: (N, D) float32.
        reducer: config of a reducer.
        detector: config of a detector.
        seed: of both.
        fit_limit: of more images a sample is fitted, and the others are placed among it.
        say: told the notes as they come.
    """
    if len(embedding) < MIN_IMAGES:
        return _undecided(embedding, dict(detector))
    journal = _Journal(say)
    fitted = _sample(len(embedding), fit_limit, seed)
    if len(fitted) < len(embedding):
        journal.note(f'reducer and detector are fitted to {len(fitted):,} of {len(embedding):,} images')
    fit = _fit(embedding[fitted], reducer, detector, seed, journal)
    with journal.timed('place'):
        reduced, outliers = _placed(fit, fitted, embedding)
    outliers = never_most(outliers, journal.note)
    return Detection(reduced, outliers, fitted, fit.config, journal.notes, journal.seconds)


def never_most(outliers: Outliers, note: Callable[[str], None]) -> Outliers:
    """The same, or with everything kept if more than half would be dropped."""
    dropped = 1 - outliers.keep.mean()
    if dropped <= _TOO_MUCH:
        return outliers
    note(f'the rule on the score would drop {dropped:.0%} of the images: it is not followed; look at the scores')
    return Outliers(outliers.label, outliers.score, np.ones_like(outliers.keep))


class _Journal:
    """Notes and times of a detection."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.notes: list[str] = []
        self.seconds: dict[str, float] = {}
        self._say = say

    def note(self, text: str) -> None:
        """Say something, and keep it."""
        self.notes.append(text)
        self._say(text)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Keep how long something takes."""
        started = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - started


@dataclass
class _Fit:
    reducer: Reducer
    detector: Detector
    config: dict[str, Any]  # of the detector
    reduced: np.ndarray
    outliers: Outliers


def _undecided(embedding: np.ndarray, detector: dict[str, Any]) -> Detection:
    """Nothing is known, nothing is dropped."""
    count = len(embedding)
    kept = Outliers(np.zeros(count, np.int64), np.zeros(count, np.float32), np.ones(count, bool))
    note = f'{count} images are too few to tell outliers: none is dropped as one'
    return Detection(np.zeros((count, 2), np.float32), kept, np.arange(count), detector, [note])


def _sample(count: int, limit: int, seed: int) -> np.ndarray:
    """Which images are fitted, in order."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, count)).choice(count, limit, replace=False))


def _fit(
    embedding: np.ndarray, reducer: Mapping[str, Any], detector: Mapping[str, Any], seed: int, journal: _Journal
) -> _Fit:
    with journal.timed('reduce'):
        built = REDUCERS.build(reducer, seed=seed)
        reduced = built.fit_transform(embedding)
    with journal.timed('choose'):
        config = _chosen(detector, reduced, seed, journal)
    with journal.timed('detect'):
        fitted = DETECTORS.build(config, seed=seed)
        fit = _Fit(built, fitted, config, reduced, fitted.fit(reduced, embedding))
    if _noise(fit.outliers) <= _TOO_MUCH:
        return fit
    with journal.timed('gentler'):
        return _gentler(fit, embedding, seed, journal)


def _chosen(detector: Mapping[str, Any], reduced: np.ndarray, seed: int, journal: _Journal) -> dict[str, Any]:
    """The detector's config with what it chooses by the data."""
    built = DETECTORS.build(detector, seed=seed)
    if not isinstance(built, ChoosingDetector):
        return dict(detector)
    choice = built.choose(reduced)
    journal.note(choice.reason)
    return {**detector, **choice.options}


def _gentler(fit: _Fit, embedding: np.ndarray, seed: int, journal: _Journal) -> _Fit:
    """Tries what the detector itself names as gentler, until at most half is noise; else what leaves the least."""
    journal.note(f'{_noise(fit.outliers):.0%} of the images came out as noise: trying gentler settings')
    best = fit
    for options in fit.detector.gentler(len(embedding)) if isinstance(fit.detector, AdjustableDetector) else []:
        config = {**fit.config, **options}
        detector = DETECTORS.build(config, seed=seed)
        tried = _Fit(fit.reducer, detector, config, fit.reduced, detector.fit(fit.reduced, embedding))
        settings = ', '.join(f'{key}={value}' for key, value in options.items())
        journal.note(f'tried {settings}: {_noise(tried.outliers):.0%} noise')
        if _noise(tried.outliers) < _noise(best.outliers):
            best = tried
        if _noise(tried.outliers) <= _TOO_MUCH:
            break
    return best


def _noise(outliers: Outliers) -> float:
    return float((outliers.label == -1).mean())


def _placed(fit: _Fit, fitted: np.ndarray, embedding: np.ndarray) -> tuple[np.ndarray, Outliers]:
    """All images: the fitted ones as they are, the others placed among them."""
    if len(fitted) == len(embedding):
        return fit.reduced, fit.outliers
    others = np.setdiff1d(np.arange(len(embedding)), fitted)
    reduced = fit.reducer.transform(embedding[others])
    placed = fit.detector.predict(reduced, embedding[others])
    order = np.argsort(np.concatenate([fitted, others]))

    def merged(of_fitted: np.ndarray, of_others: np.ndarray) -> np.ndarray:
        return np.concatenate([of_fitted, of_others])[order]

    columns = (merged(getattr(fit.outliers, name), getattr(placed, name)) for name in ('label', 'score', 'keep'))
    return merged(fit.reduced, reduced), Outliers(*columns)
