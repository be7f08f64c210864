"""What the score's report is told of one restoration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from toolbox.scoring.score import WEIGHTS, summarize

COLUMNS = ('score', *WEIGHTS)


class Pictures(NamedTuple):
    """What is shown of one image, uint8: output and truth (H, W, 3), hole (H, W).

    The input (H, W) or (H, W, 3) is None where nobody gave one: then none is shown.
    """

    input: np.ndarray | None
    output: np.ndarray
    truth: np.ndarray
    hole: np.ndarray | None = None


@dataclass
class ScoreEntry:
    """One restoration of a set of images: a submission, or a model's.

    Attributes:
        name: what it is called; different for each entry of a report.
        rows: what `toolbox.scoring.score.score_images` says of each image, by the image's name.
        pictures: reads or makes the pictures of the image of a name; called for the few images that are shown.
    """

    name: str
    rows: Mapping[str, Mapping]
    pictures: Callable[[str], Pictures]

    @cached_property
    def summary(self) -> dict[str, float]:
        """Means over the images, and their number `n`."""
        return summarize(list(self.rows.values()))

    def values(self, column: str) -> np.ndarray:
        """A column of the rows, float64 (n,), in the order of the rows."""
        return np.array([row[column] for row in self.rows.values()], np.float64)
