"""How much faster the score is than its transcription with skimage and OpenCV, and how equal."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from skimage import data
from skimage.metrics import structural_similarity

from benchmarks.machine import cpu_name
from toolbox.scoring.score import WEIGHTS, score_images

_HOLE = 0.27  # side of the square hole, as a share of the image's: 7 % of its area, as in the competition


@dataclass(frozen=True)
class ScoreBenchmark:
    """Medians of milliseconds per image, and the largest difference between any two parts of the score."""

    machine: str
    size: int
    repeats: int
    transcription: float
    ours: float
    difference: float

    def __str__(self) -> str:
        return (
            f'score of a {self.size}x{self.size} image, median of {self.repeats}; {self.machine}\n'
            f'skimage and cv2  {self.transcription:8.2f} ms\n'
            f'toolbox.scoring  {self.ours:8.2f} ms   {self.transcription / self.ours:.1f} times as fast\n'
            f'largest difference in any part: {self.difference:.1e}'
        )


def benchmark_score(size: int = 512, repeats: int = 20, device: str = 'cpu') -> ScoreBenchmark:
    """Time both on one photograph, in turns, the transcription always on one thread of the CPU.

    Args:
        size: side of the square image, at least 32 px.
        repeats: timed runs of each.
        device: 'cpu' (one thread) or 'cuda'.

    Raises:
        ValueError: a size or a number of repeats that is too small, a device that is not there.
    """
    if size < 32 or repeats < 1:
        raise ValueError(f'size {size}, repeats {repeats}: expected a size of at least 32 and at least one repeat')
    if device == 'cuda' and not torch.cuda.is_available():
        raise ValueError('device cuda: this machine has none that torch can use; use --device cpu')
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    truth, prediction, hole = example(size)
    tensors = [
        torch.from_numpy(image).permute(2, 0, 1)[None].contiguous().to(device)
        for image in (prediction, truth, hole[..., None])
    ]
    ours = score_images(*tensors)[0]  # the first call compiles
    theirs = transcription(truth, prediction, hole)
    seconds = [
        (_seconds(lambda: transcription(truth, prediction, hole)), _seconds(lambda: score_images(*tensors)))
        for _ in range(repeats)
    ]
    milliseconds = [1000 * statistics.median(column) for column in zip(*seconds, strict=True)]
    machine = f'one thread of {cpu_name()}'
    if device == 'cuda':
        machine += f', against {torch.cuda.get_device_name()}'
    difference = max(abs(ours[part] - theirs[part]) for part in WEIGHTS)
    return ScoreBenchmark(machine, size, repeats, *milliseconds, difference)


def transcription(truth: np.ndarray, prediction: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    """The competition's score as its organizers describe it: uint8 (H, W, 3), (H, W, 3), (H, W)."""
    data_range = prediction.max() - prediction.min()
    inside = hole > 0
    histograms = []
    for image in (truth, prediction):
        hue = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        histogram = cv2.calcHist([hue], [0], None, [180], [0, 180])
        histograms.append(cv2.normalize(histogram, histogram))
    return {
        'ssim': structural_similarity(truth, prediction, channel_axis=-1, data_range=data_range),
        'masked_ssim': structural_similarity(truth[inside], prediction[inside], channel_axis=-1, data_range=data_range),
        'hue_similarity': cv2.compareHist(*histograms, cv2.HISTCMP_CORREL),
    }


def example(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photograph, a blurred and paler copy of it, and a hole: what a restorer typically returns."""
    truth = cv2.resize(data.astronaut(), (size, size), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY)[..., None]
    prediction = (0.7 * truth + 0.3 * gray).round().astype(np.uint8)
    hole = np.zeros((size, size), np.uint8)
    side, start = round(_HOLE * size), size // 3
    inside = np.s_[start : start + side, start : start + side]
    hole[inside] = 255
    prediction[inside] = cv2.blur(prediction, (size // 8, size // 8))[inside]
    return truth, prediction, hole


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start
