"""The checkpoints of a run folder: last.pth, the one before it, best.pth; none goes before the next is proven."""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolbox.system.disk_errors import is_full
from toolbox.system.files import in_one_move, remove_leftovers, temporary_name, write_json
from toolbox.training.checkpoint import read_checkpoint, size_in_bytes, write_verified

logger = logging.getLogger('huefill')

LAST, PREVIOUS, BEST, DAMAGED = 'last.pth', 'previous.pth', 'best.pth', 'damaged.pth'
METRICS = 'metrics.json'
_SPENT = (DAMAGED, PREVIOUS)  # what goes first where there is no room
_MARGIN = 16 * 2**20  # for logs and pictures, and for what a file is larger than its tensors


class UnsavedWeights(OSError):
    """A run has trained what its checkpoints do not hold."""


class Generations:
    """Saves and finds the checkpoints of one run folder.

    Saving needs room for a third file beside last.pth and previous.pth. Where a disk has none, leftovers, damaged.pth
    and then previous.pth make room, if that is enough; else saving pauses with a warning, the files that are there
    stay, and each further save tries again. A best checkpoint that found no room is kept in memory until then, and
    no last.pth is written before it: what last.pth says of the best score is never ahead of best.pth.

    metrics.json says what best.pth scores. It goes before best.pth is replaced, and comes back at the end of a run.

    Args:
        folder: the run folder; it exists.

    Attributes:
        saved: epoch and step of last.pth, of those that this start wrote or goes on from; None: there is none.
        hindrance: why the newest save failed; '' where it did not.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paused = False
        self.saved: tuple[int, int] | None = None
        self.hindrance = ''
        self._unsaved_best: Mapping[str, Any] | None = None

    def check_space(self, last_bytes: int, best_bytes: int) -> None:
        """Raise an error unless the files of a run fit on the disk.

        Args:
            last_bytes: size of last.pth; at a save there are three of its kind.
            best_bytes: size of best.pth; at a save there are two.

        Raises:
            OSError: too little room, with how much is needed.
        """
        present = sum(path.stat().st_size for path in self.folder.glob('*.pth'))
        needed = 3 * last_bytes + 2 * best_bytes + _MARGIN - present
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise OSError(
                f'{self.folder}: its disk has {_shown(free)} free, and checkpoints need {_shown(needed)}; '
                'make room, or choose a folder on another disk by --work-dir'
            )

    def save_last(self, content: Mapping[str, Any]) -> bool:
        """Make `content` the newest generation; False where the disk had no room for it, or for the best of before."""
        if self._unsaved_best is not None and not self.save_best(self._unsaved_best):
            return False
        if not self._saved(size_in_bytes(content), lambda: self._rotate(content)):
            return False
        self.saved = content.get('epoch', 0), content.get('step', 0)
        return True

    def save_best(self, content: Mapping[str, Any]) -> bool:
        """Make `content` the best checkpoint; False where the disk had no room for it."""
        if self._saved(size_in_bytes(content), lambda: self._replace_best(content)):
            self._unsaved_best = None
            return True
        if content is not self._unsaved_best:
            # A copy: the tensors that `content` shares with the network go on changing.
            self._unsaved_best = _copied(content)
        return False

    def check_saved(self, epoch: int, step: int) -> None:
        """Raise UnsavedWeights where the checkpoints do not hold what was trained up to an epoch and a step."""
        if self._unsaved_best is not None:
            self.save_best(self._unsaved_best)
        loss = self.loss(epoch, step)
        if not loss and self._unsaved_best is not None:
            loss = f'the best weights, of epoch {self._unsaved_best["metrics"].get("epoch")}, are LOST'
        if loss:
            held = [f'last.pth is of epoch {self.saved[0]}, step {self.saved[1]}'] if self.saved else []
            best = self.best_metrics()
            held += [f'best.pth is of epoch {best.get("epoch")}'] if best else []
            raise UnsavedWeights(
                f'{self.folder}: {loss}: they could not be saved ({self.hindrance}). '
                f'{" and ".join(held) or "There is no checkpoint"}; mend that, then go on with --resume, which trains '
                'again what is lost'
            )

    def loss(self, epoch: int, step: int) -> str:
        """What would be lost if the run, at an epoch and a step, ended now: in words; '' for nothing."""
        before, saved_step = self.saved or (0, 0)
        if saved_step == step:
            return ''
        first = before + 1
        epochs = f'epoch {first} is' if epoch <= first else f'epochs {first} to {epoch} are'
        return f'{epochs} LOST, steps {saved_step + 1} to {step}'

    def what_is_saved(self, epoch: int, step: int) -> str:
        """Where a run that stops here goes on, for the message that it stops with.

        Args:
            epoch, step: how far it was trained.
        """
        lost = self.loss(epoch, step)
        if lost:
            return f', but {lost}: they could not be saved ({self.hindrance}); --resume trains them again'
        return f', which is saved in {self.folder}; --resume goes on from there'

    def save_small(self, save: Callable[[], None]) -> bool:
        """Let a small file be written, at the cost of what is spent; False where even so there is no room."""
        return self._with_room(0, save)

    def best_metrics(self) -> dict[str, Any] | None:
        """What best.pth says of its validation; None where there is none that can be read."""
        path = self.folder / BEST
        if not path.is_file():
            return None
        try:
            metrics = read_checkpoint(path).get('metrics')
        except ValueError as error:
            logger.warning(f'{error}')
            return None
        return dict(metrics) if isinstance(metrics, Mapping) else None

    def write_metrics(self) -> dict[str, Any]:
        """Write into metrics.json what best.pth says of its validation, and return it.

        Raises:
            OSError: there is no best.pth, or no room, even without previous.pth.
        """
        metrics = self.best_metrics()
        if not metrics:
            raise UnsavedWeights(
                f'{self.folder} has no {BEST}: no validation gave a score that is a number, or the file was removed; '
                'look at train.log'
            )
        if not self.save_small(lambda: write_json(self.folder / METRICS, metrics)):
            raise UnsavedWeights(f'{self.folder / METRICS}: {self.hindrance}; make room and add --resume')
        return metrics

    def newest(self) -> tuple[Path, dict[str, Any]] | None:
        """The newest checkpoint that can be read, with its content; None where the folder holds none.

        A damaged last.pth is reported, set aside, and the one before it taken.

        Raises:
            ValueError: checkpoints are there, and all are damaged.
        """
        problems = []
        for name in (LAST, PREVIOUS):
            path = self.folder / name
            if not path.is_file():
                continue
            try:
                content = read_checkpoint(path)
            except ValueError as error:
                problems.append(str(error))
                logger.warning(f'{error}')
                continue
            if problems:  # else the next save would make the damaged file the generation to fall back on
                aside = self.folder / DAMAGED
                os.replace(self.folder / LAST, aside)
                logger.warning(f'using {path}, the checkpoint before it; the damaged one is now {aside}')
            return path, content
        if problems:
            raise ValueError(
                f'{self.folder}: no checkpoint can be read: {"; ".join(problems)}; start anew with another --work-dir'
            )
        return None

    def _rotate(self, content: Mapping[str, Any]) -> None:
        """Write the new generation beside the old ones, and move it in once it is proven."""
        last, link = self.folder / LAST, self.folder / temporary_name()
        try:
            with in_one_move(last) as file:
                write_verified(content, file)
                if last.is_file():
                    try:
                        os.link(last, link)  # so that there is a last.pth at every moment
                        os.replace(link, self.folder / PREVIOUS)
                    except OSError:  # a file system without hard links
                        os.replace(last, self.folder / PREVIOUS)
        finally:
            link.unlink(missing_ok=True)

    def _replace_best(self, content: Mapping[str, Any]) -> None:
        with in_one_move(self.folder / BEST) as file:
            write_verified(content, file)
            (self.folder / METRICS).unlink(missing_ok=True)  # it speaks of the best.pth of before

    def _with_room(self, needed: int, save: Callable[[], None]) -> bool:
        """Save, where there is no room at the cost of what is spent; whether it went well."""
        while True:
            free, error = shutil.disk_usage(self.folder).free, None
            if free >= needed:
                try:
                    save()
                    break
                except OSError as caught:
                    if not is_full(caught):
                        raise
                    error = caught
            if not self._made_room(free, needed, error):
                self.hindrance = _reason(error, free, needed)
                return False
        self.hindrance = ''
        return True

    def _made_room(self, free: int, needed: int, error: OSError | None) -> bool:
        """Delete the next file that is spent; False where there is none, or all of them are not enough."""
        if error is not None and error.errno == errno.EFBIG:  # the file would be too large on an empty disk, too
            return False
        if remove_leftovers(self.folder, below=False):
            return True
        spent = [path for path in (self.folder / name for name in _SPENT) if path.is_file()]
        # A quota does not show in what is free: then whether it is enough is seen by trying.
        enough = error is not None or free + sum(path.stat().st_size for path in spent) >= needed
        if not spent or not enough:
            return False
        spent[0].unlink()
        logger.warning(f'{self.folder}: the disk is full: {spent[0].name} was removed to make room for newer weights')
        return True

    def _saved(self, needed: int, save: Callable[[], None]) -> bool:
        """As `_with_room`, and say when saving pauses and when it goes on."""
        saved = self._with_room(needed, save)
        if self.paused and saved:
            logger.warning(f'{self.folder}: there is room again: saving goes on')
        elif not self.paused and not saved:
            logger.warning(
                f'{self.folder}: {self.hindrance}: training goes on WITHOUT SAVING until there is room; '
                'the checkpoints that are there stay'
            )
        self.paused = not saved
        return saved


def _reason(error: OSError | None, free: int, needed: int) -> str:
    if error is None:
        return f'its disk has {_shown(free)} free, and a checkpoint needs {_shown(needed)}'
    reason = error.strerror or str(error)
    return f'{reason}, by a limit on the size of files (ulimit -f)' if error.errno == errno.EFBIG else reason


def _copied(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _copied(value) for key, value in content.items()}
    return content.detach().cpu().clone() if hasattr(content, 'detach') else content


def _shown(size: int) -> str:
    return f'{max(0, size) / 2**20:.0f} MiB'
