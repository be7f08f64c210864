"""Scores a trained model on its validation photographs, as training does."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from toolbox.apis import run_folder
from toolbox.apis.setup import split_photos, split_seed
from toolbox.config import load_config
from toolbox.contracts import Batch
from toolbox.data.dataset import ValidationDataset
from toolbox.data.loading import collate_by_shape, validation_loader
from toolbox.engine.evaluation import build_evaluator, evaluate, rows_per_image
from toolbox.engine.loading import load_model
from toolbox.engine.model import Outcome
from toolbox.nn.device import default_device
from toolbox.paths import find_config
from toolbox.report import Pictures, ScoreEntry
from toolbox.tables import score_table

logger = logging.getLogger('huefill')


@dataclass
class ModelScore:
    """How a checkpoint did.

    Attributes:
        checkpoint: the file.
        config: the resolved config it was scored with.
        photos: which photographs, in words.
        summary: reduced metrics over all images.
        per_image: rows by photograph's name.
        batch: the photograph of a name as it was given to the model, on the CPU, in floats.
        restore: restores the photograph of a name once more, for pictures.
    """

    checkpoint: Path
    config: Config
    photos: str
    summary: dict[str, Any]
    per_image: dict[str, dict[str, Any]]
    batch: Callable[[str], Batch]
    restore: Callable[[str], Outcome]

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
        return ScoreEntry(str(self.checkpoint), self.per_image, self._pictures)

    def _pictures(self, name: str) -> Pictures:
        outcome = self.restore(name)
        shown = outcome.pictures(0)
        hole = outcome.batch.hole[0, 0].to(torch.uint8).cpu().numpy()
        return Pictures(shown['input'], shown['output'], shown['truth'], hole)


def find_checkpoint(config: str, data_root: str | None = None) -> Path:
    """The newest best.pth of a config's runs, or the one beside a run folder's own config.py.

    Raises:
        FileNotFoundError: the config was not trained from this working folder.
    """
    path = find_config(config)
    beside = path.with_name('best.pth')
    if path.name == run_folder.CONFIG and beside.is_file():
        return beside
    sample = data_root is None and load_config(path, say=lambda _: None).data.root is None
    runs = run_folder.runs_folder(path, sample)
    found = run_folder.newest(runs, 'best.pth')
    if found is None:
        where = '' if data_root is None else f' --data-root {data_root}'
        raise FileNotFoundError(
            f'no best.pth below {runs}/: train first (python tools/train.py {config}{where}), or name a checkpoint'
        )
    return found


def score_model(
    config: str | None,
    checkpoint: str | None = None,
    data_root: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> ModelScore:
    """Score a checkpoint on the validation fold it was trained with.

    Args:
        config: a config file or a run folder; without a checkpoint it says whose newest best one is meant. None: the
            checkpoint says all.
        checkpoint: it carries its own resolved config, which is used.
        data_root: where the photographs lie. Where they are those of training the validation fold is scored, of other
            photographs all; None: what validated in training.
        options: values by dotted path, in place of the checkpoint's config's.

    Raises:
        ValueError: the checkpoint is known to be of another config.
    """
    path = Path(checkpoint) if checkpoint is not None else find_checkpoint(config, data_root)
    if checkpoint is not None and config is not None:
        _check_origin(path, find_config(config))
    elsewhere = {} if data_root is None else {'data.root': data_root, 'data.val_root': None}
    model, resolved, content = load_model(path, {**(options or {}), **elsewhere})
    model.to(default_device())
    split = split_photos(resolved)
    same_photos = split.digest == content['data']
    photos = split.validation if same_photos else split.photos
    dataset = ValidationDataset(photos, resolved.data, split_seed(resolved))
    loader = validation_loader(dataset, resolved.data.batch_size, resolved.data.workers)
    evaluator = build_evaluator(resolved.metrics)
    summary = evaluate(loader, model.val_step, evaluator, len(dataset))
    which = f'the {len(photos)} validation photos, {split.validates}' if same_photos else f'all {len(photos)} photos'
    numbers = {name: index for index, name in enumerate(photos.names)}

    def batch(name: str) -> Batch:
        return collate_by_shape([dataset[numbers[name]]])[0].to('cpu')

    @torch.no_grad()
    def restore(name: str) -> Outcome:
        return model.val_step([batch(name)])[0]

    return ModelScore(path, resolved, which, summary, rows_per_image(evaluator), batch, restore)


def _check_origin(checkpoint: Path, config: Path) -> None:
    """Raise ValueError if the checkpoint is known to be of another run, or of a run of another config file."""
    if config.name == run_folder.CONFIG:  # of a run folder
        run = run_folder.run_of(checkpoint)
        is_its_own = run is None or config.parent in (run.resolve(), run.resolve().parent)  # or that of all folds
        other = None if is_its_own else run
    else:
        file = run_folder.origin(checkpoint)
        other = None if file is None or Path(file).stem == config.stem else file
    if other is not None:
        raise ValueError(
            f'{checkpoint} is of {other}, not of {config}: a checkpoint is scored with its own config; leave the other '
            f'out: python tools/test.py {checkpoint}'
        )


def print_score(score: ModelScore) -> None:
    """The score and its parts as a table."""
    print(f'{score.checkpoint} on {score.photos}')
    print(score_table({'this model': score.summary}))
