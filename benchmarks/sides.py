"""The two sides of a comparison of training, each in a process of its own."""

import itertools
import multiprocessing
import resource
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from benchmarks.published import PublishedRecipe
from toolbox.config.loading import load_config
from toolbox.data.dataset import TrainingDataset, ValidationDataset
from toolbox.data.loaders import stop_workers, training_loader, validation_loader
from toolbox.data.sources import open_source
from toolbox.nn.backend import set_backend
from toolbox.training.evaluation import build_evaluator, evaluate
from toolbox.training.load_model import model_to_train
from toolbox.training.optimizers import build_optimizer
from toolbox.training.precision import settle_training_precision
from toolbox.training.stepping import TrainingStep

# A batch that comes sooner was there: handing one over takes about a millisecond.
_READY = 0.005  # seconds
_PROFILED_STEPS = 3


class Side:
    """One of the two in a process of its own, where nothing that the other sets or leaves behind reaches it."""

    def __init__(self, kind: type, *arguments: object) -> None:
        context = multiprocessing.get_context('spawn')
        self.ours, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, kind, arguments))

    def __enter__(self) -> 'Side':
        self.process.start()
        return self

    def ask(self, job: str) -> Any:
        """What a method answers there; of `train` and the like, the seconds that it took."""
        self.ours.send(job)
        while not self.ours.poll(1):
            if not self.process.is_alive():
                raise RuntimeError(f'the process that timed {job} ended with {self.process.exitcode}; see above')
        return self.ours.recv()

    def __exit__(self, *_: object) -> None:
        if self.process.is_alive():
            self.ours.send(None)
        self.process.join()


def _serve(connection: Connection, kind: type, arguments: Sequence[object]) -> None:
    side = kind(*arguments)
    while (job := connection.recv()) is not None:
        connection.send(getattr(side, job)())
    side.close()


class Published:
    """The published recipe, on files."""

    def __init__(
        self, files: Sequence[Path], size: int, batch_size: int, device: torch.device, encoder: str, steps: int
    ) -> None:
        self.recipe = PublishedRecipe(files, size, batch_size, device, encoder)
        self.steps = steps

    def train(self) -> float:
        """Seconds that the steps take."""
        return self.recipe.train(self.steps)

    def validate(self) -> float:
        """Seconds that a validation of all photographs takes."""
        return self.recipe.validate(self.steps)

    def peak_memory(self) -> float:
        """GiB, see `peak_memory`."""
        return peak_memory(self.recipe.device)

    def close(self) -> None:
        """There is nothing to end."""


class Ours:
    """The config's training path, driven without a run folder."""

    def __init__(self, config: str, options: Mapping[str, object], num_photos: int, device: torch.device) -> None:
        self.config = load_config(config, options)
        set_backend(self.config.deterministic, self.config.tf32)
        data = self.config.data
        photos = open_source(data.root).subset(range(num_photos))
        self.model = model_to_train(self.config).to(device)
        settle_training_precision(self.model, data.size, data.batch_size, device)
        if self.config.train_cfg.compile:
            self.model.layout.compile()
        factor = self.config.train_cfg.encoder_lr_factor
        optimizer = build_optimizer(self.config.optimizer, self.model.layout, factor)
        self.step = TrainingStep(self.model, self.model, optimizer)
        self.device = device
        self.loader = training_loader(TrainingDataset(photos, data, 0, max_epochs=100), data.batch_size, data.workers)
        self.validation = validation_loader(ValidationDataset(photos, data, 0), data.batch_size, data.workers)
        self.ready = next(iter(self.loader)).to(device)
        self.waits: list[float] = []

    def trains_in(self) -> str:
        """The precision of its steps."""
        return self.model.trains_in

    def train(self) -> float:
        """Seconds that an epoch takes, from the files on."""
        self.model.train()
        sampler = self.loader.sampler
        sampler.start_at(sampler.epoch + 1, 0)
        return self._timed(self._watched(self.loader))

    def share_ready(self) -> float:
        """How often the next batch was there without waiting, since last asked; an epoch's first does not count."""
        waits, self.waits = self.waits, []
        return sum(wait < _READY for wait in waits) / len(waits)

    def profile(self) -> list[dict[str, Any]]:
        """What the time of a few steps on a ready batch goes into, by operator, the most first.

        Returns:
            Rows of `name`, `calls` and `milliseconds` in the operator itself per step: on the GPU, or on the CPU where
            that computes.
        """
        on_gpu = self.device.type == 'cuda'
        kinds = [torch.profiler.ProfilerActivity.CPU]
        if on_gpu:
            kinds.append(torch.profiler.ProfilerActivity.CUDA)
        self.model.train()
        with torch.profiler.profile(activities=kinds) as profiler:
            self._timed(itertools.repeat(self.ready, _PROFILED_STEPS))
        rows = []
        for event in profiler.key_averages():
            if event.device_type != torch.autograd.DeviceType.CPU:
                continue  # a kernel, whose time the operator that launched it has, too
            spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total  # microseconds
            calls = event.count / _PROFILED_STEPS
            rows.append(dict(name=event.key, calls=calls, milliseconds=spent / 1000 / _PROFILED_STEPS))
        return sorted(rows, key=lambda row: -row['milliseconds'])

    def train_on_ready(self) -> float:
        """Seconds that as many steps take on one batch that is on the device."""
        self.model.train()
        return self._timed(itertools.repeat(self.ready, len(self.loader)))

    def validate(self) -> float:
        """Seconds that a validation of all photographs takes."""
        self.model.eval()
        started = time.perf_counter()
        evaluate(self.validation, self.model.val_step, build_evaluator(self.config.metrics))
        return time.perf_counter() - started

    def peak_memory(self) -> float:
        """GiB, see `peak_memory`."""
        return peak_memory(self.device)

    def close(self) -> None:
        """End the loaders' workers."""
        stop_workers(self.loader)
        stop_workers(self.validation)

    def _watched(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The same batches; how long each was waited for, but the first, which starts the epoch, goes into `waits`."""
        iterator = iter(batches)
        for number in itertools.count():
            started = time.perf_counter()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            if number:
                self.waits.append(time.perf_counter() - started)
            yield batch

    def _timed(self, batches: Iterable[Any]) -> float:
        started = time.perf_counter()
        for batch in batches:
            self.step(batch)
        if self.device.type == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter() - started


def peak_memory(device: torch.device) -> float:
    """The most that this process has held, in GiB: of a GPU's memory as torch allocates it, or resident on the CPU."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2**30
    status = Path('/proc/self/status')
    if status.is_file():  # `getrusage` would say what the process held that started this one
        for line in status.read_text(encoding='utf-8').splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
