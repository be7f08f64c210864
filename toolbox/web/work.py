"""One person's photographs on the page: what was read, where the holes are, what was restored.

Knows nothing of the page. Nothing here is shared between people but the models.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from toolbox.images.io import UnreadableImage, write_png
from toolbox.images.mask_files import Mask
from toolbox.infer.listing import output_names
from toolbox.infer.outputs import write_zip
from toolbox.infer.photo_file import PhotoFile, read_photo_file
from toolbox.infer.restorer import Predicted, Restorer

# The longer side of what the browser is shown; files have the photograph's size.
SHOWN_SIDE = 1280
# What networks said is kept for another strength of color, of the latest photographs that fit into this.
KEPT_BYTES = 2**28


class Look(NamedTuple):
    """How a photograph's colors are read; None for what the model's config says."""

    strength: float = 1.0
    colors: str | None = None


@dataclass
class Item:
    """One photograph.

    Attributes:
        name: what its file was called.
        output: what its output is called.
        file: what was read.
        hole: uint8 (H, W) in {0, 1}.
        confidence: of the finder, in [0, 1]; None where a person decided.
        look: how its colors are read.
        restored: its PNG, or None where it is not restored as it is now.
        shown: the restored photograph as the browser shows it, in color and in gray.
        notes: what a person should know.
    """

    name: str
    output: str
    file: PhotoFile
    hole: np.ndarray
    confidence: float | None = None
    look: Look = field(default_factory=Look)
    restored: Path | None = None
    shown: tuple[Image.Image, Image.Image] | None = None
    notes: tuple[str, ...] = ()
    predicted: Predicted | None = None

    @property
    def share(self) -> float:
        """The share of the photograph that is hole."""
        return float(self.hole.mean())

    def damaged(self) -> Image.Image:
        """The photograph as the browser shows it."""
        return shown(Image.fromarray(self.file.gray))


@dataclass
class Work:
    """All that the page knows of one person.

    Attributes:
        home: the folder below which outputs are written.
        items: photographs, in the order in which they came.
        current: the number of the one that is shown.
        failures: files that could not be read, and why, in words.
        folder: where outputs are written; removed with `close`.
        has_readings: whether the model that restored last lets a person choose strength and kind of color.
    """

    home: Path
    items: list[Item] = field(default_factory=list)
    current: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    has_readings: bool = True

    @property
    def item(self) -> Item:
        """The photograph that is shown."""
        return self.items[self.current]

    @property
    def waiting(self) -> list[Item]:
        """Photographs that are not restored."""
        return [item for item in self.items if item.restored is None]

    def add(self, paths: Sequence[Path], restorer: Restorer, max_pixels: int, keep: bool = False) -> None:
        """Read photographs and find their holes; what cannot be read is in `failures`.

        Args:
            paths: files.
            restorer: whose finder looks for holes.
            max_pixels: larger photographs are refused.
            keep: leave the files; else they are removed as soon as they are read.
        """
        self.failures = {}
        first = len(self.items)
        for path in paths:
            try:
                file = read_photo_file(path, max_pixels=max_pixels)
                self.items.append(_found(Item(path.name, '', file, np.zeros_like(file.gray)), restorer))
            except UnreadableImage as error:
                self.failures[path.name] = error.reason
            finally:
                if not keep:
                    path.unlink(missing_ok=True)
        names = output_names([_numbered(item.name, self.items[:i]) for i, item in enumerate(self.items)])
        for item, output in zip(self.items, names, strict=True):
            item.output = item.output or output
        self.current = min(first, max(0, len(self.items) - 1))

    def find_holes(self, restorer: Restorer) -> None:
        """Look again, with another model's finder, where nobody has decided; outputs of the former are gone."""
        for item in self.items:
            if item.confidence is not None:
                _found(item, restorer)
            _forget(item)

    def find_hole(self, restorer: Restorer) -> None:
        """Look for the hole of the photograph that is shown, whatever was painted."""
        _forget(_found(self.item, restorer))

    def no_hole(self) -> None:
        """A person says that there is none."""
        self.item.hole, self.item.confidence = np.zeros_like(self.item.hole), None
        _forget(self.item)

    def paint(self, painted: np.ndarray) -> None:
        """Take over a hole that was painted at the size at which the browser shows the photograph.

        Only what differs from the hole as it was shown is changed: the rest stays exact to the pixel.

        Args:
            painted: bool (h, w).
        """
        item = self.item
        before = shown_hole(item.hole)
        painted = _resized(painted.astype(np.uint8), before.shape)
        if np.array_equal(painted, before):
            return
        changed = _resized((painted != before).astype(np.uint8), item.hole.shape)
        item.hole = np.where(changed > 0, _resized(painted, item.hole.shape), item.hole)
        item.confidence = None
        _forget(item)

    def restore(self, restorer: Restorer) -> Iterator[tuple[int, int]]:
        """Restore what is waiting; a caller may stop after any step, and nothing is half done.

        Yields:
            Passes through networks that are done, and all of them as far as it can be told.
        """
        waiting, done = self.waiting, 0
        for number, item in enumerate(waiting):
            for of_item, total in self._predict(item, restorer):
                yield done + of_item, done + total * (len(waiting) - number)
            done += total
            self.read(item, restorer)

    def read(self, item: Item, restorer: Restorer) -> None:
        """Make colors of what the networks said, and write the output: what `infer` writes with these options."""
        self.has_readings = restorer.has_readings
        reading = item.look._asdict() if self.has_readings else {}
        restoration = restorer.finish(item.predicted, **reading)
        self.folder = self.folder or Path(tempfile.mkdtemp(prefix='restored-', dir=self.home))
        path = self.folder / item.output
        write_png(path, restoration.pixels, alpha=item.file.alpha, metadata=item.file.metadata, quick=True)
        picture = Image.fromarray(restoration.pixels)
        item.shown = shown(picture), shown(picture.convert('L'))
        item.restored, item.notes = path, restoration.notes
        self._keep_latest(item)

    def look(self, look: Look, restorer: Restorer) -> Iterator[tuple[int, int]]:
        """Read the photograph that is shown in another way; networks run only if what they said was not kept."""
        item = self.item
        item.look = look
        if item.predicted is None:
            yield from self._predict(item, restorer)
        self.read(item, restorer)

    def zip(self) -> Path:
        """All outputs as one file."""
        path = self.folder / 'restored.zip'
        with path.open('wb') as file:
            write_zip(file, [item.restored for item in self.items if item.restored])
        return path

    def close(self) -> None:
        """Remove what was written."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.items, self.failures, self.folder, self.current = [], {}, None, 0

    def _predict(self, item: Item, restorer: Restorer) -> Iterator[tuple[int, int]]:
        photo = restorer.prepare(item.file, Mask(item.hole))
        for done, total, predicted in restorer.predict(photo):
            item.predicted = predicted if done == total else None
            yield done, total

    def _keep_latest(self, latest: Item) -> None:
        """Keep what networks said as far as there is room, that of the latest photograph first."""
        room = KEPT_BYTES
        for item in [latest, *(item for item in reversed(self.items) if item is not latest)]:
            if item.predicted is not None:
                room -= item.predicted.num_bytes
                item.predicted = item.predicted if room >= 0 else None


def shown(picture: Image.Image) -> Image.Image:
    """A picture reduced to what the browser is shown; smaller ones stay as they are."""
    width, height = _shown_size(*picture.size)
    return picture if picture.size == (width, height) else picture.resize((width, height), Image.Resampling.LANCZOS)


def shown_hole(hole: np.ndarray) -> np.ndarray:
    """A hole at the size at which the browser shows the photograph: uint8 (h, w) in {0, 1}."""
    width, height = _shown_size(*hole.shape[::-1])
    return _resized(hole, (height, width))


def _shown_size(width: int, height: int) -> tuple[int, int]:
    factor = min(1, SHOWN_SIDE / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _resized(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if mask.shape == shape:
        return mask
    return np.array(Image.fromarray(mask).resize(shape[::-1], Image.Resampling.NEAREST))


def _found(item: Item, restorer: Restorer) -> Item:
    found = restorer.finder(item.file.gray)
    item.hole, item.confidence = found.mask.astype(np.uint8), found.confidence
    return item


def _forget(item: Item) -> None:
    item.restored = item.shown = item.predicted = None


def _numbered(name: str, before: Sequence[Item]) -> str:
    """A name that no photograph before has."""
    taken, path, number = {item.name for item in before}, Path(name), 2
    chosen = name
    while chosen in taken:
        chosen, number = f'{path.stem}-{number}{path.suffix}', number + 1
    return chosen
