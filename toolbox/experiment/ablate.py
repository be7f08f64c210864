"""Compares arms: trains each on the same photographs, folds, damage and seeds, and says how sure the difference is."""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toolbox.config.loading import config_text, dump_config
from toolbox.experiment.baselines import measure_baselines
from toolbox.experiment.outcome import PLAN, read_summary
from toolbox.experiment.plan import Plan, Trial, make_plan, trial_folder
from toolbox.experiment.preflight import RESULT, TryJob, read_tried, try_arm
from toolbox.experiment.progress import TrialProgress, WatchedTrial
from toolbox.experiment.results import Summary, TrialResult
from toolbox.experiment.tables import as_text, write_tables
from toolbox.experiment.trial import PRELOAD, TrialJob, run_trial
from toolbox.experiment.trials import TrialFolder
from toolbox.experiment.workers import build_engine
from toolbox.experiment.workers.engine import Engine, why_killed
from toolbox.system.cli import SOME_FAILED
from toolbox.system.disk_errors import make_folder, require_room, writing_into
from toolbox.system.environment import command, commit, write_record
from toolbox.system.files import remove_leftovers
from toolbox.system.locks import locked
from toolbox.system.paths import RUN_CONFIG
from toolbox.system.records import save_record
from toolbox.system.words import counted
from toolbox.training.hooks import clock
from toolbox.training.run_folder import LEAST_ROOM

WritePage = Callable[[Path, Summary, Sequence[TrialResult], Mapping[str, Any]], Path]

_TIMED_SECONDS, _TIMED_SHARE = 30.0, 0.1  # of a budget in minutes, the lesser of the two


def ablate(
    ablation: str,
    write_page: WritePage,
    data_root: str | None = None,
    work_dir: str | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    workers: int = 1,
    ray: str | None = None,
    rerun_failed: bool = False,
    stop_on_failure: bool = False,
    trust_plugins: bool = False,
) -> int:
    """Run an ablation, or go on with it, and print its table.

    Args:
        ablation: a config of axes.
        write_page: writes the page, given the folder, the summary, the results and the plan:
            `toolbox.report.ablation_page.write_page`.
        data_root: photographs; None: what the base config says.
        work_dir: the ablation's folder; None: `work_dirs/<ablation>[-sample]`. What is done in it is not repeated.
        options: values of the base config, for all arms.
        settings: values of the ablation's config.
        workers: trials at a time on this machine.
        ray: 'local' or the address of a Ray cluster that runs the trials; None: processes of this machine.
        rerun_failed: try once more what failed before.
        stop_on_failure: end at the first trial that fails, in place of going on with the others.
        trust_plugins: import what the `config.py` of a run folder lists, where arms start from one.

    Returns:
        0, or `SOME_FAILED` if trials failed.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: with what to type instead.
        Stopped: by a signal; the same command goes on.
    """
    plan = make_plan(ablation, data_root, options, settings, trust_plugins=trust_plugins)
    folder = Path(work_dir) if work_dir else Path('work_dirs') / (plan.name + ('-sample' if plan.sample else ''))
    make_folder(folder)
    with writing_into(folder, 'what is done is kept: the same command goes on'), locked(folder, 'an ablation'):
        remove_leftovers(folder)
        require_room(folder, LEAST_ROOM)
        engine = build_engine(workers, ray, plan.settings.resources, PRELOAD)
        run = _Run(plan, folder, engine, rerun_failed, stop_on_failure)
        run.announce()
        run.try_arms()
        run.train()
        return run.report(write_page)


