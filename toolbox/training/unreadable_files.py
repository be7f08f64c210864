"""failures.csv: the photographs that could not be read, each once, with the reason; too many are an error."""

import csv
import logging
from collections.abc import Iterable
from pathlib import Path

from toolbox.plugin.types import Failure
from toolbox.system.disk_errors import is_full
from toolbox.system.files import append_rows

logger = logging.getLogger('huefill')

_COLUMNS = ('path', 'reason')


class FailureLedger:
    """Takes in what the loaders could not read.

    The loaders' workers hand failures on with their batches, so that this process alone writes the file.

    Args:
        path: the file; what an earlier start of the run wrote into it is read.
        num_photos: of the data set.
        max_share: of `num_photos` that may be unreadable.
    """

    def __init__(self, path: Path, num_photos: int, max_share: float) -> None:
        self.path = path
        self.num_photos = num_photos
        self.max_share = max_share
        self.seen: set[str] = set()
        self.waiting: list[tuple[str, str]] = []  # lines that a full disk has not taken yet
        if path.is_file():
            with path.open(newline='', encoding='utf-8', errors='surrogateescape') as file:
                self.seen = {row['path'] for row in csv.DictReader(file)}

    def add(self, failures: Iterable[Failure]) -> None:
        """Write down what is new.

        Raises:
            ValueError: more than the allowed share cannot be read.
        """
        new = {failure.path: failure for failure in failures if failure.path not in self.seen}
        if not new:
            return
        self.waiting += [(failure.path, failure.reason) for failure in new.values()]
        self._write()
        self.seen |= new.keys()
        for failure in new.values():
            logger.warning(f'cannot read {failure.path}: {failure.reason}')
        if len(self.seen) > self.max_share * self.num_photos:
            raise ValueError(
                f'{len(self.seen)} of {self.num_photos} photographs cannot be read, and data.max_unreadable='
                f'{self.max_share} allows {int(self.max_share * self.num_photos)}; they are listed in {self.path}. '
                'Raise data.max_unreadable and go on with --resume; or repair or remove them and start a new run'
            )

    def _write(self) -> None:
        """Append what waits; where the disk is full, it waits for the next time."""
        begun = self.path.is_file() and self.path.stat().st_size > 0
        try:
            append_rows(self.path, self.waiting if begun else [_COLUMNS, *self.waiting])
        except OSError as error:
            if not is_full(error):
                raise
        else:
            self.waiting.clear()
