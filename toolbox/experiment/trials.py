"""Trials on disk: a folder each, with what it is, where it stands, and what came of it.

The files are all there is: whoever starts an experiment again, with whichever engine, finds there what is done.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from toolbox.experiment.results import Costs, TrialResult
from toolbox.system.disk_errors import make_folder
from toolbox.system.files import write_text
from toolbox.system.locks import locked, refuse_locked
from toolbox.system.paths import RUN_CONFIG
from toolbox.system.records import Damaged, read_record, save_record

_STATE, _RESULT, _TRIAL = 'state.json', 'result.json', 'trial.json'
_NUMBERS = dict[str, float]
_FIELDS: dict[str, dict[str, Any]] = {
    _TRIAL: dict(arm=str, seed=int, fold=int, changes=dict[str, Any]),
    _STATE: dict(state=Literal['waiting', 'running', 'paused', 'done', 'failed', 'dropped'], reason=str),
    _RESULT: dict(
        epoch=int,
        metrics=_NUMBERS,
        untrained=_NUMBERS,
        precision=str,
        curve=list[_NUMBERS],
        per_image=dict[str, _NUMBERS],
        costs=dict[str, float] | None,
    ),
}
_NEEDED = {_TRIAL: ('arm', 'seed', 'fold'), _STATE: ('state',)}
_GO_ON = 'the same command with --rerun-failed (of folds: --resume) goes on from the checkpoints'
_LOCK_WAIT = 30  # seconds that a killed trial may take to die


class TrialFolder:
    """One trial's folder.

    Args:
        path: `config.py` in it is the resolved config; training makes a run folder of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, config_text: str, facts: Mapping[str, Any], anew: bool = False) -> None:
        """Make the folder, unless it is there.

        Args:
            config_text: the resolved config.
            facts: `arm`, `seed`, `fold`, and what else is to be known of it.
            anew: write down both once more if it is there.
        """
        make_folder(self.path)
        if anew or not self._file(_TRIAL).is_file():
            write_text(self._file(RUN_CONFIG), config_text)
            save_record(self._file(_TRIAL), dict(facts))

    @property
    def facts(self) -> dict[str, Any]:
        """What `create` was told; {} where that is damaged."""
        return self._read(_TRIAL)

    @property
    def state(self) -> str:
        """`waiting`, `running` (or killed while it ran), `paused`, `done`, `failed` or `dropped`.

        A trial with a damaged record has failed.
        """
        return 'failed' if self.damage else self._read(_STATE).get('state', 'waiting')

    @property
    def reason(self) -> str:
        """Why it failed or was dropped, in one line."""
        return self.damage or self._read(_STATE).get('reason', '')

    @property
    def damage(self) -> str:
        """Which of its records is damaged, what is wrong with it and how to go on; '' if none is."""
        return next((problem for problem in map(self._problem, _FIELDS) if problem), '')

    def drop_damaged(self, known: Mapping[str, Any]) -> None:
        """Remove the records that are damaged, so that the trial is run again.

        Args:
            known: `arm`, `seed` and `fold`, as the plan has them.
        """
        damaged = [name for name in _FIELDS if self._problem(name)]
        damaged += [_TRIAL] if not damaged and self._differs(known) else []
        for name in damaged:
            self._file(name).unlink()
        if damaged:
            self.set_state('waiting')

    def set_state(self, state: str, reason: str = '') -> None:
        """Write down where the trial stands."""
        save_record(self._file(_STATE), dict(state=state, reason=' '.join(reason.split())))

    @property
    def epoch(self) -> int:
        """How many epochs its result has behind it."""
        return self._read(_RESULT).get('epoch', 0)

    def write_result(self, content: Mapping[str, Any]) -> None:
        """Write down what came of it: `epoch` and fields of `TrialResult`."""
        save_record(self._file(_RESULT), dict(content))

    def result(self, known: Mapping[str, Any] | None = None) -> TrialResult:
        """What is known of it now; of a trial with a damaged record that it failed, and why.

        Args:
            known: `arm`, `seed` and `fold`, if they are known from elsewhere: they stand in for a damaged trial.json.

        Raises:
            Damaged: trial.json, and nothing stands in for it.
            Newer: a newer version wrote a record.
        """
        damage, facts = self.damage or self._differs(known), known or self.facts
        if not facts:
            raise Damaged(damage or f'{self._file(_TRIAL)}: there is no such file; {_GO_ON}')
        if damage:
            return TrialResult(facts['arm'], facts['seed'], facts['fold'], 'failed', damage, folder=self.path)
        content, state = self._read(_RESULT), self.state
        costs = None if content.get('costs') is None else Costs(**content['costs'])
        return TrialResult(
            arm=facts['arm'],
            seed=facts['seed'],
            fold=facts['fold'],
            state='running' if state == 'paused' else state,
            reason=self.reason,
            metrics=content.get('metrics', {}),
            untrained=content.get('untrained', {}),
            per_image=content.get('per_image', {}),
            precision=content.get('precision', ''),
            curve=content.get('curve', ()),
            costs=costs,
            folder=self.path,
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, no other process runs this trial; one that was killed gets a moment to die.

        Raises:
            OSError: another process runs it.
        """
        with locked(self.path, f'trial {self.path.name}', wait=_LOCK_WAIT):
            yield

    def refuse_held(self) -> None:
        """Raise FileExistsError if another process runs this trial."""
        refuse_locked(self.path, f'trial {self.path.name}', '--work-dir')

    def _differs(self, known: Mapping[str, Any] | None) -> str:
        facts, path = self.facts, self._file(_TRIAL)
        different = [key for key in known or () if facts and facts[key] != known[key]]
        if not different:
            return ''
        key = different[0]
        return f'{path}: damaged: {key} is {facts[key]!r}, and {known[key]!r} in the plan; {_GO_ON}'

    def _problem(self, name: str) -> str:
        try:
            self._checked(name)
        except Damaged as error:
            return str(error)
        return ''

    def _read(self, name: str) -> dict[str, Any]:
        """A record; {} where there is none, or a damaged one."""
        try:
            return self._checked(name)
        except Damaged:
            return {}

    def _checked(self, name: str) -> dict[str, Any]:
        path = self._file(name)
        content = read_record(path, _FIELDS[name], _GO_ON, _NEEDED.get(name, ())) if path.is_file() else {}
        costs = content.get('costs')
        if costs is not None and costs.keys() != {field.name for field in fields(Costs)}:
            raise Damaged(f'{path}: damaged: costs are of {", ".join(costs) or "nothing"}; {_GO_ON}')
        return content

    def _file(self, name: str) -> Path:
        return self.path / name
