"""In one line: what this file holds.

1. Write what the part does, below.
2. Check it: python tools/plugins.py check reducers MyPart
3. Use it: python tools/clean_data.py DIR --out DIR --cfg-options reducer.type=MyPart
"""

import numpy as np

from toolbox.registry import REDUCERS


@REDUCERS.register_module()
class MyPart:
    """In one line: what it does; `tools/plugins.py list` shows this line.

    Source: paper and section.

    Args:
        seed: of everything drawn; the program gives it.
        n_components: dimensions to keep.
    """

    def __init__(self, seed: int, n_components: int = 2) -> None:
        if n_components < 1:
            raise ValueError(f'MyPart(n_components={n_components}): expected 1 or more')
        self.seed = seed
        self.n_components = n_components

    def fit_transform(self, embedding: np.ndarray) -> np.ndarray:
        """(N, D) float32 -> (N, d) float32, N >= 10; the same again for the same seed."""
        rng = np.random.default_rng(self.seed)
        self._directions = rng.normal(0, 1, (embedding.shape[1], self.n_components)).astype(np.float32)
        return self.transform(embedding)

    def transform(self, embedding: np.ndarray) -> np.ndarray:
        """Place further images among the fitted ones: (M, D) -> (M, d) float32."""
        return embedding @ self._directions
