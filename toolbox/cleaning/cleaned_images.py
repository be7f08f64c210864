"""What there is to see of a data set that was cleaned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from toolbox.data.clean_csv import Row


@dataclass
class CleanedImages:
    """What is shown of a cleaned data set of N files.

    Attributes:
        rows: N, what was decided.
        kinds: N, by which rule: 'unreadable', 'file', 'duplicate', 'outlier', or 'kept'.
        thumbnails: WebP files, by the index of the image; galleries show the images that have one.
        positions: (N, 2), on the map; NaN where an image took no part.
        notes: what the run found worth saying.
        settings: the run's, in words, by name.
        seconds: by step.
    """

    rows: Sequence[Row]
    kinds: Sequence[str]
    thumbnails: Mapping[int, bytes]
    positions: np.ndarray
    notes: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
