"""Principal component analysis."""

import numpy as np

from toolbox.registry import REDUCERS


@REDUCERS.register_module()
class PCA:
    """The directions in which the embeddings vary most: linear, quick, and the same from run to run.

    Source: Hotelling, Analysis of a Complex of Statistical Variables into Principal Components, 1933; computed by
    scikit-learn, for large matrices by the randomized method of Halko et al., SIAM Review 2011.

    Args:
        n_components: dimensions to keep; fewer where there are fewer images or dimensions.

    Example:
        >>> embedding = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
        >>> PCA(seed=0, n_components=2).fit_transform(embedding).shape
        (20, 2)
    """

    def __init__(self, seed: int, n_components: int = 16) -> None:
        if n_components < 1:
            raise ValueError(f'PCA(n_components={n_components}): expected 1 or more')
        self.seed = seed
        self.n_components = n_components

    def fit_transform(self, embedding: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, d) float32."""
        from sklearn.decomposition import PCA as Analysis

        self._analysis = Analysis(min(self.n_components, *embedding.shape), random_state=self.seed)
        return self._analysis.fit_transform(embedding).astype(np.float32)

    def transform(self, embedding: np.ndarray) -> np.ndarray:
        """(M, D) -> (M, d) float32."""
        return self._analysis.transform(embedding).astype(np.float32)
