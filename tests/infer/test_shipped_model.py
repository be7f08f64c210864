"""The model that comes with the package, on photographs that it has not seen."""

import numpy as np
import pytest
import skimage.color
import skimage.data
import torch
from PIL import Image, ImageDraw
from skimage.metrics import structural_similarity

from tests.infer.support import damaged_scene
from toolbox.images.color import gray_from_rgb
from toolbox.infer.photo_file import read_photo_file
from toolbox.infer.restore_files import Restorer
from toolbox.models import SHIPPED, shipped_model
from toolbox.nn.hue import correlation, hue_histogram
from tools import infer

PHOTOGRAPHS = ('astronaut', 'chelsea', 'coffee', 'rocket')


@pytest.fixture(scope='module')
def photographs():
    """256 px on the shorter side, and the same gray with a hole: uint8 (H, W, 3), (H, W)."""
    pairs = []
    for name in PHOTOGRAPHS:
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((384, 384), Image.Resampling.BOX)
        truth = np.asarray(image)
        damaged = Image.fromarray(gray_from_rgb(truth))
        width, height = damaged.size
        ImageDraw.Draw(damaged).rectangle((width // 3, height // 3, width // 2, height // 2), fill=71)
        pairs.append((truth, np.asarray(damaged)))
    return pairs


@pytest.fixture(scope='module')
def restored(photographs):
    def restore(colors):
        restorer = Restorer.from_checkpoints([shipped_model()], device='cpu', colors=colors)
        return [np.asarray(restorer.restore(Image.fromarray(damaged))) for _, damaged in photographs]

    return {colors: restore(colors) for colors in ('natural', 'matched')}


def test_it_is_small_enough_to_come_along():
    assert SHIPPED.stat().st_size <= 16_000_000


def test_natural_colors_are_nearer_to_the_truth_than_gray(photographs, restored):
    gains = []
    for (truth, damaged), output in zip(photographs, restored['natural'], strict=True):
        known = damaged == gray_from_rgb(truth)
        gray = np.repeat(gray_from_rgb(truth)[..., None], 3, 2)
        difference = [
            skimage.color.deltaE_ciede2000(skimage.color.rgb2lab(truth), skimage.color.rgb2lab(image))[known].mean()
            for image in (gray, output)
        ]
        gains.append(difference[0] - difference[1])
    assert np.mean(gains) > 0.3
    assert all((output.max(2) - output.min(2)).mean() > 3 for output in restored['natural'])


def test_matched_hues_correlate_more_than_gray_does(photographs, restored):
    def similarity(images):
        histograms = [
            hue_histogram(torch.from_numpy(np.stack(image)).permute(2, 0, 1)[None] / 255)
            for image in (images, [truth for truth, _ in photographs])
            for image in image
        ]
        count = len(photographs)
        return np.mean([float(correlation(a, b)) for a, b in zip(histograms[:count], histograms[count:], strict=True)])

    gray = [np.repeat(gray_from_rgb(truth)[..., None], 3, 2) for truth, _ in photographs]
    assert similarity(restored['matched']) > similarity(gray) + 0.1


def test_the_hole_is_found_and_filled(photographs, restored):
    for (truth, damaged), output in zip(photographs, restored['natural'], strict=True):
        filled, gray = gray_from_rgb(output), gray_from_rgb(truth)
        height, width = gray.shape
        hole = np.zeros((height, width), bool)
        hole[height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] = True
        before, after = (structural_similarity(gray, image) for image in (damaged, filled))
        assert after > before
        assert (
            np.abs(filled[hole].astype(int) - gray[hole]).mean() < np.abs(damaged[hole].astype(int) - gray[hole]).mean()
        )
        assert np.abs(filled[~hole].astype(int) - gray[~hole]).max() <= 1


def test_the_command_without_a_checkpoint_uses_it(photographs, restored, tmp_path, capsys):
    Image.fromarray(photographs[0][1]).save(tmp_path / 'old.png')
    assert infer.main(['--input', str(tmp_path / 'old.png'), '--out', str(tmp_path / 'restored')]) == 0
    assert 'restorer_lite0.safetensors' in capsys.readouterr().out
    written = np.asarray(Image.open(tmp_path / 'restored' / 'old.png'))
    np.testing.assert_array_equal(written, restored['natural'][0])


def test_strength_and_reading_are_options_of_the_command(photographs, tmp_path):
    Image.fromarray(photographs[1][1]).save(tmp_path / 'cat.png')
    outputs = {}
    for name, options in {
        'gray': ['--strength', '0'],
        'matched': ['--colors', 'matched'],
        'more': ['--strength', '1.5'],
    }.items():
        assert infer.main(['--input', str(tmp_path / 'cat.png'), '--out', str(tmp_path / name), *options]) == 0
        image = np.asarray(Image.open(tmp_path / name / 'cat.png')).astype(int)
        outputs[name] = (image.max(2) - image.min(2)).mean()
    assert outputs['gray'] == 0
    assert outputs['more'] > 3
    assert outputs['matched'] > 1


@pytest.mark.parametrize('options', [['--strength', '2'], ['--strength', 'much'], ['--colors', 'pretty']])
def test_wrong_values_are_told(options, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        infer.main(['--input', 'x.png', '--out', str(tmp_path), *options])
    assert end.value.code == 2
    assert options[0] in capsys.readouterr().err


@pytest.mark.parametrize('options', [{}, {'tta': 'flip', 'tile': 64}])
def test_colors_are_read_again_without_the_networks(options):
    """Bit for bit what a model with these options writes."""
    gray = damaged_scene(3, 80, 112)[0]
    restorer = Restorer.from_checkpoints([shipped_model()], device='cpu', **options)
    photo = restorer.prepare(read_photo_file(Image.fromarray(gray)))
    *_, (done, total, predicted) = restorer.predict(photo)
    assert done == total == len(predicted.answers)
    assert predicted.num_bytes > 0
    assert restorer.has_readings
    with restorer.ensemble.members[0].loaded() as model:
        model.layout.gray_net.forward = model.layout.color_net.forward = None  # to call them would be an error
    for reading in ({}, {'strength': 0.4}, {'strength': 1.3, 'colors': 'matched'}):
        other = Restorer.from_checkpoints([shipped_model()], device='cpu', **options, **reading)
        expected = other.restore_batches([[other.prepare(read_photo_file(Image.fromarray(gray)))]])[0][0]
        finished = restorer.finish(predicted, **reading)
        assert np.array_equal(finished.pixels, expected.pixels)
        assert finished.notes == expected.notes
