"""One person's photographs: what they hold is what `infer` writes, and what is painted is what is filled."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.infer.support import damaged_scene, save_random_model
from tests.support import scene
from toolbox.images.io import MAX_PIXELS, write_png
from toolbox.infer.restore_files import Restorer
from toolbox.models import shipped_model
from toolbox.web.models import Models
from toolbox.web.work import SHOWN_SIDE, Look, Work, shown_hole
from tools import infer


@pytest.fixture(scope='module')
def restorer():
    return Restorer.from_checkpoints([shipped_model()], device='cpu')


@pytest.fixture
def photograph(tmp_path):
    """A function that writes a damaged photograph; kept elsewhere, as uploads are removed."""

    def write(name: str = 'old.png', seed: int = 1, height: int = 72, width: int = 96, **options):
        (tmp_path / 'uploads').mkdir(exist_ok=True)
        path = tmp_path / 'uploads' / name
        Image.fromarray(damaged_scene(seed, height, width)[0]).save(path, **options)
        return path

    return write


def add(work: Work, restorer: Restorer, *paths) -> Work:
    work.add(paths, restorer, MAX_PIXELS, keep=True)
    return work


def finish(steps) -> list:
    return list(steps)


def carried() -> dict:
    """What a photograph carries: it lies on its side, and has a profile and a resolution."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, 'Maker'
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    return dict(exif=exif, icc_profile=profile, dpi=(300, 200))


@pytest.mark.parametrize(
    ('name', 'look', 'options', 'arguments'),
    [
        ('side.tif', Look(), {}, ''),
        (
            'side.png',
            Look(0.35, 'matched'),
            {'tta': 'flip', 'tile': 64},
            '--strength 0.35 --colors matched --tta flip --tile 64',
        ),
    ],
)
def test_an_output_is_what_infer_writes(photograph, tmp_path, name, look, options, arguments):
    path = photograph(name, **carried(), **({'compression': 'tiff_lzw'} if name.endswith('.tif') else {}))
    choice = Models([], 'cpu')
    restorer = choice.restorer(choice.default, **options)
    work = add(Work(tmp_path), restorer, path)
    assert work.item.confidence > 0.5
    finish(work.restore(restorer))
    finish(work.look(look, restorer))
    assert infer.main([str(path), '--out', str(tmp_path / 'out'), '--keep-metadata', *arguments.split()]) == 0
    assert work.item.restored.read_bytes() == (tmp_path / 'out' / 'side.png').read_bytes()
    image = Image.open(work.item.restored)
    assert image.size == (72, 96)
    assert image.getexif()[0x010F] == 'Maker'
    assert 0x0112 not in image.getexif()
    assert [round(value) for value in image.info['dpi']] == [200, 300]
    assert work.item.shown[1].mode == 'L'


def test_strength_takes_no_network_while_there_is_room(photograph, tmp_path, restorer, monkeypatch):
    work = add(Work(tmp_path), restorer, photograph('a.png', 1), photograph('b.png', 2))
    assert finish(work.restore(restorer))[-1] == (2, 2)
    assert finish(work.look(Look(0.5), restorer)) == []
    weak = work.item.restored.read_bytes()
    monkeypatch.setattr('toolbox.web.work.KEPT_BYTES', 0)
    work.read(work.item, restorer)
    assert all(item.predicted is None for item in work.items)
    assert finish(work.look(Look(0.5), restorer))[-1] == (1, 1)
    assert work.item.restored.read_bytes() == weak


def test_no_hole_and_a_painted_one(photograph, tmp_path, restorer):
    path = photograph()
    work = add(Work(tmp_path), restorer, path)
    work.no_hole()
    assert work.item.confidence is None
    finish(work.restore(restorer))
    infer.main([str(path), '--out', str(tmp_path / 'none'), '--masks', 'none'])
    assert work.item.restored.read_bytes() == (tmp_path / 'none' / 'old.png').read_bytes()
    hole = np.zeros((72, 96), bool)
    hole[30:50, 20:60] = True
    work.paint(hole)
    assert work.item.restored is None
    finish(work.restore(restorer))
    (tmp_path / 'masks').mkdir()
    write_png(tmp_path / 'masks' / 'old.png', hole * np.uint8(255))
    infer.main([str(path), '--out', str(tmp_path / 'painted'), '--masks', str(tmp_path / 'masks')])
    assert work.item.restored.read_bytes() == (tmp_path / 'painted' / 'old.png').read_bytes()


