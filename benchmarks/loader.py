"""How many photographs a core makes ready for training, against what GPUs could take: on paper, without a GPU."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import cpu_name
from benchmarks.photos import prepare_photos
from toolbox.config.loading import load_config
from toolbox.data.dataset import TrainingDataset
from toolbox.data.sources import open_source
from toolbox.images.io import read_rgb
from toolbox.plugin.types import Batch
from toolbox.training.load_model import model_to_train

RECIPES = ('unetpp_cbam_b4', 'palette_b4', 'restorer_lite0', 'restorer_lite0_hole')
# Dense bf16 with float32 sums, in TFLOP/s, as NVIDIA's data sheets have it: H100 SXM, and Ada's white paper.
CARDS: Mapping[str, float] = {'H100': 989, 'RTX 4070': 58.3}
_SHARE_OF_PEAK = 0.5  # more than training convolutions usually reaches
_BACKWARD = 2  # a backward pass has about twice the multiplications of its forward pass


@dataclass(frozen=True)
class LoaderRow:
    """A recipe.

    Attributes:
        recipe: its config's name.
        size: of its crops, px.
        milliseconds: of one core for a photograph, decoded, augmented, damaged, from PNG files of `photo_size` px.
        decoding: of these, to decode the file.
        damaging: of these, to draw the hole.
        gflop: of a training step, per photograph.
    """

    recipe: str
    size: int
    photo_size: int
    milliseconds: float
    decoding: float
    damaging: float
    gflop: float

    def takes(self, tflops: float) -> float:
        """Photographs per second that a card of so many TFLOP/s could train, at half its rate."""
        return _SHARE_OF_PEAK * tflops * 1000 / self.gflop

    def cores(self, tflops: float) -> float:
        """Cores that make as many ready."""
        return self.takes(tflops) * self.milliseconds / 1000


@dataclass(frozen=True)
class LoaderBenchmark:
    """All recipes, on one machine's core."""

    machine: str
    rows: Sequence[LoaderRow]

    def __str__(self) -> str:
        head = f'{"":<22}{"px":>5}{"ms a photo":>12}{"decoding":>10}{"hole":>6}{"photos/s":>10}{"GFLOP":>7}'
        head += ''.join(f'{f"{card} takes":>16}{"cores":>7}' for card in CARDS)
        lines = [f'one core of {self.machine}', head]
        for row in self.rows:
            line = f'{row.recipe:<22}{row.size:>5}{row.milliseconds:>12.1f}{row.decoding:>10.1f}{row.damaging:>6.1f}'
            line += f'{1000 / row.milliseconds:>10.0f}{row.gflop:>7.1f}'
            lines.append(line + ''.join(f'{row.takes(rate):>16.0f}{row.cores(rate):>7.1f}' for rate in CARDS.values()))
        return '\n'.join(lines)


def benchmark_loader(
    photos: str | None = None, photo_size: int = 512, images: int = 24, recipes: Sequence[str] = RECIPES
) -> LoaderBenchmark:
    """Time the training data sets of shipped recipes in this process, on one core, and count their networks' FLOPs.

    Args:
        photos: a folder; None: the photographs that installed packages carry. They are written as square PNGs first.
        photo_size: of those, px.
        images: photographs that are timed.
        recipes: names of shipped configs.

    Raises:
        ValueError: too few images.
    """
    if images < 1 or photo_size < 32:
        raise ValueError(f'{images} images of {photo_size} px: expected at least one, of 32 px or more')
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = prepare_photos(photos, Path(folder), photo_size, images)
        for recipe in recipes:
            options = {'data.root': str(files[0].parent), 'model.encoder.weights': None, 'model.weights': None}
            config = load_config(f'configs/{recipe}.py', options, say=lambda _: None)
            dataset = TrainingDataset(open_source(config.data.root), config.data, 0, max_epochs=2)
            times = load_times(dataset, config.data.size)
            rows.append(LoaderRow(recipe, config.data.size, photo_size, *times, step_gflop(config)))
    return LoaderBenchmark(cpu_name(), rows)


def step_gflop(config: Mapping) -> float:
    """GFLOP of a training step per photograph, two for a multiplication and addition, as a GPU would compute it.

    The forward pass is counted on fake tensors on a GPU (on CPU, some convolutions go another way with fewer), and
    taken three times, for the backward pass.
    """
    size = config['data']['size']
    model = model_to_train(config).layout.train()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, FlopCounterMode(display=False) as counter:
        batch = Batch.blank(size, size)
        networks = _on_fake_gpu(model, mode)
        networks(batch.damaged.to('cuda'), batch.mask.to('cuda'))
    return (1 + _BACKWARD) * counter.get_total_flops() / 1e9


def _on_fake_gpu(module: torch.nn.Module, mode: FakeTensorMode) -> torch.nn.Module:
    """The module with fake parameters and buffers, in place."""
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    tensors[name] = torch.empty_like(mode.from_tensor(tensor.detach()), device='cuda')
    return module


def load_times(dataset: TrainingDataset, size: int) -> tuple[float, float, float]:
    """Milliseconds of processor time per photograph: all of it, its decoding, its hole at `size` px.

    Other work on the machine does not change them much; the first photographs, which load libraries, do not count.
    """
    indices = range(len(dataset))
    rng = np.random.default_rng(0)
    gray = np.full((size, size), 128, np.uint8)
    jobs: list[Callable[[int], object]] = [
        lambda index: dataset[1, index],
        lambda index: read_rgb(dataset.photos[index].path),
        lambda _: dataset.mask(size, size, rng, gray=gray),
    ]
    milliseconds = []
    for job in jobs:
        job(0)
        started = time.process_time()
        for index in indices:
            job(index)
        milliseconds.append(1000 * (time.process_time() - started) / len(indices))
    return milliseconds[0], milliseconds[1], milliseconds[2]