class _Run:
    """One start of an ablation."""

    def __init__(self, plan: Plan, folder: Path, engine: Engine, rerun_failed: bool, stop_on_failure: bool) -> None:
        self.plan = plan
        self.folder = folder
        self.engine = engine
        self.rerun_failed = rerun_failed
        self.stop_on_failure = stop_on_failure
        self.not_tried: dict[str, str] = {}  # arms that failed on one batch, and why
        self.trials: list[Trial] = []
        self.commit = commit()

    def announce(self) -> None:
        """Say what will happen."""
        plan, settings = self.plan, self.plan.settings
        config = next(iter(plan.configs.values()))
        data = config.data.root or 'bundled sample photographs (small scale; for your own: --data-root DIR)'
        print(f'data: {data}')
        arms, seeds, folds = len(plan.arms), len(settings.seeds), len(plan.folds)
        print(
            f'{counted(arms, "arm")} x {counted(seeds, "seed")} x {counted(folds, "fold")} = '
            f'{counted(arms * seeds * folds, "trial")} in {self.folder}; '
            f'baseline: {plan.baseline}; {plan.budget_in_words()}'
        )

    def try_arms(self) -> None:
        """Train and validate one batch of each arm, where that has not been seen to work before."""
        places = {
            arm.name: self.folder / 'tried' / self.plan.identity(self.plan.configs[arm.name]) for arm in self.plan.arms
        }
        for arm in self.plan.arms:
            place = places[arm.name]
            if (place / RESULT).is_file() and (
                not (tried := read_tried(place)) or (self.rerun_failed and tried['reason'])
            ):
                (place / RESULT).unlink()
            place.mkdir(parents=True, exist_ok=True)
            dump_config(self.plan.configs[arm.name], place / RUN_CONFIG)
        minutes = self.plan.settings.budget.minutes
        timed = 0 if minutes is None else min(_TIMED_SECONDS, _TIMED_SHARE * 60 * minutes)
        jobs = [
            TryJob(places[arm.name], timed, tuple(self.plan.configs[arm.name].custom_imports))
            for arm in self.plan.arms
            if not (places[arm.name] / RESULT).is_file()
        ]
        if jobs:
            print(f'one batch of each arm: {len(jobs)} to try ...')
        for job, exit_code in self.engine.run(try_arm, jobs):
            if not (job.folder / RESULT).is_file():
                save_record(job.folder / RESULT, dict(reason=why_killed(exit_code)))
        for arm in self.plan.arms:
            tried = read_tried(places[arm.name])
            if tried.get('reason', '') or not tried:
                tried.setdefault('reason', f'{places[arm.name] / RESULT} cannot be read')
                self.not_tried[arm.name] = tried['reason']
                print(f'{arm.name}: fails on its first batch: {tried["reason"]}', file=sys.stderr)
            else:
                self.trials += self.plan.trials(arm, self._steps(tried))
        if self.not_tried and (self.stop_on_failure or not self.trials):
            arms = counted(len(self.not_tried), 'arm')
            raise ValueError(
                f'{arms} failed on the first batch; nothing was trained. Mend what is wrong and add --rerun-failed'
            )
        if self.plan.baseline in self.not_tried:
            print(f'the baseline, {self.plan.baseline}, fails: no differences can be told', file=sys.stderr)
        for trial in self.trials:
            self._create(trial)
        self._write_plan()

    def train(self) -> None:
        """Train all trials to the end, but for those of arms that successive halving drops on the way."""
        if self.rerun_failed:
            for trial in self.trials:
                folder = self._of(trial)
                if folder.state == 'failed':
                    folder.set_state('waiting')
        alive = list(dict.fromkeys(trial.arm for trial in self.trials))
        for until in (*self.plan.settings.halving.epochs, None):
            self._train_until(until, [trial for trial in self.trials if trial.arm in alive])
            if until is not None:
                alive = self._best(alive, until)

    def report(self, write_page: WritePage) -> int:
        """Write tables and the page, and print the table."""
        summary, results, plan = read_summary(self.folder)
        write_tables(self.folder, summary)
        page = write_page(self.folder, summary, results, plan)
        print(f'\n{as_text(summary)}\n')
        print(f'look: {page}   tables: table.csv, table.md, table.tex   trials: trials/')
        failed = sum(result.state == 'failed' for result in results)
        if failed:
            print(f'{counted(failed, "trial")} failed; mend what is wrong and add --rerun-failed', file=sys.stderr)
        return SOME_FAILED if failed else 0

    def _train_until(self, until: int | None, trials: Sequence[Trial]) -> None:
        todo = [trial for trial in trials if self._is_due(trial, until)]
        skipped = len(trials) - len(todo)
        if skipped:
            print(f'{skipped} of {len(trials)} trials were done before')
        pictures = self.plan.pictured()
        jobs = [
            TrialJob(trial_folder(self.folder, trial), until, pictures, trusted=tuple(trial.config.custom_imports))
            for trial in todo
        ]
        by_folder = {job.folder: trial for job, trial in zip(jobs, todo, strict=True)}
        started = time.monotonic()
        with TrialProgress(map(self._watched, todo), self.plan.ranking, _say) as progress:
            for number, (job, exit_code) in enumerate(self.engine.run(run_trial, jobs), start=1):
                progress.tell()
                folder = TrialFolder(job.folder)
                if folder.state in ('running', 'waiting'):  # it ended without a word
                    folder.refuse_held()
                    folder.set_state('failed', why_killed(exit_code))
                left = (time.monotonic() - started) / number * (len(jobs) - number)
                _say(f'[{number}/{len(jobs)}] {self._describe(by_folder[job.folder])}; {clock(left)} left')
                if folder.state == 'failed' and self.stop_on_failure:
                    raise ValueError(f'{job.folder} failed: {folder.reason}; what is done is kept')

    def _watched(self, trial: Trial) -> WatchedTrial:
        limits = trial.config.train_cfg
        return WatchedTrial(self._of(trial).path, str(trial), limits.max_epochs, limits.max_steps)

    def _is_due(self, trial: Trial, until: int | None) -> bool:
        folder = self._of(trial)
        is_behind = folder.state == 'paused' and (until is None or folder.epoch < until)
        return is_behind or folder.state in ('waiting', 'running')

    def _best(self, arms: Sequence[str], until: int) -> list[str]:
        """The arms that go on after an epoch; whole arms are dropped, so that those that stay are paired."""
        means = {}
        for arm in arms:
            results = [self._result(trial) for trial in self.trials if trial.arm == arm]
            scores = [self._score(result, until) for result in results if result.state != 'failed']
            means[arm] = sum(scores) / len(scores) if scores else -math.inf
        count = math.ceil(self.plan.settings.halving.keep * len(arms))
        best = sorted(arms, key=lambda arm: -means[arm])[:count]
        going_on = [arm for arm in arms if arm in best or arm == self.plan.baseline]
        for trial in self.trials:
            folder = self._of(trial)
            if trial.arm in arms and trial.arm not in going_on and folder.state == 'paused':
                folder.set_state('dropped', f'after epoch {until}: not among the best {count} of {len(arms)} arms')
        return going_on

    def _score(self, result: TrialResult, until: int) -> float:
        ranking, sign = self.plan.ranking, 1 if self.plan.higher_is_better else -1
        return max((sign * line[ranking] for line in result.curve if line['epoch'] <= until), default=-math.inf)

    def _describe(self, trial: Trial) -> str:
        result, ranking = self._result(trial), self.plan.ranking
        if result.state == 'failed':
            return f'{trial}: FAILED: {result.reason}'
        return (
            f'{trial}: {ranking} {result.metrics[ranking]:.4f} (untrained {result.untrained[ranking]:.4f}) '
            f'in {clock(60 * result.costs.wall_minutes)}'
        )

    def _create(self, trial: Trial) -> None:
        folder = self._of(trial)
        if self.rerun_failed:
            folder.drop_damaged(trial.place)
        if folder.facts or folder.damage:
            return
        facts = dict(command=command(), commit=self.commit, code=self.plan.code, data=self.plan.digest)
        folder.create(config_text(trial.config), trial.place | facts)
        write_record(folder.path)

    def _steps(self, tried: Mapping[str, Any]) -> int | None:
        minutes = self.plan.settings.budget.minutes
        return None if minutes is None else max(1, round(60 * minutes / tried['seconds_per_step']))

    def _result(self, trial: Trial) -> TrialResult:
        return self._of(trial).result(trial.place)

    def _of(self, trial: Trial) -> TrialFolder:
        return TrialFolder(trial_folder(self.folder, trial))

    def _write_plan(self) -> None:
        plan = self.plan
        config = next(iter(plan.configs.values()))
        facts = {
            'data': config.data.root or 'bundled sample photographs',
            'trained and validated on': f'fold {", ".join(map(str, plan.folds))} of {config.data.folds}, '
            f'validation on {counted(sum(map(len, plan.validation.values())), "photograph")}',
            'seeds': ', '.join(map(str, plan.settings.seeds)),
            'budget': plan.budget_in_words(),
            'images': f'{config.data.size} px, damage {config.data.val_mask.type}, frozen by seed {config.split_seed}',
            'code': f'{plan.code} ({self.commit or "no commit"})',
            'command': command(),
        }
        save_record(
            self.folder / PLAN,
            dict(
                title=plan.name,
                baseline=plan.baseline,
                ranking=plan.ranking,
                higher_is_better=plan.higher_is_better,
                arms=[asdict(arm) for arm in plan.arms],
                trials=[trial.name for trial in self.trials],
                known={trial.name: trial.place for trial in self.trials},
                not_tried=self.not_tried,
                seeds=list(plan.settings.seeds),
                folds=list(plan.folds),
                pictures=list(plan.pictured()),
                baselines=measure_baselines(plan, self.folder),
                facts=facts,
            ),
        )


def _say(line: str) -> None:
    print(line, flush=True)  # also where nobody but a file listens
