"""Every key a config may hold, of training and of cleaning: its type, its range, and what it means.

The one list behind the errors about misspelt keys and the table in `docs/config.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolbox.config.rules import REQUIRED, Key, OptimizerClass, Plugin, Plugins, Stages
from toolbox.plugin import registry
from toolbox.system.paths import command
from toolbox.system.words import did_you_mean

NONE = type(None)
_NUMBER = (int, float)
# Above it numpy's or torch's generators refuse a seed, once the ranks of processes are added.
LARGEST_SEED = 2**31 - 1

SCHEMA: dict[str, Any] = {
    'model': {
        'encoder': Plugin(registry.ENCODERS, 'turns an image into features'),
        'attention': Plugin(registry.ATTENTION, "re-weights features; `at='top' | 'all' | indices` says which"),
        'decoder': Plugin(registry.DECODERS, 'turns features into an image'),
        'stages': Stages(
            {'encoder': registry.ENCODERS, 'attention': registry.ATTENTION, 'decoder': registry.DECODERS},
            "parts that differ for one of the layout's networks, by its name: `dict(color=dict(encoder=dict(...)))`",
        ),
        'weights': Key(
            (str, NONE),
            'checkpoint or model file whose weights training starts with, `shipped` for the one that comes with it; '
            'None: those of the encoders, the rest at random',
            default=None,
        ),
        'layout': Plugin(registry.LAYOUTS, 'how networks are wired into stages'),
        'losses': Plugins(registry.LOSSES, 'terms of the loss: `on`, `weight`, `start` and `ramp` in steps', False),
        'postprocess': Plugins(registry.POSTPROCESS, 'corrections of the restored image, in order'),
    },
    'data': {
        'root': Key((str, NONE), 'folder of photographs, or of the competition; None: bundled sample photos'),
        'val_root': Key(
            (str, NONE), 'folder whose photographs validate, in place of a fold of those of `root`', default=None
        ),
        'size': Key((int,), 'side of the square crop, px', low=2),
        'val_size': Key((int, NONE), 'side of the crop that validates, px; None: `size`', default=None, low=2),
        'reduce': Key((bool,), 'reduce larger photos to `size` on their shorter side before the crop'),
        'batch_size': Key((int,), 'photographs per step, over all processes', low=1),
        'workers': Key((int, str), 'loader processes; auto: from the number of cores', low=0, choices=('auto',)),
        'repeat': Key((int,), 'crops of each photograph per epoch', low=1),
        'folds': Key((int,), 'number of folds; one of them validates', low=2),
        'crop_scale': Key(
            (list, tuple, NONE),
            'side of a training crop as a share of the shorter side, drawn from (low, high), then brought to `size`; '
            'None: crops are `size` as they are',
            default=None,
        ),
        'transforms': Key((list, tuple), 'albumentations applied to training crops: flips, photometric changes'),
        'aging': Key(
            (list, tuple),
            'albumentations applied to the gray input of training alone: blur, grain, JPEG of old photographs',
            default=(),
        ),
        'mask': Plugin(registry.MASKS, 'draws the holes of training'),
        'fill': Plugin(registry.FILLS, 'paints the holes of training'),
        'val_mask': Plugin(registry.MASKS, 'draws the holes of validation, frozen by seed and file'),
        'val_fill': Plugin(registry.FILLS, 'paints the holes of validation'),
        'finder': Plugin(registry.FINDERS, 'finds the hole at validation, at test and in `infer`'),
        'real_pairs': Key(_NUMBER, "share of training samples with the competition's own damage", low=0, high=1),
        'val_real_pairs': Key((bool,), "validate on the competition's own damage where the folder has it"),
        'max_unreadable': Key(_NUMBER, 'share of photographs that may be unreadable', 0.01, low=0, high=1),
    },
    'optimizer': OptimizerClass('a class of torch.optim and its options'),
    'lr_schedule': {
        'type': Key(
            (str,), 'shape of the learning rate after warm-up, by step', choices=('cosine', 'linear', 'constant')
        ),
        'warmup_steps': Key((int,), 'steps of linear warm-up', low=0),
        'final_factor': Key(_NUMBER, 'learning rate at the end, as a share of `optimizer.lr`', low=0, high=1),
    },
    'train_cfg': {
        'max_epochs': Key((int,), 'epochs at most', low=1),
        'max_steps': Key((int, NONE), 'steps at most; None: as many as the epochs have', None, low=1),
        'val_interval': Key((int,), 'epochs between validations', low=1),
        'save_steps': Key((int, NONE), 'steps between saves within an epoch; None: none by steps', None, low=1),
        'save_minutes': Key((*_NUMBER, NONE), 'minutes between saves within an epoch; None: none by time', 15, low=0),
        'accumulate': Key((int,), 'parts that a batch is worked through in, to save memory', 1, low=1),
        'encoder_lr_factor': Key(
            _NUMBER,
            'learning rate of the encoders, as a share of `optimizer.lr`: below 1 keeps pretraining',
            1.0,
            low=0,
        ),
        'clip_norm': Key((*_NUMBER, NONE), 'largest norm of the gradient; None: any', None, low=1e-12),
        'ema': Key((float, NONE), 'decay of the average of weights that is validated', None, low=0, high=0.999999),
        'max_bad_steps': Key((int,), 'batches in a row without a finite loss before it gives up', 3, low=1),
        'compile': Key((bool,), 'compile the networks (torch.compile); on CUDA only', False),
    },
    'early_stopping': {
        'patience': Key((int, NONE), 'validations without a better score before training stops; None: never', low=1),
        'min_delta': Key(_NUMBER, 'a score counts as better when it exceeds the best by more than this', low=0),
    },
    'metrics': Plugins(registry.METRICS, 'what is measured; the first one ranks', False),
    'seed': Key((int,), 'seed of everything drawn', low=0, high=LARGEST_SEED),
    'split_seed': Key(
        (int, NONE), 'seed of the folds and of the damage of validation; None: `seed`', None, low=0, high=LARGEST_SEED
    ),
    'fold': Key((int,), 'the fold that validates', low=0),
    'precision': Key(
        (str,), 'auto: float32, but training steps in bf16 where they are faster', choices=('auto', 'bf16', 'float32')
    ),
    'deterministic': Key((bool,), 'repeatable kernels on CUDA, as far as there are any; slower', False),
    'tf32': Key((bool,), 'train in TF32 what is computed in float32 on CUDA; restoring is in float32', True),
    'visualizers': Key((list, tuple, NONE), "mmengine's visualizer back ends; None: TensorBoard if installed", None),
    'sample_images': Key((int,), 'validation photographs shown in samples/*.png', low=0),
    'save_out_of_fold': Key(
        (bool,), 'with `--fold all`, write each photo as the fold that validates it restores it', True
    ),
    'clean_csv': Key((str, NONE), 'csv of a cleaning run; photos with keep=0 are left out', default=None),
    'clean_drop': Key(
        (str,),
        'where photos with keep=0 are left out',
        default='everywhere',
        choices=('everywhere', 'training', 'nowhere'),
    ),
    'use_labels': Key((bool,), 'spread the clusters that `clean_csv` names evenly over the folds', default=False),
    'custom_imports': Key((list, tuple), 'plugin modules or .py files outside the repository', default=()),
}

CLEANING: dict[str, Any] = {
    'embedder': Plugin(registry.EMBEDDERS, 'turns an image into a vector'),
    'reducer': Plugin(registry.REDUCERS, 'turns vectors into ones of fewer dimensions'),
    'detector': Plugin(registry.DETECTORS, 'finds clusters and outliers'),
    'files': {
        'min_side': Key((int,), 'images with a shorter side are tiny, px', low=1),
        'drop': Key((list, tuple), 'what is left out for its file: any of gray, tiny, animated, mode'),
    },
    'duplicates': {
        'max_bits': Key(
            (int,), 'bits of 64 in which perceptual hashes of near duplicates differ at most', low=0, high=7
        ),
        'max_distance': Key(
            _NUMBER,
            'distance of near duplicates in the embedding, as a share of the usual one between neighbors',
            low=0,
        ),
    },
    'fit_limit': Key(
        (int,), 'reducer and detector are fitted to this many images; the others are placed among them', low=10
    ),
    'stability_seeds': Key((int,), 'further seeds with which the result is compared', low=0),
    'workers': Key((int, str), 'loader processes; auto: from the number of cores', low=0, choices=('auto',)),
    'seed': Key((int,), 'seed of everything drawn', low=0, high=LARGEST_SEED),
    'custom_imports': Key((list, tuple), 'plugin modules or .py files outside the repository', default=()),
}


ABLATION: dict[str, Any] = {
    'base': Key((str,), 'the config that arms change'),
    'common': Key((dict,), 'values of the base config for all arms, by dotted path', {}),
    'sample': Key((dict,), 'further values for all arms at the sample scale, without photographs of your own', {}),
    'axes': Key((dict,), 'by name, levels by name: values of the base config by dotted path'),
    'baseline': Key((dict,), 'the level of each axis that others are compared with; else the first', {}),
    'design': Key(
        (str,), 'all combinations, or each level alone against the baseline', choices=('grid', 'one_at_a_time')
    ),
    'seeds': Key((list, tuple), 'seeds of weights, order and damage; each trains every arm'),
    'folds': Key((list, tuple, str), 'folds that validate in turn; all: each of them', choices=('all',)),
    'split_seed': Key(
        (int,), 'seed of the folds and of the damage of validation, the same in all trials', low=0, high=LARGEST_SEED
    ),
    'budget': {
        'epochs': Key((int, NONE), 'epochs of a trial; None: as the base config says', None, low=1),
        'steps': Key((int, NONE), 'steps of a trial', None, low=1),
        'minutes': Key(
            (*_NUMBER, NONE), "minutes of training steps of a trial, by each arm's own speed", None, low=0.01
        ),
    },
    'halving': {
        'epochs': Key((list, tuple), 'after which epochs the worst arms are dropped; none: never', ()),
        'keep': Key(_NUMBER, 'share of the arms that goes on, each time', 0.5, low=0.01, high=1),
    },
    'photos': Key((int,), 'validation photographs that the report shows', 5, low=0),
    'resources': {
        'gpus': Key((*_NUMBER, NONE), 'of a trial on Ray; None: one where there are any', None, low=0),
        'memory_gib': Key((*_NUMBER, NONE), 'of a trial on Ray; None: not reserved', None, low=0),
    },
    'custom_imports': Key((list, tuple), 'plugin modules or .py files outside the repository', default=()),
}


@dataclass(frozen=True)
class Kind:
    """A kind of config.

    Attributes:
        name: what its files are called.
        rules: its schema.
        command: takes such a file.
    """

    name: str
    rules: Mapping[str, Any]
    command: str


KINDS = (
    Kind('a training', SCHEMA, command('train') + ' {}'),
    Kind('an ablation', ABLATION, command('ablate') + ' {}'),
    Kind('a cleaning run', CLEANING, command('clean_data') + ' DIR --out cleaned --config {}'),
)


def complete(config: Any, schema: Mapping[str, Any] | None = None, where: str = '') -> None:
    """Check a config against the schema and fill in what has a default.

    Raises:
        ValueError: a misspelt key, a missing one, or a value that does not fit; the message names the place.
    """
    schema = SCHEMA if schema is None else schema
    for key in config:
        if key not in schema:
            raise ValueError(f'config: no key {where + key!r}{did_you_mean(key, schema)}')
    for key, rule in schema.items():
        path = where + key
        if key not in config:
            if getattr(rule, 'default', REQUIRED) is REQUIRED:
                raise ValueError(
                    f'config: {path!r} is missing; set it, or inherit it from configs/_base_ by `_base_ = [...]`'
                )
            config[key] = rule.default
        elif not isinstance(rule, Mapping):
            rule.check(config[key], path)
        elif not isinstance(config[key], Mapping):
            raise ValueError(f'{path}: expected a dict with keys {", ".join(rule)}, got {config[key]!r}')
        else:
            complete(config[key], rule, path + '.')
