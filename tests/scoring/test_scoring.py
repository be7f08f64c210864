"""The fast score against its transcription, on both backends, and the rules for what the formulas leave undefined."""

import math
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra import numpy as npst
from skimage import data
from skimage.metrics import structural_similarity
from torch.utils._python_dispatch import TorchDispatchMode

from tests.scoring.cases import make_case
from tests.scoring.transcription import score as transcribed
from toolbox.scoring import hue, ssim
from toolbox.scoring.kernels import cpu, cuda
from toolbox.scoring.score import WEIGHTS, score_images, summarize

PARTS = ('score', *WEIGHTS)
DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.cuda)]


@pytest.fixture(params=['cpu loops', 'cuda loops'])
def backend(request, monkeypatch):
    """Either set of inner loops, on CPU tensors."""
    module = {'cpu loops': cpu, 'cuda loops': cuda}[request.param]
    for user in (ssim, hue):
        monkeypatch.setattr(user, 'kernels_for', lambda device: module)


def as_tensors(truth, prediction, hole, device='cpu'):
    """HWC arrays to the scorer's arguments, prediction first."""
    images = (prediction, truth, hole[..., None])
    return [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].to(device) for image in images]


def score_one(truth, prediction, hole, device='cpu'):
    return score_images(*as_tensors(truth, prediction, hole, device))[0]


def assert_equal_scores(row, reference, tolerance=1e-6):
    assert {key: row[key] for key in PARTS} == pytest.approx({key: reference[key] for key in PARTS}, abs=tolerance)


def test_500_cases_equal_the_transcription(backend):
    rows, references = [], []
    for seed in range(500):
        case = make_case(seed)
        rows.append(score_one(*case))
        references.append(transcribed(*case))
        assert_equal_scores(rows[-1], references[-1])
        assert rows[-1]['notes'] == ()
    assert_equal_scores(summarize(rows), summarize(references), tolerance=1e-7)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('photo', ['astronaut', 'chelsea', 'coffee', 'rocket'])
def test_photographs_equal_the_transcription(photo, device):
    truth = getattr(data, photo)()
    rng = np.random.default_rng(5)
    prediction = (truth * 0.9 + rng.normal(8, 6, truth.shape)).clip(0, 255).astype(np.uint8)
    hole = np.zeros(truth.shape[:2], np.uint8)
    hole[40:200, 60:170] = 1
    hole[100:260, 130:150] = 255
    assert_equal_scores(
        score_one(truth, prediction, hole, device), transcribed(truth, prediction, hole), tolerance=1e-9
    )


@pytest.mark.parametrize('device', DEVICES)
def test_every_color_has_opencvs_hue(device):
    kernels = cuda if device == 'cuda' else cpu
    green, blue = np.mgrid[:256, :256].astype(np.uint8)
    for red in range(256):
        image = np.stack([np.full_like(green, red), green, blue], axis=-1)
        expected = np.bincount(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 0].ravel(), minlength=180)
        counted = kernels.hue_counts(torch.from_numpy(image).permute(2, 0, 1).contiguous().to(device))
        np.testing.assert_array_equal(counted, expected)


def test_both_backends_count_the_same_hues():
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 300, 300), dtype=np.uint8))
    np.testing.assert_array_equal(cpu.hue_counts(image), cuda.hue_counts(image))


@given(
    npst.arrays(np.int64, 180, elements=st.integers(0, 5000)), npst.arrays(np.int64, 180, elements=st.integers(0, 5000))
)
@settings(max_examples=200, deadline=None)
def test_histograms_are_compared_as_opencv_does(counts, other):
    counts[0] += 1
    other[7] += 1
    spread = [h.var() * h.size / (h**2).sum() for h in (counts, other)]
    assume(not 0.5 < spread[0] * spread[1] / np.finfo(float).eps < 2)  # at the bound, rounding decides what is flat
    normalized = [cv2.normalize(h.astype(np.float32), None) for h in (counts, other)]
    assert hue.correlation(counts, other) == pytest.approx(cv2.compareHist(*normalized, cv2.HISTCMP_CORREL), abs=1e-6)


def test_weights_add_up_to_one():
    assert math.fsum(WEIGHTS.values()) == pytest.approx(1)


def test_a_perfect_restoration_scores_one(backend):
    truth, _, hole = make_case(0)
    assert [score_one(truth, truth, hole)[key] for key in PARTS] == pytest.approx([1] * 4)


