"""Uniform manifold approximation and projection."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from toolbox.registry import REDUCERS


@contextmanager
def _torch_keeps_its_threads() -> Iterator[None]:
    """numba, when it starts its threads, sets the number of torch's, too; sums in more parts have other roundings."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@REDUCERS.register_module()
class UMAP:
    """A map on which images stay near their nearest neighbors; distances across the map mean little.

    Two dimensions by default, so that the map that a person is shown is the one on which clusters were found. Seeded,
    for which umap-learn gives up its threads.

    Source: McInnes, Healy & Melville, UMAP: Uniform Manifold Approximation and Projection, 2018; computed by
    umap-learn.

    Args:
        n_components: dimensions of the map.
        n_neighbors: how many neighbors count as near: few show small groups, many the whole; fewer of few images.
        min_dist: how close images may come on the map; 0 packs groups tightly, which is good for clustering.
        metric: of the embeddings, as umap-learn names it.
    """

    def __init__(
        self,
        seed: int,
        n_components: int = 2,
        n_neighbors: int = 15,
        min_dist: float = 0.0,
        metric: str = 'euclidean',
    ) -> None:
        if n_components < 1 or n_neighbors < 2 or not 0 <= min_dist <= 1:
            raise ValueError(
                f'UMAP(n_components={n_components}, n_neighbors={n_neighbors}, min_dist={min_dist}): expected 1 or '
                'more, 2 or more, and 0 to 1'
            )
        self.seed = seed
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.metric = metric

    @_torch_keeps_its_threads()
    def fit_transform(self, embedding: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, d) float32, N >= 10."""
        import umap  # takes seconds

        num_images = len(embedding)
        self._map = umap.UMAP(
            n_components=self.n_components,
            n_neighbors=min(self.n_neighbors, num_images - 1),
            min_dist=self.min_dist,
            metric=self.metric,
            random_state=self.seed,
            transform_seed=self.seed,
            n_jobs=1,
            # The spectral start needs more images than dimensions.
            init='spectral' if num_images > self.n_components + 2 else 'random',
        )
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # on duplicates, and on fragments of the graph, which are what we look for
            return np.asarray(self._map.fit_transform(embedding), np.float32)

    @_torch_keeps_its_threads()
    def transform(self, embedding: np.ndarray) -> np.ndarray:
        """(M, D) -> (M, d) float32, on the same map."""
        return np.asarray(self._map.transform(embedding), np.float32)
