"""All folds of a config, each a trial: resumable one by one, and together an out-of-fold score and an ensemble."""

import logging
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from toolbox.config.loading import config_text
from toolbox.experiment.results import TrialResult
from toolbox.experiment.trial import OUTPUTS, PRELOAD, TrialJob, run_trial
from toolbox.experiment.trials import TrialFolder
from toolbox.experiment.workers.processes import LocalEngine
from toolbox.plugin.registry import METRICS
from toolbox.system.files import write_json, write_rows, write_text
from toolbox.system.paths import command
from toolbox.system.tables import score_table
from toolbox.training.checkpoint_rotation import Generations
from toolbox.training.resuming import UNSEEN, check_resumable
from toolbox.training.run_folder import trust_option
from toolbox.training.train import config_before

logger = logging.getLogger('huefill')


def train_folds(config: Config, folder: Path, changes: Mapping[str, Any] | None = None) -> list[Path]:
    """Train each fold that is not done yet, and put together what they say.

    Args:
        config: a complete config.
        folder: gets `fold_0`, `fold_1`, ..., `folds.csv` (a row per fold), `out_of_fold.csv` (a row per photograph),
            `metrics.json` (the mean over all photographs) and `checkpoints.txt`. Nobody else works in it.
        changes: what the config has otherwise than its file, to be recorded.

    Returns:
        The folds' run folders.

    Raises:
        ValueError: a fold failed; the others are kept, and `--resume` repeats it alone. Or the folds that are there
            were trained with other values.
        Stopped: by a signal, after a save.
    """
    config = config.copy()
    trials = []
    for fold in range(config.data.folds):
        config.fold = fold
        trials.append(TrialFolder(folder / f'fold_{fold}'))
        _check_begun(trials[-1], config)
    for fold, trial in enumerate(trials):
        config.fold = fold
        facts = dict(arm='', seed=config.seed, fold=fold, changes=dict(changes or {}))
        trial.create(config_text(config), facts, anew=trial.state != 'done')
    options = dict(predictions=config.save_out_of_fold, trusted=tuple(config.custom_imports))
    jobs = [TrialJob(trial.path, **options) for trial in trials if trial.state != 'done']
    for job, exit_code in LocalEngine(preload=PRELOAD, quiet=False).run(run_trial, jobs):
        trial = TrialFolder(job.folder)
        if trial.state != 'done':
            reason = f'{job.folder.name} did not end well: {trial.reason or f"exit code {exit_code}"}'
            kept = any(folder.glob('fold_*/*.pth'))
            how = f'mend that, then add --work-dir {folder} --resume: finished folds are kept'
            raise ValueError(f'{reason}; {how}' if kept else reason)
    _put_together(config, folder, [trial.result() for trial in trials])
    return [trial.path for trial in trials]


def _check_begun(trial: TrialFolder, config: Config) -> None:
    """Raise ValueError where a fold has a checkpoint of other values: folds are trained alike."""
    found = Generations(trial.path).newest() if trial.path.is_dir() else None
    if found is not None:
        before = config_before(*found, config).to_dict()
        check_resumable(before, config.to_dict(), trial.path, allowed=UNSEEN)


def _put_together(config: Config, folder: Path, results: Sequence[TrialResult]) -> None:
    metrics = [METRICS.build(metric) for metric in config.metrics]
    rows = {name: row for result in results for name, row in result.per_image.items()}
    together: dict[str, Any] = {}
    for metric in metrics:
        together.update(metric.reduce([rows[name] for name in sorted(rows)]))
    write_json(folder / 'metrics.json', dict(**together, folds=len(results)))
    columns = list(next(iter(rows.values())))
    fold_of = {name: result.fold for result in results for name in result.per_image}
    write_rows(
        folder / 'out_of_fold.csv',
        [
            ['image', 'fold', *columns],
            *([name, fold_of[name], *(rows[name].get(column, '') for column in columns)] for name in sorted(rows)),
        ],
    )
    parts = list(results[0].metrics)
    write_rows(
        folder / 'folds.csv',
        [
            ['fold', *parts, 'checkpoint'],
            *(
                [result.fold, *(result.metrics[part] for part in parts), f'fold_{result.fold}/best.pth']
                for result in results
            ),
        ],
    )
    checkpoints = [str(result.folder / 'best.pth') for result in results]
    write_text(folder / 'checkpoints.txt', '\n'.join(checkpoints) + '\n')
    _show(folder, results, together, config)


def _show(folder: Path, results: Sequence[TrialResult], together: dict[str, Any], config: Config) -> None:
    table: dict[str, dict[str, float]] = {f'fold {result.fold}': dict(result.metrics) for result in results}
    names = [name for name, value in results[0].metrics.items() if isinstance(value, float)]
    columns = {name: [result.metrics[name] for result in results] for name in names}
    table['mean of folds'] = {name: statistics.fmean(values) for name, values in columns.items()}
    table['std of folds'] = {name: statistics.stdev(values) for name, values in columns.items()}
    table['all photos, out of fold'] = {name: together[name] for name in names}
    print(f'\n{score_table(table)}\n')
    print(f'result: {folder}  (folds.csv, out_of_fold.csv, metrics.json)')
    if config.save_out_of_fold:
        print(f'each photo restored by the fold that did not train on it: {folder}/fold_*/{OUTPUTS}/')
    print(f'restore with all of them: {command("infer")} {folder} --input PHOTOS --out restored{trust_option(config)}')
