"""`tools/clean_data.py`, run as a person runs it, and training on what it leaves."""

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cleaning.planted import DUPLICATES, STRANGERS, plant
from tests.support import RECIPE, TINY, filled, scene
from toolbox.data.clean_csv import Row, read_clean_csv
from toolbox.data.sources import open_source
from toolbox.images.io import read_gray, read_rgb
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import EMBEDDERS
from toolbox.system.locks import locked
from toolbox.system.paths import REPOSITORY
from tools import clean_data, train

CONFIG = 'configs/cleaning/color_texture.py'
# Without UMAP, whose import takes as long as all the rest.
QUICK = ['reducer.type=PCA', 'workers=0', 'stability_seeds=1']
STRANGE = ('text', 'noise', 'drawing', 'solid')


def clean(*arguments, options=()) -> int:
    return clean_data.main([*map(str, arguments), '--config', CONFIG, '--cfg-options', *QUICK, *options])


def real_crops(folder: Path, side: int = 128) -> list[Path]:
    """Crops of the photographs that installed packages carry: real, and all different."""
    folder.mkdir()
    paths = []
    strangers = ('hubble_deep_field.jpg', 'ihc.png', 'retina.jpg')
    photos = [photo.path for photo in open_source(None) if photo.name not in strangers]
    (left,) = (path for path in photos if path.name == 'motorcycle_left.png')
    for photo in sorted([*photos, left.with_name('motorcycle_right.png')], key=lambda path: path.name):
        pixels = read_rgb(photo)
        for row in range(0, pixels.shape[0] - side + 1, side):
            for column in range(0, pixels.shape[1] - side + 1, side):
                paths.append(folder / f'{Path(photo.name).stem}_{row}_{column}.jpg')
                Image.fromarray(pixels[row : row + side, column : column + side]).save(paths[-1], quality=95)
    return paths


