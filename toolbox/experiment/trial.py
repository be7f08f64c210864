"""One trial of an experiment: its training from wherever it stands, and what came of it, in its folder."""

import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from toolbox.config.loading import read_run_config
from toolbox.data.loaders import collate_by_shape
from toolbox.data.workers import loss_of_a_worker_explained
from toolbox.experiment.results import Costs
from toolbox.experiment.trials import TrialFolder
from toolbox.images.io import write_png
from toolbox.nn.device import default_device, is_out_of_memory
from toolbox.plugin.types import Batch
from toolbox.system.cli import USAGE_ERROR
from toolbox.system.disk_errors import writing_into
from toolbox.system.interruption import Stopped
from toolbox.system.names import fitting
from toolbox.system.words import without_addresses
from toolbox.training.checkpoint_rotation import BEST, Generations
from toolbox.training.evaluation import build_evaluator, evaluate
from toolbox.training.history import HistoryHook
from toolbox.training.load_model import load_model
from toolbox.training.train import FoldRun

logger = logging.getLogger('huefill')

OUTPUTS, PICTURES = 'predictions', 'photos'
# What a trial imports at once, and what it imports on its way.
PRELOAD = (__name__, 'albumentations', 'cv2', 'numba', 'segmentation_models_pytorch', 'timm')
_GO_ON = '--rerun-failed goes on from its last checkpoint'
_SAFE = 'its checkpoints are kept: the same command with --rerun-failed (of folds: --resume) goes on from them'
_TOLERANCE = 1e-3  # between two evaluations of the same weights, whose kernels may add in another order


@dataclass(frozen=True)
class TrialJob:
    """What an engine is told to run; it travels between processes.

    Attributes:
        folder: the trial's.
        until: the epoch to pause after; None: train to the end.
        pictures: names of photographs that are restored for people to look at, where this trial validates them.
        predictions: write every photograph of its validation, restored.
        trusted: plugin modules that the person's own config names; the config in the folder may import no others.
    """

    folder: Path
    until: int | None = None
    pictures: tuple[str, ...] = ()
    predictions: bool = False
    trusted: tuple[str, ...] = ()


def run_trial(job: TrialJob) -> int:
    """Run a trial; what happens is in its folder, errors included.

    Returns:
        An exit code: 0, or as for tools.
    """
    trial = TrialFolder(job.folder)
    try:
        with trial.held():
            return _run(trial, job)
    except OSError as error:  # another process holds it, or where it stands cannot be written down
        print(f'error: {explain(error)}', file=sys.stderr, flush=True)
        return USAGE_ERROR


def _run(trial: TrialFolder, job: TrialJob) -> int:
    trial.set_state('running')
    try:
        with writing_into(job.folder, _SAFE), loss_of_a_worker_explained(_GO_ON):
            _train(trial, job)
    except Stopped as stop:
        return stop.exit_code  # 'running': it is resumed
    except Exception as error:  # whatever goes wrong in an arm is that arm's result
        logger.error(traceback.format_exc(), extra=dict(file_only=True))
        reason = explain(error)
        print(f'error: {reason}', file=sys.stderr, flush=True)
        Generations(job.folder).save_small(lambda: trial.set_state('failed', reason))
        return USAGE_ERROR
    return 0


def _train(trial: TrialFolder, job: TrialJob) -> None:
    config = read_run_config(trial.path, job.trusted)
    history = HistoryHook()
    resume = any(trial.path.glob('*.pth'))
    with FoldRun(config, trial.path, hooks=[history], resume=resume, changes=trial.facts.get('changes')) as run:
        untrained = _untrained(run, trial)
        ended = run.train(job.until)
        content = dict(
            epoch=run.trainer.epoch,
            metrics=_numbers(run.trainer.state.best.best),
            untrained=untrained,
            precision=run.precision,
            curve=[_numbers(line) for line in history.curve],
            costs=asdict(_costs(run, history)),
        )
        if ended:
            content['metrics'], content['per_image'] = _measure_best(run, job)
    trial.write_result(content)
    trial.set_state('done' if ended else 'paused')


def explain(error: Exception) -> str:
    """What went wrong, in a line."""
    text = without_addresses(str(error))
    if is_out_of_memory(error):
        return f'out of memory: {text}'
    return text if isinstance(error, ValueError | OSError) else f'{type(error).__name__}: {text}'


def _untrained(run: FoldRun, trial: TrialFolder) -> dict[str, float]:
    """The metrics of the first weights, which are those of the seed at each start."""
    known = trial.result().untrained
    if known:
        return dict(known)
    model, loader = run.model, run.trainer.validation
    model.to(default_device()).eval()
    metrics = evaluate(loader, model.val_step, build_evaluator(run.config.metrics))
    trial.write_result(dict(untrained=_numbers(metrics)))
    return _numbers(metrics)


def _measure_best(run: FoldRun, job: TrialJob) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Means and rows of each validation image, of one evaluation of best.pth; images are written as the job asks.

    Raises:
        ValueError: best.pth scores otherwise than it did when it was saved.
    """
    model, _, content = load_model(job.folder / BEST)
    model.to(default_device())
    evaluator = build_evaluator(run.config.metrics)
    dataset = run.trainer.validation.dataset

    def restore(batches: list[Batch]) -> list:
        outcomes = model.val_step(batches)
        if job.predictions:
            for outcome in outcomes:
                for index, name in enumerate(outcome.batch.names):
                    _write(job.folder / OUTPUTS / fitting(name, '.png'), outcome.pictures(index)['output'])
        return outcomes

    metrics = evaluate(run.trainer.validation, restore, evaluator)
    _check_same(metrics, content['metrics'], evaluator.ranking.name)
    numbers = {name: index for index, name in enumerate(dataset.photos.names)}
    for place, name in enumerate(job.pictures):
        if name in numbers:
            with torch.no_grad():
                outcome = model.val_step(collate_by_shape([dataset[numbers[name]]]))[0]
            for label, picture in outcome.pictures(0).items():
                _write(job.folder / PICTURES / f'{place}_{label}.png', picture)
    rows = {name: _numbers(row) for name, row in evaluator.rows.items()}
    return _numbers({**metrics, 'epoch': content['metrics']['epoch']}), rows


def _check_same(now: Mapping[str, Any], then: Mapping[str, Any], name: str) -> None:
    if not abs(now[name] - then[name]) <= _TOLERANCE:  # nor where it is not a number
        raise ValueError(
            f'best.pth has {name} {now[name]:.4f}, and had {then[name]:.4f} when it was saved: other weights, or '
            'photographs that have changed or cannot be read any more'
        )


def _write(path: Path, picture: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, picture)


def _costs(run: FoldRun, history: HistoryHook) -> Costs:
    return Costs(
        parameters=sum(parameter.numel() for parameter in run.model.layout.parameters()),
        images_per_second=history.images_per_second,
        peak_memory_mib=history.peak_memory_mib,
        wall_minutes=history.seconds / 60,
        gpu_minutes=history.gpu_seconds / 60,
    )


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a mapping."""
    return {key: value for key, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool)}
