"""What trials are doing, said while they run: a line when one starts, and at each validation."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from toolbox.experiment.trials import TrialFolder
from toolbox.system.files import parse_json
from toolbox.training.hooks import clock

_POLL_SECONDS = 1.0


class WatchedTrial:
    """A trial, and how far it was when it was looked at last.

    Args:
        folder: of the trial.
        name: what it is called.
        max_epochs: it ends after these.
        max_steps: and after these, if not None.
    """

    def __init__(self, folder: Path, name: str, max_epochs: int, max_steps: int | None) -> None:
        self.folder, self.name = folder, name
        self.max_epochs, self.max_steps = max_epochs, max_steps
        self._is_running = False
        self._first: tuple[float, float] | None = None  # when it was first heard of, and how much of it was done
        self._scalars = folder / 'scalars.jsonl'
        self._read = self._scalars.stat().st_size if self._scalars.is_file() else 0

    def news(self, ranking: str) -> Iterator[str]:
        """Lines on what has happened since."""
        if not self._is_running:
            if TrialFolder(self.folder).state != 'running':
                return
            self._is_running = True
            yield f'{self.name}: started'
        for values in self._new_lines():
            share = self._share(values)
            if self._first is None:
                self._first = time.monotonic(), share
            if (key := f'val_{ranking}') in values:
                of = '' if self.max_steps is not None else f' of {self.max_epochs}'
                yield f'{self.name}: epoch {values.get("epoch")}{of}, {ranking} {values[key]:.4f}{self._left(share)}'

    def _share(self, values: Mapping[str, Any]) -> float:
        """How much of the trial is done, in [0, 1]."""
        shares = [values.get('epoch', 0) / self.max_epochs] if 'val_n' in values else []
        if self.max_steps is not None:
            shares.append(values.get('step', 0) / self.max_steps)
        return min(1.0, max(shares, default=0.0))

    def _left(self, share: float) -> str:
        began, before = self._first
        if share <= before:
            return ''
        return f', {clock((time.monotonic() - began) / (share - before) * (1 - share))} left of this trial'

    def _new_lines(self) -> list[dict[str, Any]]:
        try:
            with open(self._scalars, 'rb') as file:
                file.seek(self._read)
                text = file.read()
        except OSError:  # not there yet
            return []
        whole = text[: text.rfind(b'\n') + 1]
        self._read += len(whole)
        found = (parse_json(line) for line in whole.decode('utf-8', 'replace').splitlines())
        return [values for values in found if values is not None]


class TrialProgress:
    """Within, says what trials are doing, by what they write into their folders: whichever engine runs them.

    Args:
        trials: those that may run.
        ranking: the metric that is shown.
        say: takes a line; called from another thread.
    """

    def __init__(self, trials: Iterable[WatchedTrial], ranking: str, say: Callable[[str], None]) -> None:
        self._trials, self._ranking, self._say = list(trials), ranking, say
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> 'TrialProgress':
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def tell(self) -> None:
        """Say what is new."""
        with self._lock:
            for trial in self._trials:
                for line in trial.news(self._ranking):
                    self._say(line)

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            self.tell()
