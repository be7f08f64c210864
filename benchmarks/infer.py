"""What restoring files costs beyond the networks' forward passes, and how much memory a large photograph takes."""

import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from skimage import data

from benchmarks.machine import cpu_name
from toolbox.config.loading import config_data, load_config
from toolbox.images.color import gray_from_rgb, to_float
from toolbox.images.io import write_png
from toolbox.infer.job import Job
from toolbox.infer.listing import list_photos
from toolbox.infer.outputs import Outputs
from toolbox.infer.restorer import Restorer
from toolbox.training.checkpoint import save_checkpoint
from toolbox.training.model import RestorationModel

_HOLE = 0.27  # side of the square hole, as a share of the image's: 7 % of its area, as in the competition


class Seconds(NamedTuple):
    """What a job took: time on the clock, and time of the processor over all its cores."""

    clock: float
    processor: float


@dataclass(frozen=True)
class InferBenchmark:
    """Where others use the machine, too, the processor's time says more than the clock's.

    Attributes:
        machine: what computed.
        size: side of the photographs, px.
        images: photographs in a run.
        batch_size: photographs at once.
        forward: of each run of the forward passes alone.
        job: of each run from files to files, in turns with the former.
        large: how a large photograph went, in words.
    """

    machine: str
    size: int
    images: int
    batch_size: int
    forward: Sequence[Seconds]
    job: Sequence[Seconds]
    large: str

    def summary(self) -> dict[str, Any]:
        """The medians as plain values: `forward` and `job` in ms per photograph, of the clock and the processor."""
        of_runs = {name: 1000 * np.array(getattr(self, name)) / self.images for name in ('forward', 'job')}
        medians = {name: np.median(values, axis=0).tolist() for name, values in of_runs.items()}
        return dict(size=self.size, images=self.images, batch_size=self.batch_size, large=self.large, **medians)

    def __str__(self) -> str:
        forward, job = 1000 * np.array(self.forward) / self.images, 1000 * np.array(self.job) / self.images
        more = job / forward - 1  # of neighbors in time: a machine that slows down for a minute slows down both
        return '\n'.join(
            [
                f'{self.images} photographs of {self.size}x{self.size}, batches of {self.batch_size}; {self.machine}',
                f'{"ms per photograph":<34}{"clock":>10}{"processor":>12}',
                _row('forward passes alone', np.median(forward, axis=0), '.1f'),
                _row('files in, holes found, files out', np.median(job, axis=0), '.1f'),
                _row('more, median of pairs', np.median(more, axis=0), '.1%'),
                _row('its standard error', _error_of_median(more), '.1%'),
                *([self.large] if self.large else []),
            ]
        )


def benchmark_infer(
    config: str = 'configs/unetpp_cbam_b4.py',
    size: int = 512,
    images: int = 8,
    batch_size: int = 4,
    repeats: int = 5,
    megapixels: int = 0,
    device: str = 'auto',
    options: Mapping[str, object] | None = None,
) -> InferBenchmark:
    """Time a config's networks, with random weights, on tensors in memory and on files, in turns.

    Args:
        config: whose networks.
        size: side of the square photographs.
        images: how many of them.
        batch_size: how many go through the networks at once, both ways.
        repeats: timed runs of each.
        megapixels: restore one photograph of this many as well, and report the peak memory; 0: do not.
        device: auto, cpu or cuda.
        options: values by dotted path, in place of the config's.

    Raises:
        ValueError: too few of something.
    """
    if size < 32 or min(images, batch_size, repeats) < 1 or megapixels < 0:
        raise ValueError(
            f'size {size}, images {images}, batch size {batch_size}, repeats {repeats}, megapixels {megapixels}: '
            'expected a size of at least 32, at least one of the next three, and 0 megapixels or more'
        )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checkpoint = _random_checkpoint(config, root / 'best.pth', options or {})
        restorer = Restorer.from_checkpoints([checkpoint], device=device)
        for number in range(images):
            _write_damaged(root / 'photos' / f'{number:03d}.png', size, size, shift=7 * number)
        forward = _bare_forward(restorer, root / 'photos', batch_size)
        jobs = (lambda: forward(images), lambda: _run_job(restorer, root / 'photos', batch_size))
        _ = [job() for job in jobs]  # the first calls allocate and choose kernels
        rounds = [[_seconds(job) for job in jobs] for _ in range(repeats)]
        bare, whole = zip(*rounds, strict=True)
        large = _large_photo(restorer, root / 'large', megapixels) if megapixels else ''
    machine = f'{torch.get_num_threads()} threads of {cpu_name()}'
    if restorer.device == 'cuda':
        machine = f'{torch.cuda.get_device_name()}, {machine}'
    return InferBenchmark(machine, size, images, batch_size, bare, whole, large)


