"""Hierarchical density-based clustering, and what lies outside of it."""

import numpy as np

from toolbox.cleaning.remoteness import Remoteness
from toolbox.contracts import Choice, Outliers
from toolbox.registry import DETECTORS

_GRID = (5, 10, 20, 40, 80)
_METHODS = ('eom', 'leaf')


@DETECTORS.register_module()
class HDBSCAN:
    """Clusters of the reduced embedding; outliers are what lies far from all other images in the full embedding.

    HDBSCAN calls noise whatever is not dense: often a third of perfectly good photographs. And it finds a dense cluster
    where twenty scanned pages lie among ten thousand photographs. So its noise is shown, but what is dropped is decided
    by a score: how far the image is from its nearest neighbors in the full embedding
    (`toolbox.cleaning.remoteness.Remoteness`), where the members of a small cluster do not count as each other's
    neighbors. An image of score `threshold` and more is dropped. If it belongs to a small cluster most of which is
    dropped, it keeps its label; else it is labeled as noise: reductions draw lonely images into the nearest cluster.

    Source: Campello, Moulavi & Sander, Density-Based Clustering Based on Hierarchical Density Estimates, PAKDD 2013;
    computed by hdbscan (McInnes, Healy & Astels, JOSS 2017).

    Args:
        min_cluster_size: fewer images make no cluster; None: the one of 5, 10, 20, 40, 80 with the best relative
            validity (density-based cluster validation of Moulavi et al., SDM 2014, as hdbscan approximates it).
        min_samples: how many neighbors make a point dense: more make more noise; None: as `min_cluster_size`.
        cluster_selection_method: 'eom' for few stable clusters, 'leaf' for many fine ones.
        allow_single_cluster: whether all images may be one cluster.
        small_cluster: clusters of at most this share of the images can be strange.
        threshold: images of this score and more are dropped.
    """

    def __init__(
        self,
        seed: int,
        min_cluster_size: int | None = None,
        min_samples: int | None = None,
        cluster_selection_method: str = 'eom',
        allow_single_cluster: bool = False,
        small_cluster: float = 0.05,
        threshold: float = 0.5,
    ) -> None:
        if min_cluster_size is not None and min_cluster_size < 2:
            raise ValueError(f'HDBSCAN(min_cluster_size={min_cluster_size}): expected 2 or more, or None')
        if min_samples is not None and min_samples < 1:
            raise ValueError(f'HDBSCAN(min_samples={min_samples}): expected 1 or more, or None')
        if cluster_selection_method not in _METHODS:
            raise ValueError(
                f'HDBSCAN(cluster_selection_method={cluster_selection_method!r}): expected {" or ".join(_METHODS)}'
            )
        if not 0 <= small_cluster < 1 or not 0 < threshold <= 1:
            raise ValueError(
                f'HDBSCAN(small_cluster={small_cluster}, threshold={threshold}): expected a share in [0, 1) and a '
                'score in (0, 1]'
            )
        self.seed = seed
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.allow_single_cluster = allow_single_cluster
        self.small_cluster = small_cluster
        self.threshold = threshold

    def choose(self, reduced: np.ndarray) -> Choice:
        """`min_cluster_size` by relative validity, if it was left open. Costs a clustering for each size tried."""
        if self.min_cluster_size is not None:
            return Choice({}, f'min_cluster_size={self.min_cluster_size}: as given')
        validity = {}
        for size in (size for size in _GRID if size == _GRID[0] or size <= len(reduced) // 10):
            clusterer = self._cluster(reduced, size, gen_min_span_tree=True)
            # Without clusters there is nothing to validate.
            validity[size] = clusterer.relative_validity_ if clusterer.labels_.max() >= 0 else -1.0
        best = max(validity, key=validity.get)  # the smallest of equals
        tried = ', '.join(f'{size}: {value:.3f}' for size, value in validity.items())
        return Choice(
            {'min_cluster_size': best},
            f'min_cluster_size={best}: the best relative validity of the sizes tried ({tried})',
        )

    def gentler(self, num_images: int) -> list[dict[str, object]]:
        """Options that leave fewer images outside of clusters: fewer neighbors make a point dense; finally one
        cluster may hold all."""
        size = self.min_cluster_size or _GRID[0]
        fewer = [count for count in (size // 2, size // 4, 1) if 1 <= count < (self.min_samples or size)]
        steps: list[dict[str, object]] = [dict(min_samples=count) for count in dict.fromkeys(fewer)]
        return [*steps, dict(min_samples=1, allow_single_cluster=True)]

    def fit(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge images by (N, d) reduced and (N, D) full embeddings."""
        size = self.min_cluster_size or self.choose(reduced).options['min_cluster_size']
        self._clusterer, self._can_predict = self._cluster(reduced, size), False
        label = self._clusterer.labels_.astype(np.int64)
        clustered = label >= 0
        sizes = np.bincount(label[clustered], minlength=1)
        self._is_small = sizes <= self.small_cluster * len(reduced)
        self._remoteness = Remoteness(embedding, self._groups(label), self.seed)
        far = self._remoteness.scores >= self.threshold
        self._is_strange = self._is_small & (2 * np.bincount(label[clustered & far], minlength=len(sizes)) >= sizes)
        return self._judged(label, self._remoteness.scores)

    def predict(self, reduced: np.ndarray, embedding: np.ndarray) -> Outliers:
        """Judge further images: the cluster that they would have fallen into, and the distance to what was fitted."""
        label = self._predicted(reduced)
        return self._judged(label, self._remoteness.of(embedding, self._groups(label)))

    def _predicted(self, reduced: np.ndarray) -> np.ndarray:
        from hdbscan import approximate_predict

        if self._clusterer.labels_.max() < 0:  # there is no cluster to fall into
            return np.full(len(reduced), -1)
        if not self._can_predict:  # what that takes, `fit` alone does not need
            self._clusterer.generate_prediction_data()
            self._can_predict = True
        return approximate_predict(self._clusterer, reduced)[0].astype(np.int64)

    def _cluster(self, reduced: np.ndarray, size: int, gen_min_span_tree: bool = False):
        import hdbscan

        return hdbscan.HDBSCAN(
            min_cluster_size=min(size, len(reduced) // 2),
            min_samples=None if self.min_samples is None else min(self.min_samples, len(reduced) - 1),
            cluster_selection_method=self.cluster_selection_method,
            allow_single_cluster=self.allow_single_cluster,
            gen_min_span_tree=gen_min_span_tree,
            core_dist_n_jobs=1,  # more are processes that take longer to start than to work
        ).fit(reduced)

    def _groups(self, label: np.ndarray) -> np.ndarray:
        """The small clusters, whose members are not each other's neighbors."""
        return np.where((label >= 0) & self._is_small[label], label, -1)

    def _judged(self, label: np.ndarray, score: np.ndarray) -> Outliers:
        keep = score < self.threshold
        in_strange_cluster = (label >= 0) & self._is_strange[label]
        return Outliers(np.where(keep | in_strange_cluster, label, -1), score, keep)
