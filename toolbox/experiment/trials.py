"""Trials on disk: a folder each, with what it is, where it stands, and what came of it.

The files are all there is: whoever starts an experiment again, with whichever engine, finds there what is done.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolbox.experiment.results import Costs, TrialResult
from toolbox.files import read_json, write_json, write_text
from toolbox.locks import locked
from toolbox.paths import RUN_CONFIG

_STATE, _RESULT, _TRIAL = 'state.json', 'result.json', 'trial.json'
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
        self.path.mkdir(parents=True, exist_ok=True)
        if anew or not self._file(_TRIAL).is_file():
            write_text(self._file(RUN_CONFIG), config_text)
            write_json(self._file(_TRIAL), dict(facts))

    @property
    def facts(self) -> dict[str, Any]:
        """What `create` was told."""
        return _read(self._file(_TRIAL)) or {}

    @property
    def state(self) -> str:
        """`waiting`, `running` (or killed while it ran), `paused`, `done`, `failed` or `dropped`."""
        return (_read(self._file(_STATE)) or {}).get('state', 'waiting')

    @property
    def reason(self) -> str:
        """Why it failed or was dropped, in one line."""
        return str((_read(self._file(_STATE)) or {}).get('reason', ''))

    def set_state(self, state: str, reason: str = '') -> None:
        """Write down where the trial stands."""
        write_json(self._file(_STATE), dict(state=state, reason=' '.join(reason.split())))

    @property
    def epoch(self) -> int:
        """How many epochs its result has behind it."""
        return (_read(self._file(_RESULT)) or {}).get('epoch', 0)

    def write_result(self, content: Mapping[str, Any]) -> None:
        """Write down what came of it: `epoch` and fields of `TrialResult`."""
        write_json(self._file(_RESULT), dict(content))

    def result(self) -> TrialResult:
        """What is known of it now.

        Raises:
            ValueError: its files hold what no trial wrote.
        """
        facts, content, state = self.facts, _read(self._file(_RESULT)) or {}, self.state
        try:
            _check_facts(facts, state)
            for row in (content.get('metrics'), content.get('untrained'), content.get('costs')):
                _check_numbers({} if row is None else row)
            for row in (*content.get('curve', ()), *content.get('per_image', {}).values()):
                _check_numbers(row)
            costs = None if content.get('costs') is None else Costs(**content['costs'])
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f'{self.path}: its json files are not what a trial wrote ({error})') from error
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

    def _file(self, name: str) -> Path:
        return self.path / name


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    return read_json(path)


def _check_facts(facts: Mapping[str, Any], state: Any) -> None:
    types = [type(facts[name]) for name in ('arm', 'seed', 'fold')]
    if types != [str, int, int] or not isinstance(state, str):
        raise TypeError(f'arm, seed, fold and state: {facts["arm"]!r}, {facts["seed"]!r}, {facts["fold"]!r}, {state!r}')


def _check_numbers(row: Any) -> None:
    if not isinstance(row, Mapping) or not all(isinstance(value, int | float) for value in row.values()):
        raise TypeError(f'expected numbers by name, got {str(row)[:80]!r}')