# What the formulas leave undefined


def test_no_hole(backend):
    truth, prediction, hole = make_case(0)
    row = score_one(truth, prediction, hole * 0)
    assert row['masked_ssim'] == 1
    assert row['notes'] == ('no hole',)


@pytest.mark.parametrize('area', range(1, 7))
def test_a_small_hole_shrinks_the_window(area, backend):
    truth, prediction, hole = make_case(0)
    hole[:] = 0
    hole[3, 4 : 4 + area] = 1
    row = score_one(truth, prediction, hole)
    assert row['notes'] == ('hole under 7 px',)
    data_range = int(prediction.max()) - int(prediction.min())
    inside = hole > 0
    expected = ssim_with_window(truth[inside], prediction[inside], data_range, (area - 1) // 2 * 2 + 1)
    assert row['masked_ssim'] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ('height', 'width', 'window'), [(6, 20, 5), (20, 4, 3), (3, 3, 3), (2, 9, 1), (1, 1, 1), (1, 40, 1)]
)
def test_a_small_image_shrinks_the_window(height, width, window, backend):
    rng = np.random.default_rng(height)
    truth, prediction = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    row = score_one(truth, prediction, np.ones((height, width), np.uint8))
    assert 'side under 7 px' in row['notes']
    data_range = int(prediction.max()) - int(prediction.min())
    expected = ssim_with_window(truth, prediction, data_range, window)
    assert row['ssim'] == pytest.approx(expected, abs=1e-9)


def ssim_with_window(x, y, data_range, window):
    if window > 1:
        return structural_similarity(x, y, channel_axis=-1, data_range=data_range, win_size=window)
    x, y, c1 = x.astype(float), y.astype(float), (0.01 * data_range) ** 2
    return np.mean((2 * x * y + c1) / (x * x + y * y + c1))  # variances of zero leave the luminance term


def test_a_constant_prediction_scores_zero_unless_it_is_right(backend):
    truth, _, hole = make_case(0)
    gray = np.full_like(truth, 128)
    wrong = score_one(truth, gray, hole)
    assert (wrong['ssim'], wrong['masked_ssim'], wrong['notes']) == (0, 0, ('constant prediction',))
    right_inside = np.where(hole[..., None] > 0, gray, truth)
    partly = score_one(right_inside, gray, hole)
    assert (partly['ssim'], partly['masked_ssim']) == (0, 1)
    assert [score_one(gray, gray, hole)[key] for key in PARTS] == pytest.approx([1] * 4)


def test_a_constant_truth_needs_no_rule(backend):
    _, prediction, hole = make_case(5)
    truth = np.full_like(prediction, (200, 40, 90))
    assert_equal_scores(score_one(truth, prediction, hole), transcribed(truth, prediction, hole))


def test_images_of_one_hue_need_no_rule(backend):
    _, prediction, hole = make_case(5)
    one_hue = np.zeros_like(prediction)
    one_hue[..., 0] = prediction[..., 0]
    other_hue = np.roll(one_hue, 1, axis=-1)
    row = score_one(one_hue, other_hue, hole)
    assert_equal_scores(row, transcribed(one_hue, other_hue, hole))
    gray = np.repeat(prediction[..., :1], 3, axis=-1)
    assert_equal_scores(score_one(prediction, gray, hole), transcribed(prediction, gray, hole))


def test_a_flat_histogram_correlates_as_opencv_says():
    flat = np.full(180, 12)
    peak = np.eye(180, dtype=np.int64)[3] * 12 * 180
    histograms = [cv2.normalize(h.astype(np.float32), None) for h in (flat, peak)]
    assert hue.correlation(flat, peak) == cv2.compareHist(*histograms, cv2.HISTCMP_CORREL) == 1


# What it promises beside the numbers


def test_rows_do_not_depend_on_the_batch():
    rng = np.random.default_rng(3)
    truth, prediction = torch.from_numpy(rng.integers(0, 256, (2, 5, 3, 20, 31), dtype=np.uint8))
    hole = torch.from_numpy(rng.random((5, 1, 20, 31)) < 0.2)
    together = score_images(prediction, truth, hole)
    singly = [score_images(*(tensor[i : i + 1] for tensor in (prediction, truth, hole)))[0] for i in range(5)]
    assert together == singly