@pytest.fixture(scope='module')
def planted(tmp_path_factory) -> Path:
    """Real photographs among which strangers and near duplicates are planted."""
    folder = tmp_path_factory.mktemp('planted') / 'photos'
    crops = real_crops(folder)
    # What shows next to nothing, like a plain sky, has no fingerprint that would survive compression.
    structured = [path for path in crops if read_gray(path).std() > 25]
    plant(folder, structured[:: len(structured) // DUPLICATES], 128)
    (folder / 'truncated.jpg').write_bytes(crops[0].read_bytes()[:2000])
    return folder


@pytest.fixture(scope='module')
def cleaned(planted) -> Path:
    """The result, with the config's own reducer, UMAP."""
    out = planted.parent / 'cleaned'
    options = ['--config', CONFIG, '--cfg-options', 'stability_seeds=2']
    assert clean_data.main([str(planted), '--out', str(out), *options]) == 0
    return out


def test_strangers_are_dropped_duplicates_grouped_and_photographs_kept(cleaned):
    rows = read_clean_csv(cleaned / 'clean.csv')
    strangers = [row for row in rows.values() if row.image.startswith(STRANGE)]
    copies = [row for row in rows.values() if row.image.startswith('copy')]
    others = [row for row in rows.values() if row not in [*strangers, *copies, rows['truncated.jpg']]]
    assert (len(strangers), len(copies)) == (STRANGERS, DUPLICATES)
    dropped = [row for row in strangers if not row.keep]
    assert len(dropped) >= 18
    reasons = ('noise: ', 'small strange cluster', 'gray only', 'duplicate of')
    assert all(row.reason.startswith(reasons) for row in dropped)
    assert all(row.group is not None for row in copies)
    outliers = [row for row in others if not row.keep and not row.reason.startswith('duplicate')]
    assert len(outliers) <= 0.05 * len(others)


def test_each_group_keeps_one_unless_it_is_strange(cleaned):
    groups: dict[int, list[Row]] = {}
    for row in read_clean_csv(cleaned / 'clean.csv').values():
        if row.group is not None:
            groups.setdefault(row.group, []).append(row)
    assert len(groups) >= DUPLICATES
    for rows in groups.values():
        assert sum(row.keep for row in rows) <= 1
        assert len({(row.label, row.score) for row in rows}) == 1


def test_what_is_written(cleaned, planted):
    assert {path.name for path in cleaned.iterdir()} == {
        *('clean.csv', 'failures.csv', 'embeddings.npz', 'report.html', 'summary.json', 'config.py', 'cache.sqlite')
    }
    with (cleaned / 'failures.csv').open(newline='') as file:
        failures = list(csv.DictReader(file))
    assert [row['image'] for row in failures] == ['truncated.jpg']
    assert 'truncated' in failures[0]['reason']
    rows = read_clean_csv(cleaned / 'clean.csv')
    assert list(rows) == sorted(path.name for path in planted.iterdir())
    assert rows['truncated.jpg'].reason.startswith('unreadable: ')
    with np.load(cleaned / 'embeddings.npz') as arrays:
        assert arrays['embedding'].dtype == np.float32
        assert len(arrays['embedding']) == len(arrays['image']) == len(rows) - 1
        assert len(arrays['reduced']) == len(arrays['judged']) < len(arrays['image'])
    summary = json.loads((cleaned / 'summary.json').read_text())
    assert sum(summary[kind] for kind in ('unreadable', 'file', 'duplicate', 'outlier', 'kept')) == len(rows)
    assert summary['kept'] == sum(row.keep for row in rows.values())
    assert 0.9 < summary['stability']['agreement'] <= 1
    assert {'files', 'reduce', 'choose', 'detect', 'stability'} <= set(summary['seconds'])


def test_the_same_csv_in_another_process_and_with_other_workers(planted, tmp_path):
    csvs = []
    for number, workers in enumerate((0, 2)):
        options = [*QUICK, f'workers={workers}', 'embedder.batch_size=16']
        command = [sys.executable, str(REPOSITORY / 'tools/clean_data.py'), str(planted), '--out', f'out {number}']
        result = subprocess.run(
            [*command, '--config', CONFIG, '--cfg-options', *options], cwd=tmp_path, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        csvs.append((tmp_path / f'out {number}' / 'clean.csv').read_bytes())
    assert csvs[0] == csvs[1]


def test_a_second_run_embeds_nothing_and_writes_the_same(photo_folder, tmp_path, capsys):
    assert clean(photo_folder, '--out', tmp_path) == 0
    assert '9 images were new' in capsys.readouterr().out
    first = (tmp_path / 'clean.csv').read_bytes()
    assert clean(photo_folder, '--out', tmp_path) == 0
    assert '0 images were new' in capsys.readouterr().out
    assert (tmp_path / 'clean.csv').read_bytes() == first


def test_an_edited_csv_is_not_overwritten(photo_folder, tmp_path, capsys):
    assert clean(photo_folder, '--out', tmp_path) == 0
    text = (tmp_path / 'clean.csv').read_text()
    (tmp_path / 'clean.csv').write_text(text.replace(',0,', ',1,', 1))
    assert clean(photo_folder, '--out', tmp_path) == 2
    assert 'was edited since it was written' in capsys.readouterr().err


def test_clip_runs_for_real_from_a_local_file(photo_folder, tmp_path, capsys):
    discover_plugins()
    model = EMBEDDERS.get('CLIP').example_options(tmp_path)
    options = ['embedder.type=CLIP', *(f'embedder.{key}={value}' for key, value in model.items())]
    assert clean(photo_folder, '--out', tmp_path / 'out', options=options) == 0
    assert '9 images were new' in capsys.readouterr().out
    with np.load(tmp_path / 'out' / 'embeddings.npz') as arrays:
        vectors = arrays['embedding']
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert clean(photo_folder, '--out', tmp_path / 'out', options=options) == 0
    assert '0 images were new' in capsys.readouterr().out
    assert clean(photo_folder, '--out', tmp_path / 'out', options=[*options, f'embedder.sha256={"f" * 64}']) == 2
    assert 'sha256 is' in capsys.readouterr().err


def test_an_unreachable_hub_names_the_ways_out(photo_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('HF_HUB_CACHE', str(tmp_path))
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    assert clean_data.main([str(photo_folder), '--out', str(tmp_path / 'out')]) == 2
    complaint = capsys.readouterr().err
    assert all(words in complaint for words in ('embedder.type=ColorTexture', 'weights=path/to/file', 'HF_ENDPOINT='))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['embedder.type=Clip'], "did you mean 'CLIP'"),
        (['detector.threshhold=1'], "did you mean 'threshold'"),
        (['detector.min_cluster_size=one'], 'detector.min_cluster_size: HDBSCAN takes int'),
        (['reducer.seed=1'], 'set by the program'),
        (['duplicates.max_bits=9'], 'out of range'),
        (['data.size=9'], "no key 'data'"),
        (["files.drop=['grey']"], "did you mean 'gray'"),
    ],
)
def test_what_is_mistyped_is_an_error_with_a_suggestion(photo_folder, tmp_path, capsys, options, message):
    assert clean(photo_folder, '--out', tmp_path, options=options) == 2
    assert message in capsys.readouterr().err


def test_a_missing_folder_is_said_before_torch_is_imported(tmp_path):
    (tmp_path / 'torch.py').write_text('raise SystemExit("torch was imported")')
    command = [sys.executable, str(REPOSITORY / 'tools/clean_data.py'), 'absent', '--out', 'out']
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 2
    assert 'no folder absent' in result.stderr


def test_a_folder_without_an_image_is_an_error(tmp_path, capsys):
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'a.jpg').write_text('no image')
    assert clean(tmp_path / 'photos', '--out', tmp_path / 'out') == 2
    assert 'not an image' in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_an_error(photo_folder, tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert clean(photo_folder, '--out', tmp_path / 'file') == 2
    assert 'is a file; give another place' in capsys.readouterr().err


@pytest.mark.parametrize('room', [12, 24, 48, 96])
def test_a_full_disk_is_said_and_what_was_learned_stays(room, photo_folder, small_disk, capsys):
    """Wherever it fills: in the database, in a table, in the page; `room` in KiB."""
    disk = small_disk(1024 * 1024)
    with filled(disk, room * 1024):
        assert clean(photo_folder, '--out', disk / 'out') == 2
    told = capsys.readouterr().err
    assert re.fullmatch(
        rf'error: {disk}/out/\S+ cannot be written: .* \(its disk has \d+\.\d MiB free\); make room, .*; what was '
        r'learned of the files is kept: the same command goes on where this run stopped\n',
        told,
    )
    assert not list(disk.rglob('.*'))
    assert clean(photo_folder, '--out', disk / 'out') == 0


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='needs /proc')
def test_a_kill_costs_the_current_batch_and_leaves_no_process(planted, tmp_path):
    """SIGKILL while images are embedded: what was embedded stays, the csv is that of a run that nobody disturbed."""
    options = ['--config', CONFIG, '--cfg-options', *QUICK, 'workers=2', 'embedder.batch_size=8']
    command = [sys.executable, str(REPOSITORY / 'tools/clean_data.py'), str(planted), '--out', str(tmp_path / 'killed')]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    database = tmp_path / 'killed' / 'cache.sqlite'
    wait_for(lambda: known_vectors(database) >= 24 or process.poll() is not None)
    workers = children(process.pid)
    process.kill()
    process.wait()
    kept = known_vectors(database)
    assert kept >= 24
    assert len(workers) == 2
    wait_for(lambda: not any(is_running(worker) for worker in workers))
    said = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    images = len({path.read_bytes() for path in planted.iterdir()}) - 1  # without the truncated one
    assert f'{images - kept} images were new' in said
    assert clean(planted, '--out', tmp_path / 'undisturbed') == 0
    assert (tmp_path / 'killed/clean.csv').read_bytes() == (tmp_path / 'undisturbed/clean.csv').read_bytes()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def known_vectors(database: Path) -> int:
    try:
        with closing(sqlite3.connect(f'file:{database}?mode=ro', uri=True)) as cache:
            return cache.execute('SELECT count(*) FROM vectors').fetchone()[0]
    except sqlite3.OperationalError:  # not there yet, or being written
        return 0


