"""What training and test build alike from a config: photographs, folds, loaders."""

import hashlib
from dataclasses import dataclass

import numpy as np
from mmengine.config import Config

from toolbox.data.clean_csv import read_clean_csv
from toolbox.data.cleaned import apply_clean_csv
from toolbox.data.folds import split_folds
from toolbox.data.manifest import Manifest
from toolbox.data.sources import open_source
from toolbox.data.walking import told_in_words
from toolbox.system.paths import command

_NO_FOLDS = 'data.val_root names the photographs that validate, so there are no folds; leave --fold out, or val_root'
_WHERE = {
    'everywhere': '',
    'training': '; validation keeps what can be read of these (clean_drop=training)',
    'nowhere': '; what can be read of these is used all the same, the csv groups duplicates (clean_drop=nowhere)',
}


@dataclass
class Split:
    """The photographs of a config.

    Attributes:
        photos: all that a cleaning run left.
        training, validation: the two parts of them; with `data.val_root`, all of them and those of that folder.
        validates: what validates, in words.
        digest: identifies all photographs, those that validate among them.
        cleaning: what was left out and why, in words; '' if the config names no csv.
        passed_over: what lies beside the photographs and cannot be one, in words.
    """

    photos: Manifest
    training: Manifest
    validation: Manifest
    validates: str
    digest: str
    cleaning: str = ''
    passed_over: str = ''


def split_seed(config: Config) -> int:
    """The seed of what validation measures on: the folds and the damage."""
    return config.seed if config.split_seed is None else config.split_seed


def split_photos(config: Config) -> Split:
    """Open the config's photographs, leave out what its `clean_csv` says, and split off the fold that validates.

    Photographs that show the same are in one fold; with `use_labels` each fold has its share of every cluster. With
    `data.val_root` there are no folds: that folder's photographs validate, and all others train.

    Raises:
        FileNotFoundError, ValueError: no photographs there, a csv of others, or too few for the folds.
    """
    folds, val_root = config.data.folds, config.data.val_root
    if config.fold >= (folds if val_root is None else 1):
        there_are = f'there are {folds} folds, 0 to {folds - 1}; set --fold or data.folds'
        raise ValueError(f'fold {config.fold}: ' + (there_are if val_root is None else _NO_FOLDS))
    photos, labels, cleaning, to_train = open_source(config.data.root), None, '', True
    passed_over = told_in_words(photos.left_out)
    if config.clean_csv is not None:
        rows, everywhere = read_clean_csv(config.clean_csv), config.clean_drop == 'everywhere'
        cleaned = apply_clean_csv(photos, rows, config.clean_csv, drop=everywhere)
        photos, cleaning = cleaned.photos, f'{config.clean_csv}: {cleaned}' + _WHERE[config.clean_drop]
        labels = cleaned.labels if config.use_labels else None
        to_train = cleaned.keep | (config.clean_drop == 'nowhere')
    elif config.use_labels:
        raise ValueError(
            'use_labels: the clusters are in the csv of a cleaning run; set clean_csv, or use_labels=False'
        )
    elif config.clean_drop != 'everywhere':
        raise ValueError(
            f'clean_drop={config.clean_drop}: what to drop is in the csv of a cleaning run; set clean_csv, too '
            f'({command("clean_data")} DIR --out cleaned)'
        )
    if val_root is not None:
        validation = open_source(val_root)
        training = photos.subset(np.flatnonzero(np.broadcast_to(to_train, len(photos))))
        digest = hashlib.sha256(f'{photos.digest()} {validation.digest()}'.encode()).hexdigest()
        return Split(photos, training, validation, f'those of {val_root}', digest, cleaning, passed_over)
    numbers = split_folds(photos.names, folds, split_seed(config), photos.groups, labels)
    training = np.flatnonzero((numbers != config.fold) & to_train)
    validation = np.flatnonzero(numbers == config.fold)
    if not len(training):
        raise ValueError(f'{config.clean_csv} keeps no photograph outside fold {config.fold}; look at its column keep')
    validates = f'fold {config.fold} of {folds}'
    parts = photos.subset(training), photos.subset(validation)
    return Split(photos, *parts, validates, photos.digest(), cleaning, passed_over)
