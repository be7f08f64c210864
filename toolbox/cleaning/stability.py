"""How much of a detection depends on its seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolbox.cleaning.outliers import MIN_IMAGES, Detection, never_most
from toolbox.plugin.registry import DETECTORS, REDUCERS


@dataclass(frozen=True)
class Stability:
    """A detection compared with those of other seeds, on the images that were fitted.

    Attributes:
        seeds: the other seeds.
        agreement: mean share of images with the same verdict, keep or drop.
        rand_index: mean adjusted Rand index of the clusters (Hubert & Arabie, 1985).
    """

    seeds: tuple[int, ...]
    agreement: float
    rand_index: float

    def __str__(self) -> str:
        return (
            f'with {len(self.seeds)} other seeds {self.agreement:.1%} of the verdicts are the same; adjusted Rand '
            f'index of the clusters {self.rand_index:.2f} (1: the same ones, 0: as by chance)'
        )


def compare_seeds(
    detection: Detection, embedding: np.ndarray, reducer: Mapping[str, Any], seed: int, num_seeds: int
) -> Stability | None:
    """Fit again with the seeds that follow on `seed`, the detector as it was chosen; None if nothing is to compare.

    Args:
        detection: of the seed.
        embedding: (N, D), of the images it is about.
        reducer: its config.
        seed, num_seeds: how many seeds, and after which.
    """
    if not num_seeds or len(embedding) < MIN_IMAGES:
        return None
    from sklearn.metrics import adjusted_rand_score

    fitted = detection.fitted
    keep, label = detection.outliers.keep[fitted], detection.outliers.label[fitted]
    seeds = tuple(range(seed + 1, seed + 1 + num_seeds))
    agreements, indices = [], []
    for other in seeds:
        reduced = REDUCERS.build(reducer, seed=other).fit_transform(embedding[fitted])
        outliers = DETECTORS.build(detection.detector, seed=other).fit(reduced, embedding[fitted])
        agreements.append(np.mean(never_most(outliers, lambda _: None).keep == keep))
        indices.append(adjusted_rand_score(label, outliers.label))
    return Stability(seeds, float(np.mean(agreements)), float(np.mean(indices)))
