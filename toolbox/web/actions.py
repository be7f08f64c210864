"""What the page does: each event changes one person's `Work`, and shows what that is now."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from toolbox.imageio import MAX_PIXELS, UnreadableImage, open_image
from toolbox.web import words
from toolbox.web.models import Models
from toolbox.web.page import HOLE_ALPHA, HOLE_COLOR, Parts
from toolbox.web.work import Item, Look, Work, shown_hole

Changes = dict[Any, Any]


@dataclass
class Actions:
    """The events of a page.

    Attributes:
        parts: of the page.
        models: what may be chosen.
        max_pixels: larger photographs are refused.
    """

    parts: Parts
    models: Models
    max_pixels: int = MAX_PIXELS

    def connect(self, examples: list[tuple[gr.Button, Path]]) -> None:
        """Tie the events to the parts; to be called inside the page."""
        parts, settings = self.parts, [self.parts.model, self.parts.tta, self.parts.tile]
        parts.editor.preprocess = self._painted
        options = dict(outputs=parts.all(), show_progress='hidden', api_visibility='private')
        networks = dict(concurrency_id='networks', concurrency_limit=1)
        quick = dict(concurrency_id='quick', concurrency_limit=2)
        parts.drop.upload(self.add, [parts.work, parts.drop, *settings], **options, **quick)
        for button, path in examples:
            button.click(self._adding(path), [parts.work, *settings], **options, **quick)
        parts.photos.input(self.choose, [parts.work, parts.editor, parts.photos], **options, **quick)
        parts.again.click(self.begin_again, parts.work, **options, **quick)
        parts.no_hole.click(self.no_hole, parts.work, **options, **quick)
        parts.find.click(self.find, [parts.work, *settings], **options, **quick)
        parts.correct.click(self.correct, parts.work, **options, **quick)
        running = parts.restore.click(self.restore, [parts.work, parts.editor, *settings], **options, **networks)
        parts.cancel.click(self.cancel, parts.work, cancels=[running], queue=False, **options)
        look = [parts.work, parts.strength, parts.colors, parts.view, *settings]
        for part in (parts.strength, parts.colors, parts.view):
            part.input(self.look, look, trigger_mode='always_last', **options, **networks)
        for part in settings:
            part.change(self.set, [parts.work, parts.editor, *settings], **options, **quick)

    def add(self, work: Work, files: list[str] | None, *settings: Any) -> Changes:
        """Photographs were dropped."""
        return self._add(work, [Path(file) for file in files or ()], settings, keep=False)

    def choose(self, work: Work, painted: np.ndarray | None, number: int) -> Changes:
        """Another photograph is to be shown."""
        self._take(work, painted)
        work.current = number
        return self._all(work)

    def begin_again(self, work: Work) -> Changes:
        """All photographs are put away, and their files removed."""
        work.close()
        return self._all(work)

    def no_hole(self, work: Work) -> Changes:
        """There is none, a person says."""
        work.no_hole()
        return self._all(work)

    def find(self, work: Work, *settings: Any) -> Changes:
        """The hole is to be found anew."""
        return self._told(work, lambda: work.find_hole(self._restorer(*settings)))

    def correct(self, work: Work) -> Changes:
        """The hole is to be changed: back to the editor."""
        work.item.restored = None
        return self._all(work)

    def set(self, work: Work, painted: np.ndarray | None, *settings: Any) -> Changes:
        """Another model, or another way to see: what was restored does not count any more."""
        self._take(work, painted)
        changes = self._told(work, lambda: work.find_holes(self._restorer(*settings)))
        return changes | {self.parts.card: words.cards(self.models.cards(settings[0]))}

    def restore(self, work: Work, painted: np.ndarray | None, *settings: Any) -> Iterator[Changes]:
        """All that waits is restored; progress is shown between passes through networks."""
        self._take(work, painted)
        parts, started = self.parts, time.monotonic()
        yield {
            parts.status: gr.update(value=words.running(0, 0, None)),
            parts.holes: gr.update(visible=False),
            parts.bar: gr.update(visible=False),
            parts.more: gr.update(visible=False),
            parts.cancel: gr.update(visible=True),
            parts.trouble: gr.update(visible=False),
        }
        try:
            restorer = self._restorer(*settings)
            for done, total in work.restore(restorer):
                left = (time.monotonic() - started) / done * (total - done) if done else None
                yield {parts.status: words.running(done, total, left)}
        except ValueError as error:
            yield self._all(work, trouble=str(error))
            return
        yield self._all(work)

    def cancel(self, work: Work) -> Changes:
        """What is restored stays; the rest waits again."""
        return self._all(work)

    def look(self, work: Work, strength: float, colors: str, view: str, *settings: Any) -> Iterator[Changes]:
        """Another amount or kind of color."""
        if not work.items or work.item.restored is None:
            return
        look = Look(min(max(float(strength), 0.0), 1.5), colors)
        if look != work.item.look:
            for _ in work.look(look, self._restorer(*settings)):
                pass
        yield self._result(work, view)

    def _adding(self, path: Path) -> Callable[..., Changes]:
        def add(work: Work, *settings: Any) -> Changes:
            return self._add(work, [path], settings, keep=True)

        return add

    def _add(self, work: Work, paths: list[Path], settings: tuple, keep: bool) -> Changes:
        return self._told(work, lambda: work.add(paths, self._restorer(*settings), self.max_pixels, keep))

    def _restorer(self, model: str, tta: str, tile: float | None) -> Any:
        return self.models.restorer(model, tta, None if tile is None else int(tile))

    def _take(self, work: Work, painted: np.ndarray | None) -> None:
        """What was painted, where the editor shows the current photograph."""
        if painted is not None and work.items and work.item.restored is None:
            work.paint(painted)

    def _told(self, work: Work, change: Callable[[], None]) -> Changes:
        """Do it, and show what is now; what a person can cause is told as a sentence."""
        try:
            change()
        except ValueError as error:
            return self._all(work, trouble=str(error))
        return self._all(work)

    def _all(self, work: Work, trouble: str = '') -> Changes:
        """The whole page as it is to be now."""
        parts, begun = self.parts, bool(work.items)
        told = words.trouble(trouble) if trouble else words.failures(work.failures)
        done = begun and work.item.restored is not None
        changes = {
            parts.drop: gr.update(value=None),
            parts.start: gr.update(visible=not begun),
            parts.trouble: gr.update(value=told, visible=bool(told)),
            parts.bar: gr.update(visible=begun),
            parts.photos: gr.update(
                choices=words.choices(work), value=work.current if begun else None, visible=len(work.items) > 1
            ),
            parts.status: gr.update(value='', visible=begun),
            parts.holes: gr.update(visible=begun and not done),
            parts.cancel: gr.update(visible=False),
            parts.result: gr.update(visible=done),
            parts.more: gr.update(visible=True),
        }
        if done:
            return changes | self._result(work, 'Color') | {parts.view: 'Color'}
        return changes | (self._hole(work) if begun else {})

    def _hole(self, work: Work) -> Changes:
        parts, item = self.parts, work.item
        waiting = len(work.waiting)
        return {
            parts.status: gr.update(value=words.hole(item), visible=True),
            parts.editor: {'background': item.damaged(), 'layers': [_overlay(item)], 'composite': None},
            parts.restore: 'Restore' if waiting == 1 else f'Restore all {waiting}',
            parts.no_hole: gr.update(visible=bool(item.hole.any()) or item.confidence is None),
            parts.find: gr.update(visible=item.confidence is None),
        }

    def _result(self, work: Work, view: str) -> Changes:
        parts, item = self.parts, work.item
        restored = [each for each in work.items if each.restored]
        return {
            parts.status: gr.update(value=words.result(item), visible=True),
            parts.slider: (item.damaged(), item.shown[view == 'Gray']),
            parts.download: str(item.restored),
            parts.archive: gr.update(value=str(work.zip()) if len(restored) > 1 else None, visible=len(restored) > 1),
            parts.strength: item.look.strength,
            parts.colors: item.look.colors or 'natural',
        }

    def _painted(self, payload: Any) -> np.ndarray | None:
        """What the browser sends of the editor, as a hole, bool (h, w); decoded by the one door of images.

        In place of the component's own way, which decodes with whatever Pillow has, programs that it starts included.
        """
        if payload is None:
            return None
        layers = payload.layers or []
        if payload.id is not None:
            blobs = self.parts.editor.blob_storage.pop(payload.id, None)
            layers = blobs.layers if blobs else []
        holes = [_hole_of(layer) for layer in layers if layer is not None]
        return np.logical_or.reduce(holes) if holes else None


def _hole_of(layer: Any) -> np.ndarray:
    content = layer if isinstance(layer, bytes) else Path(layer.path).read_bytes()
    try:
        with open_image(io.BytesIO(content)) as image:
            return np.asarray(image.convert('RGBA').getchannel('A')) >= HOLE_ALPHA // 2
    except UnreadableImage as error:
        raise gr.Error('The painted hole could not be read; paint it again.') from error


def _overlay(item: Item) -> Image.Image:
    """The hole as a layer of color."""
    hole = shown_hole(item.hole)
    layer = np.zeros((*hole.shape, 4), np.uint8)
    layer[hole > 0] = (*HOLE_COLOR, HOLE_ALPHA)
    return Image.fromarray(layer)