def test_threads_do_not_change_a_row():
    cases = [as_tensors(*make_case(seed)) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda case: score_images(*case), cases)) == [score_images(*case) for case in cases]


def test_memory_layout_and_hole_type_do_not_matter():
    truth, prediction, hole = as_tensors(*make_case(10))
    row = score_images(prediction, truth, hole)
    channels_last = [tensor.to(memory_format=torch.channels_last) for tensor in (prediction, truth)]
    assert score_images(*channels_last, hole) == row
    assert score_images(prediction.flip(-1).flip(-1), truth.clone(), hole > 0) == row
    assert score_images(prediction, truth, (hole > 0).float()) == row


def test_no_images_give_no_rows():
    empty = torch.zeros(0, 3, 9, 9, dtype=torch.uint8)
    assert score_images(empty, empty, empty[:, :1]) == []


def test_the_mean_does_not_depend_on_the_order():
    rng = random.Random(1)
    rows = [{key: rng.uniform(-1, 1) for key in PARTS} for _ in range(1000)]
    summary = summarize(rows)
    assert summary['n'] == 1000
    for _ in range(5):
        rng.shuffle(rows)
        assert summarize(rows) == summary


def test_no_rows_have_no_mean():
    with pytest.raises(ValueError, match='at least one'):
        summarize([])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda p, t, h: (p.float(), t, h), 'expected uint8'),
        (lambda p, t, h: (p[0], t, h), r'expected a prediction of shape \(N, 3, H, W\)'),
        (lambda p, t, h: (p[:, :1], t, h), r'expected a prediction of shape \(N, 3, H, W\)'),
        (lambda p, t, h: (p[..., :-1], t, h), 'differ in shape'),
        (lambda p, t, h: (p, t, h[:, 0]), 'expected a hole of shape'),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        score_images(*change(*as_tensors(*make_case(0))))


def test_importing_is_light():
    loaded = 'import sys, toolbox.scoring; print(sorted({"numba", "cv2", "skimage", "scipy"} & set(sys.modules)))'
    assert (
        subprocess.run([sys.executable, '-c', loaded], capture_output=True, text=True, check=True).stdout.strip()
        == '[]'
    )


def test_it_works_where_no_cache_can_be_written(monkeypatch):
    import numba

    original = numba.njit

    def njit_without_cache(*args, cache=False, **options):
        if cache:
            raise RuntimeError('cannot cache function: no locator available')
        return original(*args, **options)

    monkeypatch.setattr(cpu.numba, 'njit', njit_without_cache)
    assert cpu._compiled(lambda x: x + 1)(2) == 3


def test_arrays_are_refused_with_the_way_to_a_tensor():
    image, tensor = np.zeros((8, 8, 3), np.uint8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r'prediction: expected a torch tensor .*, got ndarray; .*torch\.from_numpy'):
        score_images(image, image, image[..., :1])
    with pytest.raises(ValueError, match='hole: expected a torch tensor'):
        score_images(tensor, tensor, image[..., 0])


class _Largest(TorchDispatchMode):
    """The bytes of the largest tensor that is made within."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        made = operation(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and not made._is_view():
            self.bytes = max(self.bytes, made.numel() * made.element_size())
        return made


@pytest.mark.parametrize('shape', [(3, 60, 200), (3, 200, 60), (3, 1, 12000)])
def test_gpus_measure_large_images_in_strips(monkeypatch, shape):
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.integers(0, 256, shape, dtype=np.uint8)) for _ in range(2))
    window = (1, 7) if shape[1] == 1 else (7, 7)
    whole = cuda.mean_ssim(x, y, window, 6.5, 58.5), cuda.hue_counts(x)
    monkeypatch.setattr(cuda, 'STRIP_PIXELS', 1000)
    with _Largest() as largest:
        strips = cuda.mean_ssim(x, y, window, 6.5, 58.5), cuda.hue_counts(x)
    assert strips[0] == pytest.approx(whole[0], abs=1e-13)
    assert strips[0] == pytest.approx(cpu.mean_ssim(x, y, window, 6.5, 58.5), abs=1e-12)
    np.testing.assert_array_equal(strips[1], whole[1])
    assert largest.bytes < 4 * 3 * 8 * 3000  # four sums of three channels in float64, for a strip and what it overlaps