def children(process: int) -> list[int]:
    return [int(number) for number in Path(f'/proc/{process}/task/{process}/children').read_text().split()]


def is_running(process: int) -> bool:
    try:
        return ') Z ' not in Path(f'/proc/{process}/stat').read_text()
    except FileNotFoundError:
        return False


def test_a_file_name_that_is_no_text_is_no_obstacle(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(3):
        Image.fromarray(scene(number, 72, 72)).save(folder / f'{number}.png')
    strange = b'strange \xff'.decode('utf-8', 'surrogateescape')
    (folder / f'{strange}.png').write_bytes((folder / '0.png').read_bytes())
    (folder / f'{strange}.jpg').touch()
    assert clean(folder, '--out', tmp_path / 'out') == 0
    rows = read_clean_csv(tmp_path / 'out' / 'clean.csv')
    assert rows[f'{strange}.png'].group == rows['0.png'].group == 0
    assert rows[f'{strange}.jpg'].reason.startswith('unreadable')


def test_training_takes_the_csv_and_says_what_was_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('photos').mkdir()
    for number in range(12):
        Image.fromarray(scene(number, 72, 72)).save(f'photos/{number:02d}.png')
    Image.fromarray(scene(0, 72, 72)).resize((66, 66)).save('photos/copy.jpg', quality=80)
    Image.fromarray(scene(20, 20, 30)).save('photos/small.png')
    assert clean('photos', '--out', 'cleaned') == 0
    capsys.readouterr()
    options = [*TINY, 'train_cfg.max_epochs=1', 'clean_csv=cleaned/clean.csv', 'use_labels=True']
    assert train.main([RECIPE, '--data-root', 'photos', '--cfg-options', *options]) == 0
    printed = capsys.readouterr().out
    rows = read_clean_csv('cleaned/clean.csv')
    kept = sum(row.keep for row in rows.values())
    assert f'cleaned by cleaned/clean.csv: {kept} photos stay, {14 - kept} are left out' in printed
    assert '1 tiny' in printed
    assert '1 duplicate' in printed
    assert train.main([RECIPE, '--data-root', 'photos', '--cfg-options', *TINY, 'use_labels=True']) == 2
    assert 'set clean_csv' in capsys.readouterr().err


def test_ray_gives_the_same(photo_folder, tmp_path):
    pytest.importorskip('ray', reason='needs Ray')
    assert clean(photo_folder, '--out', tmp_path / 'alone') == 0
    assert clean(photo_folder, '--out', tmp_path / 'ray', '--ray', 'local', options=['embedder.batch_size=2']) == 0
    for name in ('clean.csv', 'embeddings.npz', 'failures.csv'):
        assert (tmp_path / 'ray' / name).read_bytes() == (tmp_path / 'alone' / name).read_bytes()


def test_a_damaged_row_of_the_cache_is_said(photo_folder, tmp_path, capsys):
    assert clean(photo_folder, '--out', tmp_path / 'out') == 0
    before = (tmp_path / 'out' / 'clean.csv').read_bytes()
    with closing(sqlite3.connect(tmp_path / 'out' / 'cache.sqlite')) as database:
        database.execute("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE sha256 = (SELECT min(sha256) FROM "
                         'vectors)')  # fmt: skip
        database.commit()
    capsys.readouterr()
    assert clean(photo_folder, '--out', tmp_path / 'out') == 0
    told = capsys.readouterr().out
    assert 'cache.sqlite: 1 row damaged; what they were about was computed again' in told
    assert '1 image was new' in told
    assert (tmp_path / 'out' / 'clean.csv').read_bytes() == before


def test_two_runs_with_one_out_are_told_apart(photo_folder, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    with locked(tmp_path / 'out', 'a test'):
        assert clean(photo_folder, '--out', tmp_path / 'out') == 2
    assert 'another process works in' in capsys.readouterr().err
    assert clean(photo_folder, '--out', tmp_path / 'out') == 0
    assert not (tmp_path / 'out' / '.lock').exists()


@pytest.mark.parametrize('content', ['', '{"clean_csv', '[]', '{"clean_csv_sha256": 3}', '{}', '{"format": 99}'])
def test_a_damaged_summary_is_told(content, photo_folder, tmp_path, capsys):
    assert clean(photo_folder, '--out', tmp_path / 'out') == 0
    (tmp_path / 'out' / 'summary.json').write_text(content, encoding='utf-8')
    assert clean(photo_folder, '--out', tmp_path / 'out') == 2
    told = capsys.readouterr().err
    assert re.search(r'summary\.json: (damaged: .*; whether .*clean.csv was edited|written by a newer version)', told)
    assert told.count('\n') == 1


def test_embeddings_tell_a_flipped_bit(photo_folder, tmp_path):
    assert clean(photo_folder, '--out', tmp_path / 'out') == 0
    path = tmp_path / 'out' / 'embeddings.npz'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with np.load(path) as arrays, pytest.raises(zipfile.BadZipFile, match='CRC'):
        [arrays[name] for name in arrays.files]
