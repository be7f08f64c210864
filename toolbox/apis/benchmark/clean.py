"""How long a cleaning run's judgment takes, and how much of it is the libraries' own time."""

import resource
import time
from dataclasses import dataclass

import numpy as np

from toolbox.apis.benchmark.machine import cpu_name
from toolbox.cleaning.duplicates import close_by_embedding
from toolbox.cleaning.outliers import Detection, detect_outliers
from toolbox.config import load_config
from toolbox.schema import CLEANING

_SEED, _CLUSTER_SIZE = 42, 10
_WARM_UP = 5000  # images; UMAP takes another way for fewer than 4,096
# The config's parts; the libraries below them are called directly for comparison.
_CONFIG = 'configs/cleaning/clip_umap_hdbscan.py'


@dataclass(frozen=True)
class CleanBenchmark:
    """Seconds, and gigabytes at the peak.

    Attributes:
        libraries: umap-learn and hdbscan called directly on the same embeddings, by step.
        ours: the steps of a run; those that the libraries have, too, are named alike.
        duplicates: near duplicates by embedding.
        peak: memory of the whole process.
    """

    machine: str
    num_images: int
    dimensions: int
    libraries: dict[str, float]
    ours: dict[str, float]
    duplicates: float
    peak: float

    def __str__(self) -> str:
        direct, through = sum(self.libraries.values()), sum(self.ours[step] for step in self.libraries)
        others = {
            **{step: s for step, s in self.ours.items() if step not in self.libraries},
            'duplicates': self.duplicates,
        }
        lines = [f'{self.num_images:,} embeddings of {self.dimensions}; {self.machine}; peak {self.peak:.1f} GB']
        lines += [
            f'{step:12} directly {seconds:8.1f} s, through the tool {self.ours[step]:8.1f} s'
            for step, seconds in self.libraries.items()
        ]
        lines.append(f'overhead of one fit: {through / direct - 1:+.1%}')
        lines += [f'{step:12} {seconds:8.1f} s' for step, seconds in others.items()]
        return '\n'.join(lines)


def benchmark_clean(num_images: int = 30_000, dimensions: int = 512, stability_seeds: int = 0) -> CleanBenchmark:
    """Time UMAP and HDBSCAN, called directly and through the tool, on synthetic embeddings.

    Args:
        num_images: at least 10.
        dimensions: of an embedding.
        stability_seeds: how many further seeds the tool compares with.
    """
    if num_images < 10 or dimensions < 1:
        raise ValueError(f'{num_images} images of {dimensions} dimensions: expected at least 10 images and 1 dimension')
    embedding = synthetic_embeddings(num_images, dimensions)
    _fit_directly(embedding[:_WARM_UP])  # imports and compiles
    libraries, ours = _fit_directly(embedding), _fit_through_the_tool(embedding, stability_seeds).seconds
    again = _fit_directly(embedding)
    libraries = {step: min(seconds, again[step]) for step, seconds in libraries.items()}
    started = time.perf_counter()
    close_by_embedding(embedding, 0.5)
    duplicates = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return CleanBenchmark(cpu_name(), num_images, dimensions, libraries, ours, duplicates, peak)


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
    started = time.perf_counter()
    reduced = reducer.fit_transform(embedding)
    between = time.perf_counter()
    hdbscan.HDBSCAN(min_cluster_size=_CLUSTER_SIZE, core_dist_n_jobs=1).fit(reduced)
    return {'reduce': between - started, 'detect': time.perf_counter() - between}


def _fit_through_the_tool(embedding: np.ndarray, stability_seeds: int) -> Detection:
    config = load_config(_CONFIG, {'detector.min_cluster_size': _CLUSTER_SIZE}, rules=CLEANING)
    return detect_outliers(
        embedding, config.reducer, config.detector, _SEED, len(embedding), stability_seeds, say=lambda _: None
    )
