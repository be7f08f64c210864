"""Scores a trained model on its validation photographs, as training does."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from toolbox.config.differences import Change, differences
from toolbox.config.loading import load_config
from toolbox.data.dataset import ValidationDataset
from toolbox.data.loaders import collate_by_shape, validation_loader
from toolbox.data.splits import split_photos, split_seed
from toolbox.data.workers import loss_of_a_worker_explained
from toolbox.nn.device import default_device
from toolbox.plugin.types import Batch
from toolbox.scoring.baselines import BASELINES
from toolbox.scoring.entry import Pictures, ScoreEntry
from toolbox.scoring.score_submissions import how_scored
from toolbox.system.paths import RUN_CONFIG, command, find_config
from toolbox.system.tables import score_table
from toolbox.system.words import counted, in_words
from toolbox.training import run_folder
from toolbox.training.evaluation import baseline_restorer, build_evaluator, evaluate
from toolbox.training.load_model import checkpoint_config, load_model
from toolbox.training.model import Outcome
from toolbox.training.resuming import UNSEEN

logger = logging.getLogger('huefill')

_CHANGES_SHOWN = 12


@dataclass
class ModelScore:
    """How a checkpoint did.

    Attributes:
        checkpoint: the file.
        config: the resolved config it was scored with.
        photos: which photographs, in words.
        changes: in what the checkpoint's config differs from the config that was asked for.
        summary: reduced metrics over all images.
        per_image: rows by photograph's name.
        batch: the photograph of a name as it was given to the model, on the CPU, in floats.
        restore: restores the photograph of a name once more, for pictures.
        baselines: measures what the model has to beat on the same photographs: rows by photograph, by the baseline.
    """

    checkpoint: Path
    config: Config
    photos: str
    changes: Sequence[Change]
    summary: dict[str, Any]
    per_image: dict[str, dict[str, Any]]
    batch: Callable[[str], Batch]
    restore: Callable[[str], Outcome]
    baselines: Callable[[], dict[str, dict[str, dict[str, Any]]]]

    def as_json(self) -> dict[str, Any]:
        """The keys of metrics.json plus `per_image`."""
        return {**self.summary, 'checkpoint': str(self.checkpoint), 'per_image': self.per_image}

    def as_entry(self) -> ScoreEntry:
        """For `toolbox.report.write_score_report`.

        Raises:
            ValueError: the config's metrics do not measure the leaderboard's score.
        """
        if 'score' not in self.summary:
            raise ValueError(
                "a report shows the leaderboard's score: add dict(type='Leaderboard') to the config's metrics"
            )
        return ScoreEntry(self.name, self.per_image, self._pictures)

    @property
    def name(self) -> str:
        """The checkpoint with the folders that say which run it is of: `unetpp_cbam_b4/001/best.pth`."""
        return Path(*self.checkpoint.parts[-3:]).as_posix()

    def how(self) -> dict[str, str]:
        """How the score came about, by name, for the report."""
        model, data = self.config.model, self.config.data
        parts = {kind: in_words(model[kind]) for kind in ('encoder', 'attention', 'decoder', 'layout') if kind in model}
        return {
            **how_scored(),
            'checkpoint': str(self.checkpoint),
            'photographs': f'{data.root or "bundled sample photographs"}: {self.photos}',
            'damage': f'{in_words(data.val_mask)}, {data.val_size or data.size} px, seed {split_seed(self.config)}',
            **parts,
            'post-processing': in_words(model.postprocess),
        }

    def _pictures(self, name: str) -> Pictures:
        outcome = self.restore(name)
        shown = outcome.pictures(0)
        hole = outcome.batch.hole[0, 0].to(torch.uint8).cpu().numpy()
        return Pictures(shown['input'], shown['output'], shown['truth'], hole)


def find_checkpoint(config: str, data_root: str | None = None, trust_plugins: bool = False) -> Path:
    """The newest best.pth of a config's runs, or the one beside a run folder's own config.py.

    Raises:
        FileNotFoundError: the config was not trained from this working folder.
    """
    path = find_config(config)
    beside = path.with_name('best.pth')
    if path.name == RUN_CONFIG and beside.is_file():
        return beside
    sample = data_root is None and load_config(path, say=_silent, trust_plugins=trust_plugins).data.root is None
    runs = run_folder.runs_folder(path, sample)
    found = run_folder.newest(runs, 'best.pth')
    if found is None:
        where = '' if data_root is None else f' --data-root {data_root}'
        raise FileNotFoundError(
            f'no best.pth below {runs}/: train first ({command("train")} {config}{where}), or name a checkpoint'
        )
    return found


def _changes(path: Path, checkpoint: Path, content: Mapping[str, Any], plugins: Sequence[str]) -> list[Change]:
    """What a checkpoint was trained with otherwise than a config says, at its scale; where files lie is no matter.

    Args:
        path: of the config.
        checkpoint: names it in errors.
        content: of the checkpoint.
        plugins: `custom_imports` that its model was built with, by the person's leave; no others are imported.
    """
    imports = {'custom_imports': list(plugins)}
    trained = checkpoint_config(content, checkpoint, imports)
    asked = load_config(path, {'data.root': trained.data.root, **imports}, say=_silent)
    return [change for change in differences(asked.to_dict(), trained.to_dict()) if change.key not in UNSEEN]


def score_model(
    config: str | None,
    checkpoint: str | None = None,
    data_root: str | None = None,
    options: Mapping[str, Any] | None = None,
    trust_plugins: bool = False,
) -> ModelScore:
    """Score a checkpoint on the validation fold it was trained with.

    Args:
        config: a config file, whose plugins are imported; without a checkpoint it says whose newest best one is meant.
            Or a run folder, of which nothing runs. None: the checkpoint says all.
        checkpoint: it carries its own resolved config, which is used.
        data_root: where the photographs lie. Where they are those of training the validation fold is scored, of other
            photographs all; None: what validated in training.
        options: values by dotted path, in place of the checkpoint's config's.
        trust_plugins: import what the checkpoint's config lists as `custom_imports`.

    Raises:
        ValueError: the checkpoint is known to be of another config.
    """
    own = None if config is None else find_config(config)
    if own is not None and checkpoint is not None:
        _check_origin(Path(checkpoint), own)
    if own is not None and own.name != RUN_CONFIG:
        load_config(own, say=_silent)  # a checkpoint may use the plugins that the person's own config names
    if checkpoint is not None:
        path = Path(checkpoint)
    else:
        assert config is not None  # a config or a checkpoint is given
        path = find_checkpoint(config, data_root, trust_plugins)
    elsewhere = {} if data_root is None else {'data.root': data_root, 'data.val_root': None}
    model, resolved, content = load_model(path, {**(options or {}), **elsewhere}, trust_plugins)
    model.to(default_device())
    split = split_photos(resolved)
    same_photos = split.digest == content['data']
    photos = split.validation if same_photos else split.photos
    dataset = ValidationDataset(photos, resolved.data, split_seed(resolved))
    loader = validation_loader(dataset, resolved.data.batch_size, resolved.data.workers)
    evaluator = build_evaluator(resolved.metrics)
    with loss_of_a_worker_explained('start again'):
        summary = evaluate(loader, model.val_step, evaluator)
    number = counted(len(photos), 'validation photo' if same_photos else 'photo')
    which = f'the {number}, {split.validates}' if same_photos else f'all of {number}'
    numbers = {name: index for index, name in enumerate(photos.names)}

    def batch(name: str) -> Batch:
        return collate_by_shape([dataset[numbers[name]]])[0].to('cpu')

    @torch.no_grad()
    def restore(name: str) -> Outcome:
        return model.val_step([batch(name)])[0]

    def baselines() -> dict[str, dict[str, dict[str, Any]]]:
        measured = {}
        for name, baseline in BASELINES.items():
            measuring = build_evaluator(resolved.metrics)
            evaluate(loader, baseline_restorer(baseline), measuring)
            measured[name] = measuring.rows
        return measured

    changes = [] if own is None else _changes(own, path, content, resolved.custom_imports)
    return ModelScore(path, resolved, which, changes, summary, evaluator.rows, batch, restore, baselines)


def _check_origin(checkpoint: Path, config: Path) -> None:
    """Raise ValueError if the checkpoint is known to be of another run, or of a run of another config file."""
    if config.name == RUN_CONFIG:  # of a run folder
        run = run_folder.run_of(checkpoint)
        is_its_own = run is None or config.parent in (run.resolve(), run.resolve().parent)  # or that of all folds
        other: Path | str | None = None if is_its_own else run
    else:
        file = run_folder.origin(checkpoint.parent)
        other = None if file is None or Path(file).stem == config.stem else file
    if other is not None:
        raise ValueError(
            f'{checkpoint} is of {other}, not of {config}: a checkpoint is scored with its own config; leave the other '
            f'out: {command("test")} {checkpoint}'
        )


def print_score(score: ModelScore) -> None:
    """Which checkpoint it is, in what its config differs from the one that was asked for, and the score as a table."""
    when = datetime.fromtimestamp(score.checkpoint.stat().st_mtime).strftime('%Y-%m-%d %H:%M')
    print(f'{score.checkpoint} of {when} on {score.photos}')
    if score.changes:
        more = f' and {len(score.changes) - _CHANGES_SHOWN} more' if len(score.changes) > _CHANGES_SHOWN else ''
        print(f'differs from the config: {", ".join(map(str, score.changes[:_CHANGES_SHOWN]))}{more}')
    print(score_table({'this model': score.summary}))


def _silent(_: str) -> None:
    """The config is not the one that is scored; what it drops is of no interest."""