def test_painting_on_a_reduced_photograph_leaves_the_rest_exact(tmp_path, restorer):
    gray = np.random.default_rng(0).integers(0, 256, (1000, 2 * SHOWN_SIDE + 37), dtype=np.uint8)
    gray[101:404, 203:806] = 77
    write_png(tmp_path / 'large.png', gray)
    work = add(Work(tmp_path), restorer, tmp_path / 'large.png')
    found = work.item.hole.copy()
    assert np.array_equal(found > 0, gray == 77) or found[101:404, 203:806].all()
    painted = shown_hole(found) > 0
    assert max(painted.shape) == SHOWN_SIDE
    work.paint(painted)
    assert np.array_equal(work.item.hole, found)
    assert work.item.confidence is not None
    painted[-20:, -20:] = True
    work.paint(painted)
    assert work.item.hole[-30:, -30:].all()
    assert np.array_equal(work.item.hole[:900, :2400], found[:900, :2400])


def test_what_cannot_be_read_is_told_and_uploads_are_removed(photograph, tmp_path, restorer):
    good, broken = photograph('good.png'), photograph('broken.png')
    broken.write_bytes(broken.read_bytes()[:200])
    work = Work(tmp_path)
    work.add([broken, good], restorer, MAX_PIXELS)
    assert list(work.failures) == ['broken.png']
    assert [item.name for item in work.items] == ['good.png']
    assert not good.exists()
    assert not broken.exists()
    work.add([photograph('large.png')], restorer, 100)
    assert 'too large' in work.failures['large.png']


def test_names_that_are_the_same_do_not_overwrite_each_other(photograph, tmp_path, restorer):
    work = add(Work(tmp_path), restorer, photograph('a.png', 1), photograph('a.bmp', 2))
    add(work, restorer, photograph('a.png', 3))
    assert len({item.output for item in work.items}) == 3
    finish(work.restore(restorer))
    assert len({item.restored.read_bytes() for item in work.items}) == 3
    assert work.zip().stat().st_size > sum(item.restored.stat().st_size for item in work.items)


def test_what_is_stopped_is_not_half_done(photograph, tmp_path, restorer):
    work = add(Work(tmp_path), restorer, photograph('a.png', 1), photograph('b.png', 2))
    steps = work.restore(restorer)
    while (step := next(steps))[0] < 1:
        assert step == (0, 2)
    steps.close()
    assert work.items[1].restored is None
    assert len(work.waiting) in (1, 2)
    finish(work.restore(restorer))
    assert work.waiting == []
    folder = work.folder
    work.close()
    assert not folder.exists()
    assert work.items == []


def test_models_to_choose_from(tmp_path):
    first = save_random_model(tmp_path / 'first.pth')
    (tmp_path / 'run').mkdir()
    second = save_random_model(tmp_path / 'run' / 'best.pth', seed=1)
    models = Models([first, tmp_path / 'run'], 'cpu')
    assert list(models.choices) == ['All 2 together', 'first.pth', 'run/best.pth', 'Shipped model']
    assert models.choices[models.default] == [first, second]
    assert len(models.restorer(models.default).ensemble.members) == 2
    assert not models.restorer('first.pth').has_readings
    assert [card['name'] for card in models.cards(models.default)] == ['first', 'best']
    path = tmp_path / 'photo.png'
    write_png(path, scene(1))
    work = add(Work(tmp_path), models.restorer(models.default), path)
    finish(work.restore(models.restorer(models.default)))
    assert infer.main([str(first), str(second), '--input', str(path), '--out', str(tmp_path / 'out')]) == 0
    assert work.item.restored.read_bytes() == (tmp_path / 'out' / 'photo.png').read_bytes()
    assert 'a color photo' in work.item.notes[0]
    assert Image.open(io.BytesIO(work.item.restored.read_bytes())).mode == 'RGB'
