"""No reduction."""

import numpy as np

from toolbox.registry import REDUCERS


@REDUCERS.register_module(name='none')
class NoReduction:
    """Embeddings pass unchanged. Detectors by density grow slow and blunt in hundreds of dimensions."""

    def fit_transform(self, embedding: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        return embedding

    def transform(self, embedding: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        return embedding
