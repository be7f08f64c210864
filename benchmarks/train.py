"""How fast training is: beside the published recipe written plainly, and beside the same steps on ready tensors."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from benchmarks.machine import cpu_name
from benchmarks.sides import Ours, Published, Side
from toolbox.data.loaders import num_workers
from toolbox.data.sources import open_source
from toolbox.images.io import read_size
from toolbox.nn.device import default_device

_TRAINING_PER_VALIDATION = 4  # photographs, with five folds


@dataclass(frozen=True)
class TrainBenchmark:
    """Medians of seconds per photograph."""

    setting: str
    published: float
    ours: float
    ready: float
    published_validation: float
    our_validation: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the published recipe, in training steps alone."""
        return self.published / self.ours

    @property
    def ratio_with_validation(self) -> float:
        """The same over an epoch with its validation."""
        share = _TRAINING_PER_VALIDATION
        return (share * self.published + self.published_validation) / (share * self.ours + self.our_validation)

    @property
    def of_ready(self) -> float:
        """Which share of the speed on ready tensors the loader leaves."""
        return self.ready / self.ours

    def __str__(self) -> str:
        rows = [
            ('published recipe, plain', self.published, ''),
            ('Huefill', self.ours, f'{self.ratio:.2f} times as fast, {self.of_ready:.2f} of ready tensors'),
            ('Huefill, ready tensors', self.ready, ''),
            ('validation, published', self.published_validation, ''),
            (
                'validation, Huefill',
                self.our_validation,
                f'with validation {self.ratio_with_validation:.2f} times as fast',
            ),
        ]
        lines = [f'{name:<24} {1 / seconds:9.2f} photos/s   {note}'.rstrip() for name, seconds, note in rows]
        return '\n'.join([self.setting, *lines])


@dataclass(frozen=True)
class ConfigBenchmark:
    """Seconds per photograph of two configs' training, block by block in turns."""

    setting: str
    names: tuple[str, str]
    blocks: Sequence[tuple[float, float]]

    @property
    def ratios(self) -> list[float]:
        """How many times as fast as the second the first trains, by pairs of blocks."""
        return [other / one for one, other in self.blocks]

    def __str__(self) -> str:
        speeds = [1 / statistics.median(seconds) for seconds in zip(*self.blocks, strict=True)]
        width = max(map(len, self.names))
        lines = [f'{name:<{width}} {speed:9.2f} photos/s' for name, speed in zip(self.names, speeds, strict=True)]
        ratios = self.ratios
        ratio = f'{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})'
        return '\n'.join([self.setting, f'{lines[0]}   {ratio}', lines[1]])


def benchmark_configs(
    photos: str,
    config: str,
    against: str,
    size: int = 128,
    batch_size: int = 8,
    steps: int = 4,
    rounds: int = 3,
    precision: str = 'auto',
    options: Mapping[str, object] | None = None,
) -> ConfigBenchmark:
    """Time the training steps of two configs in turns, each in a process of its own, on the same photographs.

    Args:
        photos: a folder of photographs, at least `batch_size * steps`.
        config, against: what is timed; their networks start without pretrained weights.
        size, batch_size: of both, px and photographs per step.
        steps: in a timed block.
        rounds: timed blocks of each.
        precision: of both.
        options: values by dotted path, in place of both configs', such as the encoder that they are to share.

    Raises:
        ValueError: too few photographs, or numbers that are too small.
    """
    needed = _num_photos(photos, size, batch_size, steps, rounds)
    common = _options(photos, size, batch_size, precision) | dict(options or {})
    device = default_device()
    with (
        Side(Ours, config, common, needed, device) as one,
        Side(Ours, against, common, needed, device) as other,
    ):
        for side in (one, other):
            side.ask('train')  # warms up
        blocks = [(one.ask('train') / needed, other.ask('train') / needed) for _ in range(rounds)]
        trained_in = f'{one.ask("trains_in")} and {other.ask("trains_in")}'
    setting = (
        f'{size} px, batch {batch_size}, {num_workers("auto")} loader workers, {rounds} pairs of blocks of {steps} '
        f'steps, in {trained_in}; {_machine(device)}'
    )
    return ConfigBenchmark(setting, (config, against), blocks)


def benchmark_train(
    photos: str,
    config: str = 'configs/unetpp_cbam_b4.py',
    size: int = 512,
    batch_size: int = 8,
    steps: int = 4,
    rounds: int = 3,
    encoder: str = 'efficientnet-b4',
    precision: str = 'auto',
) -> TrainBenchmark:
    """Time both in turns, on the GPU if there is one, on the same photographs.

    Args:
        photos: a folder of photographs, at least `batch_size * steps`.
        config: whose parts and loader are timed; its networks start without pretrained weights.
        size: side of the images, px.
        batch_size: photographs per step.
        steps: in a timed block.
        rounds: timed blocks of each.
        encoder: the published recipe's, as smp calls it.
        precision: Huefill's, as in a config; the published recipe computes in float32.

    Raises:
        ValueError: too few photographs, or numbers that are too small.
    """
    needed = _num_photos(photos, size, batch_size, steps, rounds)
    manifest = open_source(photos)
    files = [manifest[index].path for index in range(needed)]
    for file in files:
        if min(read_size(file)) < size:  # one enlarges it, the other does not
            raise ValueError(f'{file} is smaller than {size} px: give larger photographs, or a --size that all have')
    device = default_device()
    options = _options(photos, size, batch_size, precision)
    with (
        Side(Published, files, size, batch_size, device, encoder, steps) as published,
        Side(Ours, config, options, needed, device) as ours,
    ):
        jobs = {
            'published': lambda: published.ask('train'),
            'ours': lambda: ours.ask('train'),
            'ready': lambda: ours.ask('train_on_ready'),
            'published_validation': lambda: published.ask('validate'),
            'our_validation': lambda: ours.ask('validate'),
        }
        for job in jobs.values():
            job()  # warms up
        times = [{name: job() / needed for name, job in jobs.items()} for _ in range(rounds)]
        trained_in = ours.ask('trains_in')
    setting = (
        f'{size} px, batch {batch_size}, {num_workers("auto")} loader workers, median of {rounds} blocks of {steps} '
        f'steps; published in float32, Huefill trained in {trained_in}; {_machine(device)}'
    )
    return TrainBenchmark(setting, **{name: statistics.median(row[name] for row in times) for name in jobs})


def _num_photos(photos: str, size: int, batch_size: int, steps: int, rounds: int) -> int:
    """Of a timed block.

    Raises:
        ValueError: too few photographs, or numbers that are too small.
    """
    if min(steps, rounds, batch_size) < 1 or size < 32:
        raise ValueError('expected at least one step, round and photograph per batch, and a size of at least 32')
    found, needed = len(open_source(photos)), batch_size * steps
    if found < needed:
        raise ValueError(f'{photos} holds {found} photographs; {steps} steps of {batch_size} need {needed}')
    return needed


def _options(photos: str, size: int, batch_size: int, precision: str) -> dict[str, object]:
    return {
        'data.root': photos,
        'data.size': size,
        'data.batch_size': batch_size,
        'model.encoder.weights': None,
        'precision': precision,
    }


def _machine(device: torch.device) -> str:
    if device.type == 'cuda':
        return torch.cuda.get_device_name()
    return f'{torch.get_num_threads()} threads of {cpu_name()}'
