"""Everything that can be shown on a GPU alone, in about ten minutes: is it right, and how fast is it.

Each part writes a JSON file, so that a run that was cut off goes on; the page shows what is there and names what is
missing.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from benchmarks.gpu_checks import check_all
from benchmarks.gpu_page import write_gpu_page
from benchmarks.gpu_scale import SCALES, Scale
from benchmarks.gpu_training import measure_training
from benchmarks.infer import benchmark_infer
from benchmarks.machine import machine_facts
from benchmarks.photos import prepare_photos
from benchmarks.score import benchmark_score
from toolbox.data.sources import open_source
from toolbox.system.disk_errors import make_folder
from toolbox.system.files import read_json_if_any, write_json

logger = logging.getLogger('huefill')

RECIPE = 'configs/unetpp_cbam_b4.py'
PARTS = ('correctness', 'training', 'scoring', 'restoring')


class PartsMissing(ValueError):
    """Some parts that were asked for could not be measured."""


def benchmark_gpu(
    out: str,
    photos: str | None = None,
    parts: Sequence[str] = PARTS,
    scale: str = 'full',
    device: str = 'cuda',
    batch_size: int | None = None,
) -> Path:
    """Measure what is not measured yet, and write the page.

    Args:
        out: a folder; made if need be. A part whose file is there, of the same scale, device and photographs, is kept.
        photos: a folder of photographs; None: those that installed packages carry.
        parts: of `PARTS`, which ones.
        scale: of `SCALES`.
        device: 'cuda', or 'cpu' for trying the command out.
        batch_size: photographs per training step in place of the scale's, for GPUs of little memory.

    Returns:
        The page.

    Raises:
        FileNotFoundError, ValueError: a device or photographs that are not there, an unknown part, no photograph in a
            batch; nothing was written.
        PartsMissing: at the end, which parts failed, and how to go on.
    """
    if unknown := set(parts) - set(PARTS):
        raise ValueError(f'--parts {" ".join(sorted(unknown))}: expected some of {", ".join(PARTS)}')
    if device == 'cuda' and not torch.cuda.is_available():
        raise ValueError('device cuda: torch finds no GPU here; --device cpu --scale small tries the command out')
    chosen, folder = SCALES[scale], Path(out)
    batch_size = chosen.batch_size if batch_size is None else batch_size
    if batch_size < 1:
        raise ValueError(f'batch size {batch_size}: expected at least 1')
    open_source(photos)
    make_folder(folder)
    setting = dict(scale=scale, device=device, photos=photos or 'sample photographs', batch_size=batch_size)
    measure = _measurements(chosen, folder, photos, device, batch_size)
    failed = _measure(parts, measure, folder, setting)
    results = {part: content for part in PARTS if (content := read_json_if_any(folder / f'{part}.json'))}
    page = write_gpu_page(folder, results, PARTS)
    missing = [part for part in PARTS if part not in results]
    print(f'{page}; missing: {", ".join(missing) or "nothing"}', flush=True)
    if failed:
        raise PartsMissing(f'{", ".join(failed)} failed, see above; the same command tries again what is missing')
    return page


def _measure(
    parts: Sequence[str], measure: Mapping[str, Callable[[], dict[str, Any]]], folder: Path, setting: dict[str, Any]
) -> list[str]:
    """Measure and write what is not there yet; the parts that failed."""
    failed = []
    for part in parts:
        path = folder / f'{part}.json'
        if _is_done(path, setting):
            print(f'{part}: there already, {path}', flush=True)
            continue
        print(f'{part} ...', flush=True)
        started = time.monotonic()
        try:
            result = measure[part]()
        except Exception:  # whatever it is: the other parts are worth their time
            logger.exception(f'{part} failed')
            failed.append(part)
            continue
        finally:
            if setting['device'] == 'cuda':  # for processes that are started next
                torch.cuda.empty_cache()
        seconds = time.monotonic() - started
        write_json(
            path, dict(setting=setting, machine=machine_facts(setting['device']), seconds=seconds, result=result)
        )
        print(f'{part}: {seconds:.0f} s, {path}', flush=True)
    return failed


def _measurements(
    scale: Scale, folder: Path, photos: str | None, device: str, batch_size: int
) -> dict[str, Callable[[], dict[str, Any]]]:
    """What measures each part."""

    def training() -> dict[str, Any]:
        files = prepare_photos(photos, folder / 'photos', scale.size, batch_size * scale.steps)
        return measure_training(files, RECIPE, scale, batch_size, device)

    def scoring() -> dict[str, Any]:
        threads = torch.get_num_threads(), cv2.getNumThreads()
        try:
            measured = benchmark_score(scale.size, scale.repeats, device)
        finally:  # it takes one of each
            torch.set_num_threads(threads[0])
            cv2.setNumThreads(threads[1])
        keys = ('size', 'repeats', 'transcription', 'ours', 'difference')
        return {key: getattr(measured, key) for key in keys}

    def restoring() -> dict[str, Any]:
        measured = benchmark_infer(
            RECIPE,
            scale.size,
            scale.images,
            min(4, scale.images),
            scale.repeats,
            scale.megapixels,
            device,
            options=scale.options,
        )
        return measured.summary()

    return dict(
        correctness=lambda: check_all(scale.checked_size, scale.options, device, folder),
        training=training,
        scoring=scoring,
        restoring=restoring,
    )


def _is_done(path: Path, setting: Mapping[str, object]) -> bool:
    content = read_json_if_any(path)
    return content is not None and content.get('setting') == json.loads(json.dumps(setting))