def _random_checkpoint(config: str, path: Path, options: Mapping[str, object]) -> Path:
    resolved = load_config(config, {'data.root': str(path.parent), **options}, say=lambda _: None)
    torch.manual_seed(0)
    model = RestorationModel(resolved.model, to_train=False).layout.state_dict()
    save_checkpoint(dict(config=config_data(resolved), data='', epoch=0, step=0, metrics={}, model=model), path)
    return path


def _write_damaged(path: Path, height: int, width: int, shift: int = 0) -> None:
    """A gray photograph with a square hole of one value."""
    photo = cv2.resize(gray_from_rgb(np.roll(data.astronaut(), shift, axis=1)), (width, height))
    side = round(_HOLE * min(height, width))
    photo[height // 3 : height // 3 + side, width // 3 : width // 3 + side] = 44
    path.parent.mkdir(exist_ok=True)
    write_png(path, photo)


def _bare_forward(restorer: Restorer, folder: Path, batch_size: int) -> Callable[[int], None]:
    """What runs the network on so many photographs, in batches, without anything around it."""
    photos = [restorer.read(listed.path) for listed in list_photos(folder)[:batch_size]]
    scale = restorer.ensemble.scales[0]
    damaged, mask = (
        torch.from_numpy(np.stack([photo.working[scale][part] for photo in photos]))[:, None].to(restorer.device)
        for part in (0, 1)
    )
    damaged, mask = to_float(damaged), mask.float()

    @torch.no_grad()
    def forward(images: int) -> None:
        with restorer.ensemble.members[0].loaded() as model:
            for start in range(0, images, batch_size):
                num = min(batch_size, images - start)
                model.restore(damaged[:num], mask[:num])
        if restorer.device == 'cuda':
            torch.cuda.synchronize()

    return forward


def _run_job(restorer: Restorer, photos: Path, batch_size: int) -> None:
    with tempfile.TemporaryDirectory() as out:
        outputs = Outputs(Path(out))
        with outputs.held({}):
            job = Job(list_photos(photos), restorer, outputs, lambda photo, shape: None, batch_size)
            if job.run().failed:
                raise ValueError('the benchmark could not read what it wrote')


def _large_photo(restorer: Restorer, folder: Path, megapixels: int) -> str:
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    _write_damaged(folder / 'large.png', height, height * 3 // 2)
    seconds = _seconds(lambda: _run_job(restorer, folder, 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return f'one of {megapixels} megapixels: {seconds.clock:.1f} s; peak memory of the process {peak:.2f} GiB'


def _seconds(job: Callable[[], object]) -> Seconds:
    start = Seconds(time.perf_counter(), time.process_time())
    job()
    return Seconds(time.perf_counter() - start.clock, time.process_time() - start.processor)


def _row(name: str, values: np.ndarray, form: str) -> str:
    """A line of the table: clock and processor."""
    return f'{name:<34}{values[0]:>10{form}}{values[1]:>12{form}}'


def _error_of_median(values: np.ndarray) -> np.ndarray:
    """Standard errors of the medians of columns (n, 2), by the bootstrap (Efron, 1979)."""
    draws = values[np.random.default_rng(0).integers(len(values), size=(1000, len(values)))]
    return np.median(draws, axis=1).std(axis=0)
