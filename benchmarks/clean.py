"""How long a cleaning run's judgment takes, and how much of it is the libraries' own time."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from mmengine.config import Config

from benchmarks.machine import cpu_name
from toolbox.cleaning.duplicates import close_by_embedding
from toolbox.cleaning.outliers import detect_outliers
from toolbox.cleaning.stability import compare_seeds
from toolbox.config.loading import load_config
from toolbox.config.schema import CLEANING
from toolbox.plugin.registry import DETECTORS, REDUCERS

_SEED, _CLUSTER_SIZE = 42, 10
_WARM_UP = 5000  # images; UMAP takes another way for fewer than 4,096
# The config's parts; the libraries below them are called directly for comparison.
_CONFIG = 'configs/cleaning/clip_umap_hdbscan.py'


@dataclass(frozen=True)
class CleanBenchmark:
    """Seconds, and gigabytes at the peak.

    Attributes:
        libraries, plugins: least processor time of a fit, with umap-learn and hdbscan called directly, and by plugins.
        run: time of a whole judgment on the wall's clock, by step; duplicates by embedding included.
        peak: memory of the whole process.
    """

    machine: str
    num_images: int
    dimensions: int
    libraries: dict[str, float]
    plugins: dict[str, float]
    run: dict[str, float]
    peak: float

    def __str__(self) -> str:
        what = f'{self.num_images:,} embeddings of {self.dimensions} numbers'
        lines = [f'{what}; {self.machine}; peak {self.peak:.1f} GB']
        lines += [
            f'{step:8} {seconds:8.1f} s directly, {self.plugins[step]:8.1f} s through the plugin'
            for step, seconds in self.libraries.items()
        ]
        overhead = sum(self.plugins.values()) / sum(self.libraries.values()) - 1
        run = ', '.join(f'{step} {seconds:.1f}' for step, seconds in self.run.items())
        return '\n'.join([*lines, f'overhead of one fit: {overhead:+.1%}', f'whole judgment, s: {run}'])


def benchmark_clean(
    num_images: int = 30_000, dimensions: int = 512, stability_seeds: int = 0, repeats: int = 3
) -> CleanBenchmark:
    """Time UMAP and HDBSCAN, called directly and through the tool, on synthetic embeddings.

    Args:
        num_images: at least 10.
        dimensions: of an embedding.
        stability_seeds: with how many further seeds the whole judgment compares.
        repeats: of both fits, in turns; the least time of each step counts, which other work disturbed least.

    Raises:
        ValueError: too few of something.
    """
    if num_images < 10 or dimensions < 1 or repeats < 1 or stability_seeds < 0:
        raise ValueError(
            f'{num_images} images of {dimensions} dimensions, {repeats} repeats, {stability_seeds} seeds: '
            'expected at least 10 images, 1 dimension, 1 repeat and 0 seeds'
        )
    config = load_config(_CONFIG, {'detector.min_cluster_size': _CLUSTER_SIZE}, rules=CLEANING)
    embedding = synthetic_embeddings(num_images, dimensions)
    _fit_directly(embedding[:_WARM_UP])  # imports and compiles
    rounds = [(_fit_directly(embedding), _fit_plugins(embedding, config)) for _ in range(repeats)]
    libraries, plugins = (_least(times) for times in zip(*rounds, strict=True))
    started = time.perf_counter()
    close_by_embedding(embedding, config.duplicates.max_distance)
    duplicates = time.perf_counter() - started
    detector = dict(type=config.detector.type)
    detection = detect_outliers(embedding, config.reducer, detector, _SEED, num_images, lambda _: None)
    started = time.perf_counter()
    compare_seeds(detection, embedding, config.reducer, _SEED, stability_seeds)
    stability = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    run = {'duplicates': duplicates, **detection.seconds, 'stability': stability}
    return CleanBenchmark(cpu_name(), num_images, dimensions, libraries, plugins, run, peak)


def synthetic_embeddings(num_images: int, dimensions: int) -> np.ndarray:
    """Unit vectors in forty clouds of different width, and two in a hundred anywhere: float32 (N, D)."""
    rng = np.random.default_rng(_SEED)
    cloud = rng.integers(0, 40, num_images)
    centers, widths = rng.normal(size=(40, dimensions)), rng.uniform(0.3, 1.0, 40)
    points = centers[cloud] + widths[cloud, None] * rng.normal(size=(num_images, dimensions))
    stray = rng.random(num_images) < 0.02
    points[stray] = rng.normal(size=(stray.sum(), dimensions)) * 2
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def _fit_directly(embedding: np.ndarray) -> dict[str, float]:
    """The very calls that the plugins make."""
    import hdbscan
    import umap

    reducer = umap.UMAP(n_neighbors=15, min_dist=0.0, random_state=_SEED, transform_seed=_SEED, n_jobs=1)
    clusterer = hdbscan.HDBSCAN(min_cluster_size=_CLUSTER_SIZE, core_dist_n_jobs=1)
    return _timed(lambda: reducer.fit_transform(embedding), clusterer.fit)


def _fit_plugins(embedding: np.ndarray, config: Config) -> dict[str, float]:
    reducer, detector = REDUCERS.build(config.reducer, seed=_SEED), DETECTORS.build(config.detector, seed=_SEED)
    return _timed(lambda: reducer.fit_transform(embedding), lambda reduced: detector.fit(reduced, embedding))


def _least(times: Sequence[dict[str, float]]) -> dict[str, float]:
    return {step: min(seconds[step] for seconds in times) for step in times[0]}


def _timed(reduce: Callable[[], np.ndarray], detect: Callable[[np.ndarray], object]) -> dict[str, float]:
    """Processor time, which other work on the machine does not change much."""
    started = time.process_time()
    reduced = reduce()
    between = time.process_time()
    detect(reduced)
    return {'reduce': between - started, 'detect': time.process_time() - between}
