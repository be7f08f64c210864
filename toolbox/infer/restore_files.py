"""Restores photographs with trained models: one photograph, or the files of a folder.

from toolbox.infer.restore_files import Restorer

restorer = Restorer.from_checkpoints(['work_dirs/unetpp_cbam_b4/001/best.pth'], tta='flip')
restored = restorer.restore('holiday.jpg')  # a PIL image, the hole filled and in color
restored.save('holiday restored.png')
"""

import os
import signal
import sys
import time
import warnings
from contextlib import suppress

import numpy as np
from tqdm import tqdm

from toolbox.images.archive import shown
from toolbox.images.io import allow_pixels
from toolbox.images.mask_files import Mask
from toolbox.infer.averaging import average_checkpoints
from toolbox.infer.job import Job, ReadMask, Summary
from toolbox.infer.masks import MaskFolder
from toolbox.infer.request import InferRequest
from toolbox.infer.restorer import Restoration, Restorer
from toolbox.system.bars import bar
from toolbox.system.cli import SOME_FAILED
from toolbox.system.interruption import Stopped

__all__ = ['Restoration', 'Restorer', 'average_checkpoints', 'infer']

_FAILURES_SHOWN = 5


def infer(request: InferRequest) -> int:
    """Do what `toolbox.infer.request.check_request` checked, and say how it went.

    Returns:
        0, or `SOME_FAILED` if photographs could not be restored; those are in failures.csv, and no zip is made.

    Raises:
        FileNotFoundError, ValueError: checkpoints that cannot be used, or outputs of another job.
    """
    restorer = Restorer.from_checkpoints(request.checkpoints, **request.options, trust_plugins=request.trust_plugins)
    with request.outputs.held(request.record, request.save_masks) as is_resumed:
        if is_resumed:
            print(f'resuming in {request.outputs.folder}')
        return _restore(request, restorer)


def _restore(request: InferRequest, restorer: Restorer) -> int:
    print(_describe_job(request, restorer))
    for note in _notes(request, restorer):
        print(f'note: {note}')
    started = time.monotonic()
    there = sum(request.outputs.has(photo, request.save_masks) for photo in request.photos)
    allow_pixels(request.max_pixels)
    try:
        with _Progress(len(request.photos), there) as progress, warnings.catch_warnings():
            warnings.filterwarnings('ignore', module='PIL')  # of odd files; what matters is a failure or a note
            job = Job(
                photos=request.photos,
                restorer=restorer,
                outputs=request.outputs,
                read_mask=_mask_reader(request),
                batch_size=request.batch_size or restorer.batch_size,
                masks=request.save_masks,
                keep_metadata=request.keep_metadata,
                max_pixels=request.max_pixels,
                progress=progress,
            )
            for name, reason in request.unlisted.items():
                job.summary.failed[name] = reason
                request.outputs.list_failure(name, reason)
            summary = job.run()
    except KeyboardInterrupt as stop:
        with suppress(OSError):  # without it the journal goes on to tell what is finished
            request.outputs.keep_sums()
        raise Stopped(
            'interrupted: what is finished is kept; the same command with --resume goes on', signal.SIGINT
        ) from stop
    request.outputs.keep_sums()
    _print_summary(request, summary, time.monotonic() - started)
    if summary.failed:
        return SOME_FAILED
    print(f'result: {request.outputs.finish(request.photos)}')
    return 0


def _describe_job(request: InferRequest, restorer: Restorer) -> str:
    """What is about to be done, such as `12 photos; 2 models, their predictions averaged: a (40%), b (60%); cpu`."""
    members, files = restorer.ensemble.members, list(map(str, request.checkpoints))
    if len(members) > 1:
        shared = (f'{file} ({member.weight:.1%})' for file, member in zip(files, members, strict=True))
        models = f'{len(members)} models, their predictions averaged: {", ".join(shared)}'
    elif len(files) > 1:
        models = f'one model, the average of the weights of {", ".join(files)}'
    else:
        models = files[0]
    symmetries = len(restorer.ensemble.symmetries)
    seen = f'; each photo seen in {symmetries} ways' if symmetries > 1 else ''
    photos = f'{len(request.photos)} photo{"" if len(request.photos) == 1 else "s"}'
    return f'{photos}; {models}{seen}; {restorer.device}'


def _notes(request: InferRequest, restorer: Restorer) -> list[str]:
    notes = list(restorer.notes)
    if request.left_out:
        notes.append(f'not photographs by their suffix, left out: {request.left_out}')
    return notes


def _mask_reader(request: InferRequest) -> ReadMask:
    if isinstance(request.masks, MaskFolder):
        return request.masks.read
    if request.masks == 'auto':
        return lambda photo, gray: None
    return lambda photo, gray: Mask(np.zeros_like(gray))


def _print_summary(request: InferRequest, summary: Summary, seconds: float) -> None:
    for text, count in summary.notes.most_common():
        names = ', '.join(map(shown, summary.examples[text])) + (', ...' if count > len(summary.examples[text]) else '')
        print(f'note: {text}: {count} ({names})')
    there = f', {summary.skipped} were there already' if summary.skipped else ''
    print(f'{summary.restored} restored in {seconds:.1f} s{there}, {len(summary.failed) or "none"} failed')
    if not summary.failed:
        return
    for name, reason in list(summary.failed.items())[:_FAILURES_SHOWN]:
        print(f'  {shown(name)}: {reason}', file=sys.stderr)
    print(f'failures: {request.outputs.failures}', file=sys.stderr)
    if request.outputs.archive:
        print(
            f'no {request.outputs.archive} was made, it would lack images: mend them, and repeat with --resume',
            file=sys.stderr,
        )


class _Progress:
    """A bar with the remaining time on terminals, and a line a minute elsewhere."""

    _SECONDS = 60

    def __init__(self, total: int, there: int) -> None:
        self.lines = not sys.stderr.isatty()
        if self.lines:
            nowhere = open(os.devnull, 'w', encoding='utf-8')  # noqa: SIM115 - closed in __exit__
            self.bar = tqdm(total=total, initial=there, unit='photo', file=nowhere)
        else:
            self.bar = bar(total, 'photo', done=there)
        self.next_line = time.monotonic() + self._SECONDS

    def __enter__(self) -> '_Progress':
        return self

    def __call__(self, num: int) -> None:
        self.bar.update(num)
        if self.lines and time.monotonic() >= self.next_line:
            print(self.bar, flush=True)
            self.next_line += self._SECONDS

    def __exit__(self, *_: object) -> None:
        self.bar.close()
        if self.lines:
            self.bar.fp.close()
