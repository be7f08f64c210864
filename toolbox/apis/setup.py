"""What training and test build alike from a config: photographs, folds, loaders."""

from dataclasses import dataclass

import numpy as np
from mmengine.config import Config

from toolbox.data.folds import split_folds
from toolbox.data.manifest import Manifest
from toolbox.data.sources import open_source


@dataclass
class Split:
    """The photographs of a config: all, those that train, those that validate, and what identifies them."""

    photos: Manifest
    training: Manifest
    validation: Manifest
    digest: str


def split_photos(config: Config) -> Split:
    """Open the config's photographs and split off the fold that validates.

    Raises:
        FileNotFoundError, ValueError: no photographs there, or too few for the folds.
    """
    folds = config.data.folds
    if config.fold >= folds:
        raise ValueError(f'fold {config.fold}: there are {folds} folds, 0 to {folds - 1}; set --fold or data.folds')
    photos = open_source(config.data.root)
    numbers = split_folds(photos.names, folds, config.seed, groups=photos.groups)
    training, validation = np.flatnonzero(numbers != config.fold), np.flatnonzero(numbers == config.fold)
    return Split(photos, photos.subset(training), photos.subset(validation), photos.digest())
