"""Training on a GPU: the published recipe written plainly, ours, and ours compiled, one after the other."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_scale import Scale
from benchmarks.sides import Ours, Published, Side
from toolbox.data.loaders import num_workers

_PROFILE_ROWS = 20


def measure_training(files: Sequence[Path], config: str, scale: Scale, batch_size: int, device: str) -> dict[str, Any]:
    """Train on the same files, each side in a process of its own, alone on the GPU.

    Args:
        files: photographs of `scale.size` px in one folder, a timed block of them.
        config: of ours.
        scale: how much.
        batch_size: photographs per step.
        device: 'cuda' or 'cpu'; compiled networks are measured on CUDA alone.

    Returns:
        `rows` by side: `photos_per_second`, `ready_photos_per_second` (on a batch that is on the device; None for the
        published recipe), `share_ready` (how often the next batch was there without waiting), `peak_memory` (GiB),
        `precision`, `first_block` (seconds, with kernels chosen and compiled); or `error`,
        of a side that could not be measured. `profile`: where the time of our step goes.
    """
    place = torch.device(device)
    options = {
        'data.root': str(files[0].parent),
        'data.size': scale.size,
        'data.batch_size': batch_size,
        'model.encoder.weights': None,
        **scale.options,
    }
    published = (Published, files, scale.size, batch_size, place, scale.published_encoder, scale.steps)
    sides: dict[str, tuple] = {
        'published recipe, plain': published,
        'Huefill': (Ours, config, options, len(files), place),
    }
    if device == 'cuda':
        sides['Huefill, compiled'] = (Ours, config, {**options, 'train_cfg.compile': True}, len(files), place)
    result: dict[str, Any] = dict(
        size=scale.size, batch_size=batch_size, workers=_workers(scale.options), rows={}, profile=[]
    )
    for name, arguments in sides.items():
        try:
            with Side(*arguments) as side:
                result['rows'][name] = _measured(side, arguments[0] is Ours, scale.rounds, len(files))
                if name == 'Huefill':
                    result['profile'] = side.ask('profile')[:_PROFILE_ROWS]
        except RuntimeError as error:  # the process is gone; what it printed says why
            result['rows'][name] = dict(error=str(error))
    if all('error' in row for row in result['rows'].values()):
        raise RuntimeError(f'no side could be trained: {result["rows"]}')
    return result


def _measured(side: Side, is_ours: bool, rounds: int, num_photos: int) -> dict[str, Any]:
    first = side.ask('train')
    if is_ours:
        side.ask('share_ready')  # of a block that compiles, all would be
    seconds = statistics.median(side.ask('train') for _ in range(rounds))
    row = dict(first_block=first, photos_per_second=num_photos / seconds, precision='float32')
    if is_ours:
        side.ask('train_on_ready')  # warms up
        share = side.ask('share_ready')
        ready = statistics.median(side.ask('train_on_ready') for _ in range(rounds))
        row |= dict(ready_photos_per_second=num_photos / ready, share_ready=share)
        row['precision'] = side.ask('trains_in')
    row['peak_memory'] = side.ask('peak_memory')
    return row


def _workers(options: Mapping[str, object]) -> int:
    return num_workers(options.get('data.workers', 'auto'))
