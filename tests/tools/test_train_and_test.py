"""`tools/train.py` and `tools/test.py`, run as a person runs them."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import RECIPE, TINY, scene
from toolbox.config.loading import load_config
from tools import test as test_tool, train as train_tool

REPOSITORY = Path(__file__).resolve().parents[2]


def train(*arguments, options=()):
    return train_tool.main([RECIPE, *map(str, arguments), '--cfg-options', *TINY, *options])


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_folder_is_complete_and_test_repeats_the_score(workplace, photo_folder, capsys):
    assert train('--data-root', photo_folder) == 0
    printed = capsys.readouterr().out
    folder = workplace / 'work_dirs' / 'unetpp_cbam_b4' / '001'
    assert {path.name for path in folder.iterdir()} - {'vis_data'} == {  # which is TensorBoard's
        *(
            'config.py',
            'environment.json',
            'best.pth',
            'last.pth',
            'previous.pth',
            'metrics.json',
            'scalars.jsonl',
            'samples',
            'train.log',
            '.lock',
        )
    }
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert set(metrics) == {'score', 'ssim', 'masked_ssim', 'hue_similarity', 'n', 'epoch'}
    assert metrics['n'] == 3
    for words in (
        '6 photos train, 3 validate',
        'at most 2 epochs',
        'gray as it came',
        'OpenCV Telea + gray',
        'best.pth',
    ):
        assert words in printed
    assert f'{metrics["score"]:.4f}' in printed

    assert test_tool.main([RECIPE, '--data-root', str(photo_folder), '--json', 'score.json']) == 0
    again = json.loads(Path('score.json').read_text())
    assert again['score'] == pytest.approx(metrics['score'], abs=1e-6)
    assert len(again['per_image']) == 3
    assert np.mean([row['score'] for row in again['per_image'].values()]) == pytest.approx(again['score'], abs=1e-9)


def test_what_a_run_records(workplace, photo_folder):
    assert train('--data-root', photo_folder, '--seed', 7, '--fold', 1, '--work-dir', 'run') == 0
    config = load_config('run/config.py')
    assert (config.seed, config.fold, config.data.root) == (7, 1, str(photo_folder))
    environment = json.loads(Path('run/environment.json').read_text())
    assert {'command', 'packages', 'commit', 'data', 'device', 'precision'} <= set(environment)
    lines = [json.loads(line) for line in Path('run/scalars.jsonl').read_text().splitlines()]
    scores = [line['val_score'] for line in lines if 'val_score' in line]
    assert len(scores) == 2
    assert max(scores) == json.loads(Path('run/metrics.json').read_text())['score']
    with Image.open('run/samples/epoch_002.png') as grid:
        assert grid.mode == 'RGB'
        assert grid.width > 4 * 20  # input, stage 1, output and truth side by side
    assert 'epoch 2/2' in Path('run/train.log').read_text()


def test_numbered_folders_and_no_overwriting(workplace, photo_folder, capsys):
    for _ in range(2):
        assert train('--data-root', photo_folder, options=['train_cfg.max_epochs=1']) == 0
    assert sorted(path.name for path in Path('work_dirs/unetpp_cbam_b4').iterdir()) == ['001', '002']
    assert train('--data-root', photo_folder, '--work-dir', 'work_dirs/unetpp_cbam_b4/002') == 2
    assert 'add --resume' in capsys.readouterr().err


def test_a_resumed_run_ends_as_an_uninterrupted_one(workplace, photo_folder, capsys):
    import torch

    arguments = ('--data-root', photo_folder)
    three = ['train_cfg.max_epochs=3', 'lr_schedule.type=constant', 'data.mask.type=CompetitionShapes']
    assert train(*arguments, '--work-dir', 'whole', options=three) == 0
    assert train(*arguments, '--work-dir', 'parts', options=[*three, 'train_cfg.max_epochs=2']) == 0
    assert train(*arguments, '--work-dir', 'parts', '--resume', options=three) == 0
    assert 'resuming from parts/last.pth' in capsys.readouterr().out
    whole, parts = (torch.load(f'{name}/last.pth', weights_only=True) for name in ('whole', 'parts'))
    assert whole['step'] == parts['step']
    assert all(torch.equal(whole['model'][key], parts['model'][key]) for key in whole['model'])
    assert whole['best_score'] == parts['best_score']


def test_resume_without_a_checkpoint_starts_afresh_and_says_so(workplace, photo_folder, capsys):
    assert train('--data-root', photo_folder, '--resume', options=['train_cfg.max_epochs=1']) == 0
    assert 'starting afresh' in capsys.readouterr().out


def test_all_folds_together_score_each_photograph_by_the_fold_that_did_not_train_on_it(workplace, photo_folder, capsys):
    options = ['train_cfg.max_epochs=1']
    assert train('--data-root', photo_folder, '--fold', 'all', '--work-dir', 'run', options=options) == 0
    configs = [load_config(f'run/fold_{fold}/config.py') for fold in range(3)]
    assert [config.fold for config in configs] == [0, 1, 2]
    rows = list(csv.DictReader(open('run/out_of_fold.csv', newline='')))  # noqa: SIM115
    assert [row['image'] for row in rows] == sorted(path.name for path in photo_folder.iterdir())
    together = json.loads(Path('run/metrics.json').read_text())
    assert together['n'] == len(rows) == 9
    assert together['score'] == pytest.approx(np.mean([float(row['score']) for row in rows]), abs=1e-12)
    for row in csv.DictReader(open('run/folds.csv', newline='')):  # noqa: SIM115
        of_fold = [float(other['score']) for other in rows if other['fold'] == row['fold']]
        assert float(row['score']) == pytest.approx(np.mean(of_fold), abs=1e-12)
        again = f'run/{row["checkpoint"]}'
        assert test_tool.main([RECIPE, again, '--json', 'again.json']) == 0
        assert json.loads(Path('again.json').read_text())['score'] == float(row['score'])
    for row in rows:
        assert Path(f'run/fold_{row["fold"]}/predictions/{row["image"]}.png').is_file()
    assert Path('run/checkpoints.txt').read_text().split() == [f'run/fold_{fold}/best.pth' for fold in range(3)]
    assert 'all photos, out of fold' in capsys.readouterr().out

    kept = Path('run/fold_2/config.py').read_text()
    again = ('--data-root', photo_folder, '--fold', 'all', '--work-dir', 'run', '--resume')
    assert train(*again, options=[*options, 'optimizer.lr=5e-3']) == 2
    assert 'run/fold_0 cannot be resumed with optimizer.lr=0.005 (not 0.001)' in capsys.readouterr().err
    assert Path('run/fold_2/config.py').read_text() == kept
    assert train_tool.main(['--list', '--work-dir', 'run']) == 0
    (line,) = capsys.readouterr().out.splitlines()[1:]
    assert line.split()[:5] == ['run', 'done', '3', 'of', '3']
    assert 'model.encoder.type=TinyEncoder' in line


def test_a_fold_that_failed_is_repeated_and_the_others_are_kept(workplace, photo_folder, capsys):
    arguments = ['--data-root', photo_folder, '--fold', 'all', '--work-dir', 'run']
    assert train(*arguments, options=['train_cfg.max_epochs=1']) == 0
    kept = Path('run/fold_0/best.pth').stat().st_mtime_ns
    (Path('run') / 'fold_1' / 'state.json').write_text('{"state": "running"}')  # as a kill leaves it
    whole = Path('run/out_of_fold.csv').read_text()
    Path('run/out_of_fold.csv').unlink()
    assert train(*arguments, '--resume', options=['train_cfg.max_epochs=1']) == 0
    assert Path('run/fold_0/best.pth').stat().st_mtime_ns == kept
    assert Path('run/out_of_fold.csv').read_text() == whole
    assert 'resuming from run/fold_1/last.pth' in Path('run/fold_1/train.log').read_text()


@pytest.mark.parametrize('options', [[], ['data.real_pairs=1.0'], ['data.real_pairs=0.5', 'data.reduce=False']])
def test_the_competitions_folder(workplace, competition_folder, options):
    assert train('--data-root', competition_folder, options=options) == 0


@pytest.mark.parametrize(
    'options',
    [
        ['model.attention.type=SE'],
        ['model.attention.type=none'],
        ['model.layout.type=OneStage'],
        ['model.layout.type=TwoStageSequential'],
        ['model.losses.2.type=PatchGAN'],
        ['model.encoder.type=TimmEncoder', 'model.encoder.name=test_resnet', 'model.encoder.weights=None'],
        ['model.decoder.type=Unet'],
        ['model.losses.4.type=SSIM'],
        ['data.mask.type=CompetitionShapes'],
        ['model.postprocess=[]'],
        ['optimizer.type=SGD', 'optimizer.lr=0.01'],
    ],
)
def test_parts_are_switched_from_the_command_line(workplace, photo_folder, options):
    assert train('--data-root', photo_folder, options=[*options, 'train_cfg.max_epochs=1']) == 0


def test_a_loss_on_what_the_layout_does_not_predict_says_what_there_is(workplace, photo_folder, capsys):
    assert train('--data-root', photo_folder, options=['model.losses.0.on=grey']) == 2
    assert "predicts no 'grey'; did you mean 'gray'" in capsys.readouterr().err


def test_images_of_a_few_pixels_go_through(workplace, tmp_path):
    folder = tmp_path / 'tiny'
    folder.mkdir()
    for index in range(6):
        picture = np.random.default_rng(index).integers(0, 256, (5, 7, 3), np.uint8)
        Image.fromarray(picture).save(folder / f'{index}.png')
    assert train('--data-root', folder, options=['train_cfg.max_epochs=1']) == 0
    assert test_tool.main([RECIPE, '--data-root', str(folder)]) == 0


def test_other_photographs_are_scored_whole(workplace, photo_folder, competition_folder, capsys):
    assert train('--data-root', photo_folder, '--work-dir', 'run', options=['train_cfg.max_epochs=1']) == 0
    assert test_tool.main(['run', 'run/best.pth', '--data-root', str(competition_folder)]) == 0
    assert 'all of 6 photos' in capsys.readouterr().out


def test_a_checkpoint_is_scored_with_other_options(workplace, photo_folder, capsys):
    options = ['train_cfg.max_epochs=1']
    assert train('--data-root', photo_folder, '--work-dir', 'run', options=options) == 0
    for name, option in (('known', 'seed=42'), ('raw', 'model.postprocess=[]')):
        assert test_tool.main(['run', '--json', f'{name}.json', '--cfg-options', option]) == 0
    known, raw = (json.loads(Path(f'{name}.json').read_text()) for name in ('known', 'raw'))
    assert known['score'] == json.loads(Path('run/metrics.json').read_text())['score']
    assert raw['ssim'] < known['ssim']
    assert test_tool.main(['run', '--cfg-options', 'model.layout.type=OneStage']) == 2
    assert 'the weights are of other networks' in capsys.readouterr().err


def test_a_folder_of_its_own_validates(workplace, photo_folder, competition_folder, capsys):
    options = ['train_cfg.max_epochs=1', f'data.val_root={competition_folder}']
    assert train('--data-root', photo_folder, '--work-dir', 'run', options=options) == 0
    assert f'9 photos train, 6 validate (those of {competition_folder})' in capsys.readouterr().out
    score = json.loads(Path('run/metrics.json').read_text())['score']
    assert test_tool.main(['run', '--json', 'again.json']) == 0
    assert f'6 validation photos, those of {competition_folder}' in capsys.readouterr().out
    assert test_tool.main(['run', '--data-root', str(competition_folder), '--json', 'elsewhere.json']) == 0
    assert [json.loads(Path(file).read_text())['score'] for file in ('again.json', 'elsewhere.json')] == [score] * 2

    for fold in ('1', 'all'):
        assert train('--data-root', photo_folder, '--fold', fold, '--work-dir', f'fold_{fold}', options=options) == 2
        assert 'data.val_root names the photographs that validate' in capsys.readouterr().err


def run_tool(tool, *arguments, cwd, **environment):
    command = [sys.executable, str(REPOSITORY / 'tools' / tool), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((RECIPE, '--data-root', 'absent'), 'absent'),
        ((RECIPE, '--data-root', 'empty'), 'empty'),
        (('configs/unetpp_cbam_b5.py',), 'did you mean configs/unetpp_cbam_b4.py'),
        ((RECIPE, '--fold', 'x'), 'expected a number or all'),
        ((RECIPE, '--cfg-options', 'optimizer.lr'), 'expected KEY=VALUE'),
    ],
)
def test_what_cannot_work_is_said_before_torch_is_imported(tmp_path, arguments, message):
    (tmp_path / 'empty').mkdir()
    shadow = tmp_path / 'shadow'
    shadow.mkdir()
    (shadow / 'torch.py').write_text('raise SystemExit("torch was imported")')
    result = run_tool('train.py', *arguments, cwd=tmp_path, PYTHONPATH=str(shadow))
    assert result.returncode == 2
    assert message in result.stderr
    assert 'Traceback' not in result.stderr
    assert 'torch was imported' not in result.stderr


@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_help_imports_nothing_heavy(tmp_path, tool):
    for name in ('torch', 'numpy', 'mmengine'):
        (tmp_path / f'{name}.py').write_text(f'raise SystemExit("{name} was imported")')
    result = run_tool(tool, '--help', cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert '--data-root' in result.stdout


def test_a_models_report_and_a_submissions(workplace, photo_folder, capsys):
    assert train('--data-root', photo_folder, options=['train_cfg.max_epochs=1']) == 0
    assert test_tool.main([RECIPE, '--data-root', str(photo_folder), '--report', 'report']) == 0
    assert 'report/report.html' in capsys.readouterr().out
    assert len(Path('report/per_image.csv').read_text().splitlines()) == 1 + 3

    for folder in ('truth', 'masks', 'submission'):
        Path(folder).mkdir()
    for index in range(3):
        truth, hole = scene(index), np.zeros((48, 48), np.uint8)
        hole[5:20, 10:30] = 255
        Image.fromarray(truth).save(f'truth/{index}.png')
        Image.fromarray(hole).save(f'masks/{index}.png')
        Image.fromarray(truth).save(f'submission/{index}.png')
    arguments = ['--submission', 'submission', '--gt', 'truth', '--masks', 'masks', '--json', 's.json', '--report', 'r']
    assert test_tool.main(arguments) == 0
    assert json.loads(Path('s.json').read_text())['score'] == pytest.approx(1.0)
    assert Path('r/report.html').is_file()
    Path('submission/2.png').rename('submission/3.png')
    assert test_tool.main(arguments) == 2
    complaint = capsys.readouterr().err
    assert 'missing' in complaint
    assert 'surplus' in complaint
