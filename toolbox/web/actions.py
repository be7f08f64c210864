"""What the page does: each event changes one person's `Work`, and shows what that is now."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from toolbox.images.io import MAX_PIXELS, open_image
from toolbox.web import words
from toolbox.web.models import Models
from toolbox.web.page import AS_SUITS, Parts
from toolbox.web.work import SHOWN_SIDE, Item, Look, Work, shown_hole

Changes = dict[Any, Any]
_EXPECTED = (OSError, ValueError)  # what a person, or a full disk, can cause
_HOLE_COLOR = (226, 61, 94, 255)  # as hole.js paints
# In the browser, before an event is sent: its second value becomes what the canvas holds.
_READ_HOLE = '(work, painted, ...rest) => [work, window.huefillHole ? window.huefillHole() : "", ...rest]'


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
        options = dict(outputs=parts.all(), show_progress='hidden', api_visibility='private')
        painted = dict(js=_READ_HOLE)
        networks = dict(concurrency_id='networks', concurrency_limit=1)
        quick = dict(concurrency_id='quick', concurrency_limit=2)
        parts.drop.upload(self.add, [parts.work, parts.drop, *settings], **options, **quick)
        for button, path in examples:
            button.click(self._adding(path), [parts.work, *settings], **options, **quick)
        parts.photos.input(self.choose, [parts.work, parts.painted, parts.photos], **painted, **options, **quick)
        parts.again.click(self.begin_again, parts.work, **options, **quick)
        parts.no_hole.click(self.no_hole, parts.work, **options, **quick)
        parts.find.click(self.find, [parts.work, *settings], **options, **quick)
        parts.correct.click(self.correct, parts.work, **options, **quick)
        running = parts.restore.click(
            self.restore, [parts.work, parts.painted, *settings], **painted, **options, **networks
        )
        stopped = parts.cancel.click(self.cancel, parts.work, cancels=[running], queue=False, **options)
        # Progress that was on its way may arrive after that: say once more where things stand.
        stopped.then(self.cancel, parts.work, queue=False, **options)
        look = [parts.work, parts.strength, parts.colors, parts.view, *settings]
        for part in (parts.strength, parts.colors, parts.view):
            part.input(self.look, look, trigger_mode='always_last', **options, **networks)
        for part in settings:
            part.change(self.set, [parts.work, parts.painted, *settings], **painted, **options, **quick)

    def add(self, work: Work, files: list[str] | None, *settings: Any) -> Changes:
        """Photographs were dropped."""
        return self._add(work, [Path(file) for file in files or ()], settings, keep=False)

    def choose(self, work: Work, painted: str, number: int) -> Changes:
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
        return self._status_of(work, lambda: work.find_hole(self._restorer(*settings)))

    def correct(self, work: Work) -> Changes:
        """The hole is to be changed: back to the editor."""
        work.item.restored = None
        return self._all(work)

    def set(self, work: Work, painted: str, *settings: Any) -> Changes:
        """Another model, or another way to see: what was restored does not count any more."""
        self._take(work, painted)
        changes = self._status_of(work, lambda: work.find_holes(self._restorer(*settings)))
        return changes | {self.parts.card: words.cards(self.models.cards(settings[0]))}

    def restore(self, work: Work, painted: str, *settings: Any) -> Iterator[Changes]:
        """All that waits is restored; progress is shown between passes through networks."""
        self._take(work, painted)
        parts, started = self.parts, time.monotonic()
        yield {
            parts.status: gr.update(value=words.running(0, 0, None)),
            parts.holes: gr.update(elem_classes=['busy']),
            parts.following: gr.update(visible=False),
            parts.again: gr.update(visible=False),
            parts.photos: gr.update(visible=False),
            parts.more: gr.update(visible=False),
            parts.cancel: gr.update(visible=True),
            parts.trouble: gr.update(visible=False),
        }
        try:
            restorer = self._restorer(*settings)
            for done, total in work.restore(restorer):
                left = (time.monotonic() - started) / done * (total - done) if done else None
                yield {parts.status: words.running(done, total, left)}
        except _EXPECTED as error:
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
        try:
            if look != work.item.look:
                for _ in work.look(look, self._restorer(*settings)):
                    pass
        except _EXPECTED as error:
            yield self._all(work, trouble=str(error))
            return
        yield self._result(work, view)

    def _adding(self, path: Path) -> Callable[..., Changes]:
        def add(work: Work, *settings: Any) -> Changes:
            return self._add(work, [path], settings, keep=True)

        return add

    def _add(self, work: Work, paths: list[Path], settings: tuple, keep: bool) -> Changes:
        return self._status_of(work, lambda: work.add(paths, self._restorer(*settings), self.max_pixels, keep))

    def _restorer(self, model: str, tta: str, tile: int) -> Any:
        return self.models.restorer(model, tta, None if tile == AS_SUITS else tile)

    def _take(self, work: Work, painted: str) -> None:
        """What was painted, where the editor shows the current photograph."""
        if painted and work.items and work.item.restored is None:
            work.paint(_hole_of(painted))

    def _status_of(self, work: Work, change: Callable[[], None]) -> Changes:
        """Do it, and show what is now; what a person can cause is told as a sentence."""
        try:
            change()
        except _EXPECTED as error:
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
            parts.top: gr.update(visible=begun),
            parts.again: gr.update(visible=True),
            parts.photos: gr.update(
                choices=words.choices(work), value=work.current if begun else None, visible=len(work.items) > 1
            ),
            parts.holes: gr.update(visible=begun and not done, elem_classes=[]),
            parts.following: gr.update(visible=True),
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
            parts.status: words.hole(item),
            parts.editor: _on_canvas(item),
            parts.restore: 'Restore' if waiting == 1 else f'Restore all {waiting}',
            parts.no_hole: gr.update(visible=bool(item.hole.any()) or item.confidence is None),
            parts.find: gr.update(visible=item.confidence is None),
        }

    def _result(self, work: Work, view: str) -> Changes:
        parts, item = self.parts, work.item
        restored = [each for each in work.items if each.restored]
        pictures = {'Color': item.shown[0], 'Gray': item.shown[1], 'Before': item.damaged()}
        return {
            parts.status: words.result(item),
            parts.slider: (item.damaged(), pictures[view]),
            parts.download: str(item.restored),
            parts.archive: gr.update(value=str(work.zip()) if len(restored) > 1 else None, visible=len(restored) > 1),
            parts.colored: gr.update(visible=work.has_readings),
            parts.strength: item.look.strength,
            parts.colors: gr.update(value=item.look.colors or 'natural', visible=work.has_readings),
        }


def _hole_of(painted: str) -> np.ndarray:
    """What the canvas held, a PNG as an address of data, as a hole: bool (h, w)."""
    try:
        content = base64.b64decode(painted.partition(',')[2], validate=True)
        with open_image(io.BytesIO(content), SHOWN_SIDE**2) as image:
            return np.asarray(image.convert('RGBA').getchannel('A')) >= 128
    except ValueError as error:
        raise gr.Error('The painted hole could not be read; paint it again.') from error


def _on_canvas(item: Item) -> str:
    """The photograph and its hole for the canvas (hole.js); the number makes each of them new to it."""
    hole = shown_hole(item.hole)
    layer = np.zeros((*hole.shape, 4), np.uint8)
    layer[hole > 0] = _HOLE_COLOR
    photo, hole = (_address(picture) for picture in (item.damaged(), Image.fromarray(layer)))
    return json.dumps({'photo': photo, 'hole': hole, 'number': time.monotonic_ns()})


def _address(picture: Image.Image) -> str:
    """A picture as an address of data: no file is left behind."""
    content = io.BytesIO()
    picture.save(content, format='PNG', compress_level=1)
    return 'data:image/png;base64,' + base64.b64encode(content.getvalue()).decode()
