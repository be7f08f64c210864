"""Submissions checked and scored: every problem listed, hostile archives refused cheaply, numbers as the scorer's."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.hostile import HOSTILE, NAMES, SIZE, picture, png, write_zip
from toolbox.scoring.score import score_images, summarize
from toolbox.scoring.score_submissions import (
    SubmissionError,
    as_json,
    check_submissions,
    how_scored,
    score_baselines,
    score_submissions,
)
from tools import test as test_tool

STEMS = [Path(name).stem for name in NAMES]
MEMORY_LIMIT = 300 * 2**20


@pytest.fixture
def contest(tmp_path):
    """gt/, masks/ and inputs/ of three images."""
    for folder in ('gt', 'masks', 'inputs'):
        (tmp_path / folder).mkdir()
    for number, name in enumerate(NAMES):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[4:20, 6 + number : 20] = 255
        truth = picture(number)
        damaged = np.where(mask > 0, 40, np.asarray(truth.convert('L'))).astype(np.uint8)
        truth.save(tmp_path / 'gt' / name)
        Image.fromarray(mask).save(tmp_path / 'masks' / name)
        Image.fromarray(damaged).save(tmp_path / 'inputs' / name)
    return tmp_path


def check(contest, *submissions, masks='masks', inputs=None):
    return check_submissions(
        [contest / submission for submission in submissions],
        contest / 'gt',
        masks=contest / masks if masks != 'auto' else 'auto',
        inputs=inputs and contest / inputs,
    )


def test_the_score_is_the_scorers(contest):
    outputs = [np.asarray(picture(number + 10)) for number in range(3)]
    write_zip(contest / 'mine.zip', **{f'image_{number}': png(Image.fromarray(o)) for number, o in enumerate(outputs)})
    (entry,) = score_submissions(check(contest, 'mine.zip'))
    expected = []
    for output, name in zip(outputs, NAMES, strict=True):
        truth, mask = (np.asarray(Image.open(contest / folder / name)) for folder in ('gt', 'masks'))
        images = (torch.tensor(image).permute(2, 0, 1)[None] for image in (output, truth, mask[..., None]))
        expected += score_images(*images)
    assert entry.name == 'mine.zip'
    assert list(entry.rows) == STEMS
    assert list(entry.rows.values()) == expected
    assert entry.summary == summarize(expected)


def test_the_truth_scores_one_from_a_folder_too(contest):
    (entry,) = score_submissions(check(contest, 'gt'))
    assert entry.summary['score'] == pytest.approx(1)


def test_holes_are_found_in_the_inputs(contest):
    write_zip(contest / 'mine.zip')
    (given,) = score_submissions(check(contest, 'mine.zip'))
    (found,) = score_submissions(check(contest, 'mine.zip', masks='auto', inputs='inputs'))
    assert found.rows == given.rows


def test_any_finder_can_be_asked(contest):
    write_zip(contest / 'mine.zip')
    checked = check(contest, 'mine.zip', masks='auto', inputs='inputs')
    (entry,) = score_submissions(checked, finder={'type': 'ConstantRegion', 'min_area': 1.0})
    assert {row['notes'] for row in entry.rows.values()} == {('no hole',)}


def test_pictures_for_the_report(contest):
    write_zip(contest / 'mine.zip')
    (entry,) = score_submissions(check(contest, 'mine.zip', inputs='inputs'))
    pictures = entry.pictures(STEMS[1])
    np.testing.assert_array_equal(pictures.truth, np.asarray(picture(1)))
    np.testing.assert_array_equal(pictures.output, np.asarray(picture(0)))
    np.testing.assert_array_equal(pictures.input, np.asarray(Image.open(contest / 'inputs' / NAMES[1])))
    assert pictures.hole.sum() == 16 * 13
    (entry,) = score_submissions(check(contest, 'mine.zip'))
    assert entry.pictures(STEMS[1]).input is None  # none was given, none is made up


MISTAKEN = [
    (('gt', 'gt', None), 'masks', 'looks like a photograph|the photograph itself'),
    (('gt', 'inputs', None), 'masks', 'looks like a photograph'),
    (('gt', 'inputs', 'inputs'), 'masks', 'the photograph itself'),
    (('masks', 'gt', None), 'truth', 'look like masks, black and white; are two folders swapped'),
    (('masks', 'masks', None), 'truth', 'look like masks'),
    (('inputs', 'masks', None), 'truth', 'the damaged ones. Give the true ones'),
    (('gt', 'masks', 'masks'), 'inputs', 'look like masks'),
    (('gt', 'masks', 'gt'), 'inputs', 'those of the truth, undamaged'),
    (('gt', 'auto', 'gt'), 'inputs', 'those of the truth, undamaged'),
    (('gt', 'auto', 'masks'), 'inputs', 'look like masks'),
]


@pytest.mark.parametrize(('folders', 'role', 'message'), MISTAKEN)
def test_folders_in_the_place_of_others_are_no_score(contest, capsys, monkeypatch, folders, role, message):
    """Each was scored, with exit code 0."""
    monkeypatch.chdir(contest)
    write_zip(contest / 'mine.zip')
    gt, masks, inputs = folders
    more = [] if inputs is None else ['--inputs', inputs]
    assert test_tool.main(['--submission', 'mine.zip', '--gt', gt, '--masks', masks, *more]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert dict(zip(('truth', 'masks', 'inputs'), folders, strict=True))[role] in error


def test_masks_that_are_named_otherwise_are_one_problem(contest):
    write_zip(contest / 'mine.zip')
    for name in NAMES:
        (contest / 'masks' / name).rename(contest / 'masks' / f'mask of {name}')
    with pytest.raises(SubmissionError, match='none of its 3 images is named like one of the truth: it has mask of '):
        check(contest, 'mine.zip')


def test_what_was_done_to_masks_is_said(contest, capsys, monkeypatch):
    monkeypatch.chdir(contest)
    write_zip(contest / 'mine.zip')
    plain = score_submissions(check(contest, 'mine.zip'))[0].rows
    hole = np.asarray(Image.open('masks/TEST_000.png'))
    Image.merge('LA', (Image.new('L', hole.shape, 255), Image.fromarray(hole))).save('masks/TEST_000.png')
    Image.fromarray(255 - np.asarray(Image.open('masks/TEST_001.png'))).save('masks/TEST_001.png')
    Image.open('masks/TEST_002.png').resize((64, 64), Image.Resampling.NEAREST).save('masks/TEST_002.png')
    assert score_submissions(check(contest, 'mine.zip', inputs='inputs'))[0].rows == plain
    arguments = ['--submission', 'mine.zip', '--gt', 'gt', '--masks', 'masks', '--inputs', 'inputs']
    assert test_tool.main(arguments) == 0
    said = capsys.readouterr().out
    for part in ('transparent layer; paint is hole: 1', 'it was inverted: 1', 'another size; it was resized: 1'):
        assert part in said


def test_holes_that_were_not_found_are_counted(contest, capsys, monkeypatch):
    """Where none is found, `masked_ssim` is 1."""
    monkeypatch.chdir(contest)
    write_zip(contest / 'mine.zip')
    gray = Image.open('gt/TEST_001.png').convert('L').point(lambda value: value // 2 + 60)
    gray.save('inputs/TEST_001.png')
    assert test_tool.main(['--submission', 'mine.zip', '--gt', 'gt', '--masks', 'auto', '--inputs', 'inputs']) == 0
    assert 'note: no hole was found in 1 of 3 inputs, whose masked_ssim is 1; --masks DIR' in capsys.readouterr().out


def test_baselines_are_measured_where_the_inputs_are_known(contest):
    write_zip(contest / 'mine.zip')
    assert score_baselines(check(contest, 'mine.zip')) == {}
    checked = check(contest, 'mine.zip', inputs='inputs')
    baselines = score_baselines(checked)
    assert list(baselines) == ['gray as it came', 'OpenCV Telea + gray']
    damaged = np.asarray(Image.open(contest / 'inputs' / NAMES[0]))
    truth, mask = (np.asarray(Image.open(contest / folder / NAMES[0])) for folder in ('gt', 'masks'))
    shown = np.repeat(damaged[..., None], 3, axis=2)
    images = (torch.tensor(image).permute(2, 0, 1)[None] for image in (shown, truth, mask[..., None]))
    assert baselines['gray as it came'][STEMS[0]] == score_images(*images)[0]
    assert list(baselines['OpenCV Telea + gray']) == STEMS
    how = how_scored(checked)
    assert how['truth'] == str(contest / 'gt')
    assert {'date', 'version', 'submission', 'masks', 'damaged images'} <= set(how)


def test_json_of_one_and_of_several(contest):
    write_zip(contest / 'mine.zip')
    one = score_submissions(check(contest, 'mine.zip'))
    content = json.loads(json.dumps(as_json(one)))
    assert list(content) == ['score', 'ssim', 'masked_ssim', 'hue_similarity', 'n', 'per_image']
    assert list(content['per_image']) == STEMS
    two = as_json(score_submissions(check(contest, 'mine.zip', 'gt')))
    assert list(two['submissions']) == ['mine.zip', 'gt']
    assert two['submissions']['mine.zip'] == as_json(one)


def test_equal_file_names_are_told_apart(contest):
    for folder in ('a', 'b'):
        (contest / folder).mkdir()
        write_zip(contest / folder / 'mine.zip')
    checked = check(contest, 'a/mine.zip', 'b/mine.zip')
    assert list(checked.submissions) == [str(contest / 'a/mine.zip'), str(contest / 'b/mine.zip')]


def test_all_problems_of_all_submissions_are_listed_at_once(contest):
    write_zip(
        contest / 'first.zip',
        {'notes.txt': b'hello', 'sub/x.png': png()},
        image_0=png(picture(size=30)),
        image_1=png(picture().convert('RGBA')),
    )
    (contest / 'second').mkdir()
    (contest / 'second' / NAMES[2]).write_bytes(b'text')
    (contest / 'masks' / NAMES[0]).unlink()
    Image.new('L', (9, 12)).save(contest / 'masks' / NAMES[1])
    with pytest.raises(SubmissionError) as raised:
        check(contest, 'first.zip', 'second', 'absent.zip')
    message = str(raised.value)
    for part in (
        'missing; the truth has an image of this name: TEST_000',
        '9x12, the upright photo 32x32; give a mask of that size: TEST_001.png',
        'surplus; the truth has no image of this name: notes.txt',
        'in a folder; the images lie at the top',
        '30x30, the truth is 32x32; submit the size of the input: TEST_000.png',
        "RGB with alpha, not RGB; save it as image.convert('RGB'): TEST_001.png",
        'missing; each image of the truth needs a PNG of its name: TEST_000.png, TEST_001.png',
        'no image, whatever its name says; write PNG: TEST_002.png',
        'absent.zip: no such submission',
    ):
        assert part in message
    assert list(raised.value.problems) == [str(contest / 'masks'), 'first.zip', 'second', 'absent.zip']


def test_long_lists_are_cut_short(contest):
    write_zip(contest / 'mine.zip', {f'{number}.png': b'' for number in range(500)})
    with pytest.raises(SubmissionError) as raised:
        check(contest, 'mine.zip')
    assert 'and 490 more' in str(raised.value)
    assert len(raised.value.problems['mine.zip']) == 500


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda root: (root / 'gt' / NAMES[0]).write_bytes(b'x'), 'not an image of a known format'),
        (lambda root: picture().save(root / 'gt' / 'TEST_000.bmp'), 'differs in its suffix alone'),
        (
            lambda root: Image.new('L', (SIZE, SIZE), 1).save(root / 'masks' / NAMES[0]),
            'one gray, 1, all over',
        ),
    ],
)
def test_problems_of_the_truths_side_are_named(contest, spoil, message):
    spoil(contest)
    write_zip(contest / 'mine.zip')
    with pytest.raises(SubmissionError, match=message):
        check(contest, 'mine.zip')


def test_missing_folders_are_named(contest):
    write_zip(contest / 'mine.zip')
    with pytest.raises(ValueError, match='--inputs DIR'):
        check(contest, 'mine.zip', masks='auto')
    with pytest.raises(FileNotFoundError, match='no such folder'):
        check(contest, 'mine.zip', masks='absent')
    (contest / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='no images in it'):
        check(contest, 'mine.zip', masks='empty')


CHECK_ALL = """
import json, re, sys
from pathlib import Path
from toolbox.scoring.score_submissions import SubmissionError, check_submissions
messages = {}
for path in sorted(Path('hostile').glob('*.zip')):
    try:
        check_submissions([path], 'gt', masks='masks')
    except SubmissionError as error:
        messages[path.stem] = str(error)
memory = 1024 * int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])
print(json.dumps({'messages': messages, 'memory': memory, 'torch': 'torch' in sys.modules}))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='reads its peak memory in /proc')
def test_hostile_archives_end_in_a_message_cheaply_and_leave_nothing_behind(contest):
    (contest / 'hostile').mkdir()
    for name, (write, _) in HOSTILE.items():
        write(contest / 'hostile' / f'{name}.zip')
    assert len(HOSTILE) >= 20
    before = sorted(contest.rglob('*'))
    environment = {'PYTHONPATH': str(Path(__file__).parents[2])}
    program = [sys.executable, '-c', CHECK_ALL]
    done = subprocess.run(program, cwd=contest, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {name for name, (_, part) in HOSTILE.items() if part not in result['messages'].get(name, '')} == set()
    assert not any('\x1b' in message for message in result['messages'].values())
    assert not result['torch']
    assert result['memory'] < MEMORY_LIMIT
    assert sorted(contest.rglob('*')) == before
    assert not Path('/tmp/evil.png').exists()
