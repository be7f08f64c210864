"""The checkpoints of a run folder: last.pth, the one before it, best.pth; none goes before the next is proven."""

import errno
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolbox.engine.checkpoint import read_checkpoint, save_checkpoint, size_in_bytes, sync_folder, write_verified

logger = logging.getLogger('huefill')

LAST, PREVIOUS, BEST = 'last.pth', 'previous.pth', 'best.pth'
_MARGIN = 16 * 2**20  # for logs and pictures, and for what a file is larger than its tensors


class Generations:
    """Saves and finds the checkpoints of one run folder.

    Saving needs room for a third file beside last.pth and previous.pth. Where a disk has none, saving pauses with a
    warning, and the files that are there stay; a best checkpoint that found no room is kept in memory and tried again.

    Args:
        folder: the run folder; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paused = False
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
        """Make `content` the newest generation; False where the disk had no room for it."""
        if self._unsaved_best is not None:
            self.save_best(self._unsaved_best)
        return self._with_room(content, self._rotate)

    def save_best(self, content: Mapping[str, Any]) -> bool:
        """Make `content` the best checkpoint; False where the disk had no room for it."""
        saved = self._with_room(content, lambda content: save_checkpoint(content, self.folder / BEST))
        # A copy: the tensors that `content` shares with the network go on changing.
        self._unsaved_best = None if saved else _copied(content)
        return saved

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
                aside = self.folder / 'damaged.pth'
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
        temporary = self.folder / f'.{LAST}.{os.getpid()}.tmp'
        link = self.folder / f'.{PREVIOUS}.{os.getpid()}.tmp'
        last = self.folder / LAST
        try:
            write_verified(content, temporary)
            if last.is_file():
                try:
                    os.link(last, link)  # so that there is a last.pth at every moment
                    os.replace(link, self.folder / PREVIOUS)
                except OSError:  # a file system without hard links
                    os.replace(last, self.folder / PREVIOUS)
            os.replace(temporary, last)
            sync_folder(self.folder)
        finally:
            temporary.unlink(missing_ok=True)
            link.unlink(missing_ok=True)

    def _with_room(self, content: Mapping[str, Any], save: Any) -> bool:
        free, needed = shutil.disk_usage(self.folder).free, size_in_bytes(content) + _MARGIN
        if free < needed:
            self._pause(f'its disk has {_shown(free)} free, and a checkpoint needs {_shown(needed)}')
            return False
        try:
            save(content)
        except OSError as error:
            if not is_full(error):
                raise
            self._pause(error.strerror)
            return False
        if self.paused:
            logger.warning(f'{self.folder}: there is room again: saving goes on')
        self.paused = False
        return True

    def _pause(self, reason: str) -> None:
        if not self.paused:
            logger.warning(
                f'{self.folder}: {reason}: training goes on WITHOUT SAVING until there is room; '
                'the checkpoints that are there stay'
            )
        self.paused = True


def is_full(error: OSError) -> bool:
    """Whether an error means that a disk or a quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of saves that a kill cut short."""
    for path in folder.glob('.*.pth.*.tmp'):
        path.unlink(missing_ok=True)


def _copied(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _copied(value) for key, value in content.items()}
    return content.detach().cpu().clone() if hasattr(content, 'detach') else content


def _shown(size: int) -> str:
    return f'{max(0, size) / 2**20:.0f} MiB'
