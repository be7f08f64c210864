"""Many photographs: in batches that depend on the list alone, read ahead and written behind, failures listed.

With another batch around it, a photograph can come out different by a rounding error. So a resumed job makes the very
batches that an uninterrupted one makes: those that are complete are skipped, the others are restored as a whole.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolbox.images.io import MAX_PIXELS, UnreadableImage, read_size, write_png
from toolbox.images.mask_files import Mask
from toolbox.infer.listing import ListedPhoto
from toolbox.infer.outputs import Outputs
from toolbox.infer.photo import PreparedPhoto
from toolbox.infer.photo_file import read_photo_file
from toolbox.infer.restorer import Restoration, Restorer
from toolbox.system.disk_errors import make_folder

# Of the photographs of a batch together. In memory are the batch at work, the one being read and the one being written.
BATCH_PIXELS = 64_000_000
# While models are loaded one at a time, one loading serves this many batches.
_BATCHES_PER_LOADING = 8
_THREADS = 4  # for reading and writing; both let go of the interpreter for the most part

# A photograph and its gray, uint8 (H, W) -> its hole; None: to be found.
ReadMask = Callable[[ListedPhoto, np.ndarray], Mask | None]


@dataclass
class Summary:
    """How a job went.

    Attributes:
        restored: photographs restored now.
        skipped: photographs that were left alone, their outputs being there.
        failed: photographs that could not be restored, in words, by name.
        notes: which photographs a note is about: how many, and the first few names.
    """

    restored: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    notes: Counter = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, name: str, notes: Sequence[str]) -> None:
        """Count a photograph's notes."""
        for text in notes:
            self.notes[text] += 1
            if len(self.examples[text]) < 3:
                self.examples[text].append(name)


@dataclass
class Job:
    """Photographs, the restorer, and where the results go.

    Attributes:
        photos: what is to be restored.
        restorer: how.
        outputs: where to.
        read_mask: where holes come from.
        batch_size: at most this many photographs go through the networks together.
        masks: the folder where holes are written, or None.
        keep_metadata: whether outputs get the EXIF and the color profile of their photographs.
        max_pixels: larger photographs are refused.
        progress: told how many photographs more were dealt with.
    """

    photos: Sequence[ListedPhoto]
    restorer: Restorer
    outputs: Outputs
    read_mask: ReadMask
    batch_size: int
    masks: Path | None = None
    keep_metadata: bool = False
    max_pixels: int = MAX_PIXELS
    progress: Callable[[int], None] = lambda _: None
    summary: Summary = field(default_factory=Summary)

    def run(self) -> Summary:
        """Restore all that is not there yet."""
        pool = ThreadPoolExecutor(_THREADS)
        writing: list[Future] = []
        try:
            for batches in self._read_ahead(pool):
                restorations = self.restorer.restore_batches([list(batch.values()) for batch in batches])
                _wait_for(writing)  # the files of the batches before: no more than these wait in memory
                for batch, restored in zip(batches, restorations, strict=True):
                    for (listed, photo), restoration in zip(batch.items(), restored, strict=True):
                        self.progress(0 if self._has(listed) else 1)
                        writing.append(pool.submit(self._write, listed, photo, restoration))
                        self.summary.note(listed.name, restoration.notes)
                        self.summary.restored += 1
            _wait_for(writing)
        finally:
            pool.shutdown(cancel_futures=True)  # waits for files that are being written
        return self.summary

    def _read_ahead(self, pool: ThreadPoolExecutor) -> Iterator[list[dict[ListedPhoto, PreparedPhoto]]]:
        """Batches as they are to be restored; the next ones are being read meanwhile."""
        before: list[dict[ListedPhoto, Future]] = []
        for planned in self._unfinished():
            ahead = [{photo: pool.submit(self._read, photo) for photo in batch} for batch in planned]
            if before:
                yield [self._readable(batch) for batch in before]
            before = ahead
        if before:
            yield [self._readable(batch) for batch in before]

    def _unfinished(self) -> Iterator[list[list[ListedPhoto]]]:
        """Planned batches that lack an output; several where one loading of the models is to serve them."""
        together = 1 if self.restorer.ensemble.stays_loaded else _BATCHES_PER_LOADING
        waiting: list[list[ListedPhoto]] = []
        for batch in plan_batches(self.photos, self.batch_size, self.max_pixels):
            if all(map(self._has, batch)):
                self.summary.skipped += len(batch)
                continue
            waiting.append(batch)
            if len(waiting) == together:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _has(self, listed: ListedPhoto) -> bool:
        return self.outputs.has(listed, self.masks)

    def _readable(self, batch: Mapping[ListedPhoto, Future]) -> dict[ListedPhoto, PreparedPhoto]:
        """The photographs of a batch that can be read, all of them if one lacks its output, else none."""
        photos = {}
        for listed, future in batch.items():
            read = future.result()
            if isinstance(read, PreparedPhoto):
                photos[listed] = read
            else:
                self.summary.failed[listed.name] = read.reason
                self.outputs.list_failure(listed.name, read.reason)
                self.progress(1)
        if all(map(self._has, photos)):
            self.summary.skipped += len(photos)
            return {}
        return photos

    def _read(self, listed: ListedPhoto) -> PreparedPhoto | UnreadableImage:
        try:
            file = read_photo_file(listed.path, max_pixels=self.max_pixels)
            return self.restorer.prepare(file, self.read_mask(listed, file.gray))
        except UnreadableImage as error:
            return error

    def _write(self, listed: ListedPhoto, photo: PreparedPhoto, restoration: Restoration) -> None:
        """Write a photograph's files; the output comes last, so that where it is, all is."""
        sums = []
        if self.masks is not None:
            mask_path = self.masks / listed.output
            make_folder(mask_path.parent)
            sums.append(write_png(mask_path, photo.mask * np.uint8(255)))
        plain = self.outputs.archive is not None  # a submission is RGB and nothing else
        written = write_png(
            self.outputs.path(listed),
            restoration.pixels,
            alpha=None if plain else photo.alpha,
            metadata=photo.metadata if self.keep_metadata and not plain else None,
            quick=True,
        )
        self.outputs.finished(listed, [written, *sums])


def plan_batches(
    photos: Iterable[ListedPhoto], batch_size: int, max_pixels: int = MAX_PIXELS
) -> Iterator[list[ListedPhoto]]:
    """Cut a list into batches of at most `batch_size` photographs and `BATCH_PIXELS`, by their headers."""
    batch: list[ListedPhoto] = []
    pixels = 0
    for photo in photos:
        try:
            more = math.prod(read_size(photo.path, max_pixels=max_pixels))
        except UnreadableImage:  # it will be listed when it is read
            more = 0
        if batch and (len(batch) == batch_size or pixels + more > BATCH_PIXELS):
            yield batch
            batch, pixels = [], 0
        batch.append(photo)
        pixels += more
    if batch:
        yield batch


def _wait_for(writing: list[Future]) -> None:
    """Until all are done; raises what went wrong in one."""
    while writing:
        writing.pop(0).result()
