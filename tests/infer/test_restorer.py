"""Restoring photographs in memory."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.infer.support import damaged_scene, save_random_model
from tests.support import scene
from toolbox.images.color import gray_from_rgb
from toolbox.images.io import UnreadableImage, write_png
from toolbox.infer.restore_files import Restorer


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return save_random_model(tmp_path_factory.mktemp('model') / 'best.pth')


@pytest.fixture(scope='module')
def restorer(checkpoint):
    return Restorer.from_checkpoints([checkpoint], device='cpu')


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (5, 3), (32, 32), (33, 70), (150, 120), (700, 20)])
def test_any_size_keeps_its_size_and_its_known_luma(restorer, size):
    gray, mask = damaged_scene(1, *size)
    restored = restorer.restore(Image.fromarray(gray), mask)
    assert restored.mode == 'RGB'
    assert restored.size == size[::-1]
    off = np.abs(np.asarray(restored.convert('L')).astype(int) - gray)
    assert off[mask == 0].max(initial=0) <= 1
    if mask.any():
        assert off[mask > 0].max() > 1  # the hole is the model's


def test_where_the_hole_comes_from(restorer, tmp_path):
    gray, mask = damaged_scene(2, 96, 96)
    write_png(tmp_path / 'mask.png', mask * np.uint8(255))
    photo = Image.fromarray(gray)
    given = np.asarray(restorer.restore(photo, mask))
    assert np.array_equal(given, np.asarray(restorer.restore(photo, tmp_path / 'mask.png')))
    assert np.array_equal(given, np.asarray(restorer.restore(photo, 'auto')))  # the finder finds it
    without = np.asarray(restorer.restore(photo, None).convert('L')).astype(int)
    assert np.abs(without - gray).max() <= 1
    with pytest.raises(ValueError, match=r'mask \(3, 4\), the upright photograph is \(96, 96\)'):
        restorer.restore(photo, np.zeros((3, 4), np.uint8))


def test_files_images_and_open_files_are_one(restorer, tmp_path):
    path = tmp_path / 'ü 図.png'
    write_png(path, scene(3))
    expected = np.asarray(restorer.restore(path))
    assert np.array_equal(np.asarray(restorer.restore(io.BytesIO(path.read_bytes()))), expected)
    assert np.array_equal(np.asarray(restorer.restore(Image.open(path))), expected)
    with pytest.raises(UnreadableImage, match='no such file'):
        restorer.restore(tmp_path / 'absent.png')


def test_alpha_is_carried_over_and_orientation_honored(restorer):
    image = Image.fromarray(scene(4, 40, 60))
    alpha = np.tile(np.arange(60, dtype=np.uint8), (40, 1))
    image.putalpha(Image.fromarray(alpha))
    image.getexif()[0x0112] = 6
    restored = restorer.restore(image)
    assert restored.mode == 'RGBA'
    assert restored.size == (40, 60)
    assert np.array_equal(np.asarray(restored.getchannel('A')), np.rot90(alpha, -1))
    luma = np.asarray(restored.convert('RGB').convert('L')).astype(int)
    assert np.abs(luma - np.rot90(gray_from_rgb(scene(4, 40, 60)), -1)).max() <= 1


def test_photographs_of_several_sizes_in_one_batch(restorer):
    from toolbox.infer.photo_file import PhotoFile

    photos = [restorer.prepare(PhotoFile(damaged_scene(seed, *size)[0])) for seed, size in enumerate(SIZES)]
    together = restorer.restore_batches([photos[:3], photos[3:]])
    assert [len(batch) for batch in together] == [3, 2]
    for photo, restored in zip(photos, [each for batch in together for each in batch], strict=True):
        ((alone,),) = restorer.restore_batches([[photo]])
        assert np.abs(restored.pixels.astype(int) - alone.pixels).max() <= 1


SIZES = [(48, 48), (30, 40), (48, 48), (96, 96), (20, 70)]


def test_ensembles_tiles_symmetries_and_averages(checkpoint, tmp_path):
    other = save_random_model(tmp_path / 'other.pth', seed=1)
    photo, mask = damaged_scene(5, 64, 80)
    outputs = [
        np.asarray(Restorer.from_checkpoints([checkpoint, other], **options).restore(Image.fromarray(photo), mask))
        for options in (
            {},
            dict(tta='d4'),
            dict(tile=16),
            dict(weights=[1, 9]),
            dict(average=True),
            dict(weights='score'),
        )
    ]
    assert np.array_equal(outputs[0], outputs[-1])  # equal scores
    assert all(not np.array_equal(outputs[0], output) for output in outputs[1:-1])
    same = Restorer.from_checkpoints([checkpoint, checkpoint], average=True).restore(Image.fromarray(photo), mask)
    alone = Restorer.from_checkpoints([checkpoint]).restore(Image.fromarray(photo), mask)
    assert np.array_equal(np.asarray(same), np.asarray(alone))


def test_precision_is_the_configs_unless_asked_for(checkpoint, tmp_path):
    other = save_random_model(tmp_path / 'other.pth', 'precision=bf16')
    photo, mask = damaged_scene(5, 64, 80)

    def restored(path, **options):
        image = Restorer.from_checkpoints([path], **options).restore(Image.fromarray(photo), mask)
        return np.asarray(image).astype(int)

    low, high = restored(checkpoint, precision='bf16'), restored(checkpoint, precision='float32')
    assert np.array_equal(restored(other), low)
    assert np.array_equal(restored(other, precision='float32'), high)
    assert 0 < np.abs(low - high).mean() < 1
    assert np.array_equal(restored(checkpoint), high)
    with pytest.raises(ValueError, match='precision'):
        restored(checkpoint, precision='fp16')


def test_recipes_that_differ_are_noted(checkpoint, tmp_path):
    other = save_random_model(tmp_path / 'other.pth', 'model.postprocess=[]')
    restorer = Restorer.from_checkpoints([checkpoint, other])
    assert restorer.notes == ('the checkpoints differ in model.postprocess; that of the first one is used',)
    assert Restorer.from_checkpoints([checkpoint]).notes == ()


def test_devices(checkpoint):
    with pytest.raises(ValueError, match='expected auto, cpu or cuda'):
        Restorer.from_checkpoints([checkpoint], device='gpu')
    with pytest.raises(ValueError, match='no checkpoints'):
        Restorer.from_checkpoints([])


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without CUDA')
def test_cuda_that_is_not_there(checkpoint):
    with pytest.raises(ValueError, match='use --device cpu'):
        Restorer.from_checkpoints([checkpoint], device='cuda')


@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu(checkpoint):
    photo, mask = damaged_scene(5, 64, 80)
    outputs = [
        np.asarray(Restorer.from_checkpoints([checkpoint], device=device).restore(Image.fromarray(photo), mask))
        for device in ('cpu', 'cuda')
    ]
    assert np.abs(outputs[0].astype(int) - outputs[1]).mean() < 3  # half precision on the GPU
