"""The metrics besides the score: numbers against independent references."""

import cv2
import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from plugins.metrics.ciede2000 import CIEDE2000
from plugins.metrics.colorfulness_difference import ColorfulnessDifference
from plugins.metrics.lpips import LPIPS
from plugins.metrics.mae import MAE
from plugins.metrics.psnr import PSNR
from tests.support import scene


def tensors(*images):
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image in images])


def measure(metric, prediction, truth):
    hole = torch.zeros(1, 1, *prediction.shape[:2], dtype=torch.uint8)
    return metric.rows(tensors(prediction), tensors(truth), hole)[0][metric.name]


@pytest.fixture(scope='module')
def pair():
    truth = scene(1, 40, 52)
    noise = np.random.default_rng(0).integers(-40, 41, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


def test_psnr_is_that_of_skimage_and_opencv(pair):
    assert measure(PSNR(), *pair) == pytest.approx(peak_signal_noise_ratio(pair[1], pair[0]), abs=1e-9)
    assert measure(PSNR(), *pair) == pytest.approx(cv2.PSNR(*pair), abs=1e-9)


def test_psnr_of_a_tenth_of_the_range_is_20_db():
    truth = np.full((8, 8, 3), 100, np.uint8)
    off = np.full((8, 8, 3), 100 + 51, np.uint8)
    assert measure(PSNR(), off, truth) == pytest.approx(20 - 20 * np.log10(2), abs=1e-9)
    assert measure(PSNR(), truth, truth) == 100


def test_mae_is_in_gray_levels(pair):
    assert measure(MAE(), *pair) == pytest.approx(np.abs(pair[0].astype(int) - pair[1]).mean(), abs=1e-9)


def test_colorfulness_is_the_papers(pair):
    def colorfulness(image):
        red, green, blue = image.reshape(-1, 3).astype(float).T
        rg, yb = red - green, (red + green) / 2 - blue
        return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())

    expected = abs(colorfulness(pair[0]) - colorfulness(pair[1]))
    assert measure(ColorfulnessDifference(), *pair) == pytest.approx(expected, abs=1e-6)


def test_ciede2000_of_one_gray_level_is_hardly_noticeable():
    truth = np.full((4, 4, 3), 120, np.uint8)
    assert 0.2 < measure(CIEDE2000(), truth + 1, truth) < 0.6
    black_and_white = measure(CIEDE2000(), np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8))
    assert black_and_white == pytest.approx(100, abs=0.01)


def test_the_mean_is_exact_in_any_order():
    rows = [{'mae': value} for value in (1e16, 1.0, -1e16, 3.0)]
    assert MAE().reduce(rows) == MAE().reduce(rows[::-1]) == {'mae': 1.0}


class TestLPIPS:
    """On random AlexNet weights, which the paper shows to be a perceptual metric as well, if a weaker one."""

    @pytest.fixture(scope='class')
    @classmethod
    def metric(cls, tmp_path_factory):
        pytest.importorskip('lpips', reason="needs pip install '.[test]'")
        torch.manual_seed(0)
        return LPIPS(**LPIPS.example_options(tmp_path_factory.mktemp('trunk')))

    def test_equal_images_have_no_distance_and_more_noise_has_more(self, metric, pair):
        damaged, truth = pair
        slightly = ((damaged.astype(int) + 3 * truth.astype(int)) // 4).astype(np.uint8)
        assert measure(metric, truth, truth) == 0
        assert 0 < measure(metric, slightly, truth) < measure(metric, damaged, truth)

    def test_weights_that_are_not_at_hand_say_where_to_get_them(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r'download https://download\.pytorch\.org/models/alexnet'):
            LPIPS()

    def test_weights_of_another_network_are_refused(self, tmp_path):
        torch.save({'features.0.weight': torch.zeros(1)}, tmp_path / 'other.pth')
        with pytest.raises(ValueError, match='is not AlexNet'):
            LPIPS(trunk=str(tmp_path / 'other.pth'))
