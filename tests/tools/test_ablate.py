"""`tools/ablate.py`, run as a person runs it: nothing is done twice, and what fails is shown as failed."""

import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from tests.support import TINY
from toolbox.config.options import parse_options
from toolbox.experiment.plan import make_plan
from toolbox.system.paths import CONFIGS, REPOSITORY
from tools import ablate as ablate_tool

COSTS = {'images_per_second', 'peak_memory_mib', 'wall_minutes', 'gpu_minutes'}
PLANTED = [str(REPOSITORY / 'tests' / path) for path in ('experiment/planted_arms.py', 'training/planted_parts.py')]
ATTENTION = """
_base_ = ['{configs}/_base_/ablation.py']
axes = dict(
    attention=dict(cbam={{'model.attention.type': 'CBAM'}}, none={{'model.attention.type': 'none'}}),
    lr=dict(high={{'optimizer.lr': 1e-2}}, low={{'optimizer.lr': 1e-3}}),
)
seeds = [0, 1]
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'parts.py').write_text(ATTENTION.format(configs=CONFIGS))
    return tmp_path


def command(photos, *arguments, ablation='parts.py', options=()):
    return [ablation, '--data-root', str(photos), '--work-dir', 'out', *arguments, '--cfg-options', *TINY, *options]


@contextmanager
def working_in(folder):
    """`monkeypatch.chdir` for fixtures of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def table(folder):
    """The table's rows without what a clock says."""
    rows = list(csv.DictReader((folder / 'table.csv').open(newline='')))
    return [{key: value for key, value in row.items() if key not in COSTS} for row in rows]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory, photo_folder):
    """The folder of an ablation of four arms with two seeds."""
    folder = tmp_path_factory.mktemp('ablation')
    (folder / 'parts.py').write_text(ATTENTION.format(configs=CONFIGS))
    with working_in(folder):
        assert ablate_tool.main(command(photo_folder)) == 0
    return folder / 'out'


@pytest.fixture(scope='module')
def of_one_seed(undisturbed, tmp_path_factory, photo_folder):
    """The folder of the same arms with the first seed alone, from the trials of `undisturbed`."""
    folder = tmp_path_factory.mktemp('one_seed')
    shutil.copytree(undisturbed.parent, folder, dirs_exist_ok=True)
    with working_in(folder):
        assert ablate_tool.main(command(photo_folder, '--seeds', '0')) == 0
    assert len(list((folder / 'out' / 'trials').iterdir())) == 8  # none was trained again
    return folder / 'out'


def test_every_arm_is_in_the_table_with_its_difference(undisturbed):
    rows = table(undisturbed)
    assert {row['arm'] for row in rows} == {'cbam + high', 'cbam + low', 'none + high', 'none + low'}
    assert rows[0]['arm'] == 'cbam + high'
    assert [row['n'] for row in rows] == ['2'] * 4
    assert all(row['basis'] == 'pairs' and row['difference'] for row in rows[1:])
    assert not any(row['low'] or row['p'] for row in rows)  # on three photographs
    baselines = json.loads((undisturbed / 'plan.json').read_text())['baselines']
    assert set(baselines) == {'gray as it came', 'OpenCV Telea + gray'}
    for row in rows:
        assert ('gray as it came' in row['notes']) == (float(row['score_mean']) < baselines['gray as it came'])
    for name in ('table.md', 'table.tex', 'report.html'):
        assert 'cbam + high' in (undisturbed / name).read_text()


def test_arms_are_paired(undisturbed):
    """Trials of one seed begin with the same photographs and are measured on the same ones."""
    trials = [json.loads((path / 'result.json').read_text()) for path in (undisturbed / 'trials').iterdir()]
    assert len(trials) == 8
    assert len({tuple(sorted(trial['per_image'])) for trial in trials}) == 1
    by_arm_and_seed = {}
    for path in (undisturbed / 'trials').iterdir():
        facts = json.loads((path / 'trial.json').read_text())
        by_arm_and_seed[facts['arm'], facts['seed']] = json.loads((path / 'result.json').read_text())
    for seed in (0, 1):  # equal networks, equal first weights
        high, low = (by_arm_and_seed[f'cbam + {lr}', seed]['untrained'] for lr in ('high', 'low'))
        assert high == low


def test_an_arm_may_start_from_another_config(tmp_path, photo_folder):
    other, recipes = tmp_path / 'other.py', tmp_path / 'recipes.py'
    text = f"_base_ = ['{CONFIGS}/unetpp_cbam_b4.py']\nmodel = dict(layout=dict(type='OneStage'))\n"
    other.write_text(text)
    level = dict(base=str(other), **{'optimizer.lr': 0.5})
    recipes.write_text(
        f"_base_ = ['{CONFIGS}/_base_/ablation.py']\naxes = dict(recipe=dict(one={{}}, other={level}))\n"
    )
    options = parse_options(TINY)
    plan = make_plan(str(recipes), str(photo_folder), options)
    assert [config.model.layout.type for config in plan.configs.values()] == ['TwoStage', 'OneStage']
    assert plan.configs['other'].optimizer.lr == 0.5

    other.write_text(f'{text}data = dict(val_size=48)\n')
    with pytest.raises(ValueError, match=r'other: data\.val_size is 48, and None in one'):
        make_plan(str(recipes), str(photo_folder), options)


def test_every_trial_has_its_record(undisturbed):
    for path in (undisturbed / 'trials').iterdir():
        facts = json.loads((path / 'trial.json').read_text())
        assert {'arm', 'seed', 'fold', 'command', 'commit', 'code', 'data'} <= set(facts)
        assert 'torch==' in (path / 'packages.txt').read_text()
        assert (path / 'code.diff').is_file()
        for name in ('config.py', 'environment.json', 'best.pth', 'metrics.json', 'output.log', 'photos/0_output.png'):
            assert (path / name).is_file(), name


def test_the_table_is_shown_again_and_nothing_is_trained_again(undisturbed, photo_folder, capsys, monkeypatch):
    assert ablate_tool.main(['--show', str(undisturbed)]) == 0
    shown = capsys.readouterr().out
    assert 'none + low' in shown
    assert 'Main effects' in shown
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob('*.pth')}
    monkeypatch.chdir(undisturbed.parent)
    assert ablate_tool.main(command(photo_folder)) == 0
    printed = capsys.readouterr().out
    assert '8 of 8 trials were done before' in printed
    assert shown.strip() in printed
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob('*.pth')} == before


def test_killed_five_times_it_ends_with_the_same_table(undisturbed, workplace, photo_folder):
    rng, starts = random.Random(5), 0
    for _ in range(5):
        begun = count(workplace, 'state.json')
        process = start(command(photo_folder), workplace)
        wait_until(lambda: count(workplace, 'state.json') > begun or process.poll() is not None)  # noqa: B023
        time.sleep(rng.uniform(0, 1))
        starts += process.poll() is None
        process.kill()
        process.wait()
    assert starts >= 3  # killed amid the work
    process = start(command(photo_folder), workplace)
    assert process.wait(120) == 0
    assert table(workplace / 'out') == table(undisturbed)


def test_asked_to_stop_it_saves_and_goes_on_later(workplace, photo_folder):
    process = start(command(photo_folder, '--seeds', '0'), workplace)
    wait_until(lambda: count(workplace, 'state.json') > 0)
    refused = subprocess.run(
        [sys.executable, str(REPOSITORY / 'tools/ablate.py'), *command(photo_folder, '--seeds', '0')],
        cwd=workplace,
        capture_output=True,
        text=True,
    )
    if process.poll() is None:
        assert refused.returncode == 2
        assert 'another process works in out' in refused.stderr
    process.terminate()
    assert process.wait(60) in (0, 143)
    assert ablate_tool.main(command(photo_folder, '--seeds', '0')) == 0
    assert [row['n'] for row in table(workplace / 'out')] == ['1'] * 4
    assert {row['basis'] for row in table(workplace / 'out')[1:]} == {'images'}


FAILING = """
_base_ = ['{configs}/_base_/ablation.py']
custom_imports = {planted!r}
axes = dict(encoder=dict(
    tiny={{'model.encoder.type': 'TinyEncoder'}},
    crashes={{'model.encoder.type': 'CrashingEncoder'}},
    hungry={{'model.encoder.type': 'HungryEncoder'}},
    killed={{'model.encoder.type': 'KilledEncoder'}},
    at_once={{'model.encoder.type': 'CrashingAtOnceEncoder'}},
    never={{'model.encoder.type': 'TinyEncoder', 'model.decoder.type': 'PlainDecoder', 'optimizer.lr': 0.0}},
))
seeds = [0]
"""


def test_what_fails_stays_visible_with_its_reason(workplace, photo_folder, capsys):
    (workplace / 'failing.py').write_text(FAILING.format(configs=CONFIGS, planted=PLANTED))
    options = ['data.repeat=3']
    assert ablate_tool.main(command(photo_folder, ablation='failing.py', options=options)) == 3
    captured = capsys.readouterr()
    notes = {row['arm']: row['notes'] for row in table(workplace / 'out')}
    assert 'planted: a shape that does not fit' in notes['crashes']
    assert 'out of memory' in notes['hungry']
    assert 'SIGKILL' in notes['killed']
    assert 'planted: fails on the first batch' in notes['at_once']
    assert 'no better than untrained' in notes['never']
    assert 'failed' not in notes['tiny']
    assert 'untrained' not in notes['tiny']
    assert 'planted: fails on the first batch' in captured.err
    assert 'add --rerun-failed' in captured.err

    assert ablate_tool.main(command(photo_folder, '--rerun-failed', ablation='failing.py', options=options)) == 3
    printed = capsys.readouterr().out
    assert '2 of 5 trials were done before' in printed  # the three that failed in training were tried once more
    assert (
        ablate_tool.main(
            command(photo_folder, '--rerun-failed', '--on-fail', 'stop', ablation='failing.py', options=options)
        )
        == 2
    )


def test_successive_halving_drops_whole_arms(workplace, photo_folder, capsys):
    with (workplace / 'parts.py').open('a') as file:
        file.write('halving = dict(epochs=[1], keep=0.25)\n')
    assert ablate_tool.main(command(photo_folder)) == 0
    rows = {row['arm']: row for row in table(workplace / 'out')}
    dropped = [arm for arm, row in rows.items() if 'dropped' in row['notes']]
    assert len(dropped) in (2, 3)  # one arm of four goes on, and the baseline
    assert 'cbam + high' not in dropped
    for trial in (workplace / 'out' / 'trials').iterdir():
        arm = json.loads((trial / 'trial.json').read_text())['arm']
        epochs = json.loads((trial / 'result.json').read_text())['epoch']
        assert epochs == (1 if arm in dropped else 2)
    assert ablate_tool.main(command(photo_folder)) == 0
    assert {row['arm']: row for row in table(workplace / 'out')} == rows


def test_budgets_in_steps_and_minutes(workplace, photo_folder):
    with (workplace / 'parts.py').open('a') as file:
        file.write("axes.pop('lr')\n")
    assert ablate_tool.main(command(photo_folder, '--steps', '3', '--seeds', '0')) == 0
    result = next((workplace / 'out' / 'trials').glob('*/result.json'))
    assert json.loads(result.read_text())['curve'][-1]['step'] == 3
    assert ablate_tool.main(command(photo_folder, '--minutes', '0.01', '--seeds', '0')) == 0
    summary = list(csv.DictReader((workplace / 'out' / 'table.csv').open(newline='')))
    assert [row['n'] for row in summary] == ['1'] * 2


def test_two_workers_come_to_the_same_table(of_one_seed, workplace, photo_folder):
    assert ablate_tool.main(command(photo_folder, '--seeds', '0', '--workers', '2')) == 0
    assert table(workplace / 'out') == table(of_one_seed)


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['no_such_ablation'], 'no_such_ablation'),
        (['parts.py', '--show', 'nowhere'], 'holds no ablation'),
        (['parts.py', '--data-root', 'nowhere'], 'no folder nowhere'),
        (['parts.py', '--cfg-options', 'model.encoder.type=TinyEncodr'], 'TinyEncoder'),
        (['parts.py', '--cfg-options', 'optimizer.lrr=1'], 'optimizer.lrr'),
        (['parts.py', '--seeds', '1', '1'], 'count it twice'),
        (['parts.py', '--folds', '7'], 'fold 7'),
        (['parts.py', '--ray', '127.0.0.1:1'], 'ray start --head' if find_spec('ray') else "pip install '.[ray]'"),
    ],
)
def test_a_typo_costs_seconds(workplace, capsys, arguments, words):
    assert ablate_tool.main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not list(workplace.rglob('*.pth'))


@pytest.mark.parametrize('path', sorted((CONFIGS / 'ablations').glob('*.py')), ids=lambda path: path.stem)
def test_each_shipped_ablation_makes_a_plan(path, workplace, photo_folder):
    options = {}
    if path.stem == 'cleaning':
        names = sorted(file.name for file in photo_folder.iterdir())
        rows = [f'{name},0,0.1,{int(place != 1)},,' for place, name in enumerate(names)]
        (workplace / 'clean.csv').write_text('\n'.join(['image,label,score,keep,reason,group', *rows]) + '\n')
        options['clean_csv'] = 'clean.csv'
    plan = make_plan(str(path), str(photo_folder), options, say=lambda _: None)
    assert len(plan.arms) > 1
    trials = [trial for arm in plan.arms for trial in plan.trials(arm)]
    assert len({trial.name for trial in trials}) == len(trials)
    assert len({config.pretty_text for config in plan.configs.values()}) == len(plan.arms)


def test_on_a_cluster_that_loses_a_node_the_table_is_the_same(of_one_seed, workplace, photo_folder):
    cluster_utils = pytest.importorskip('ray.cluster_utils', reason="needs Ray: pip install '.[ray]'")
    import ray

    cluster = cluster_utils.Cluster()
    room = dict(num_cpus=1, object_store_memory=80 * 2**20)
    cluster.add_node(include_dashboard=False, **room)
    second = cluster.add_node(**room)
    try:
        process = start(command(photo_folder, '--seeds', '0', '--ray', cluster.address), workplace)
        wait_until(lambda: running(workplace) >= 2, timeout=120)
        cluster.remove_node(second, allow_graceful=False)
        assert process.wait(240) == 0
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert table(workplace / 'out') == table(of_one_seed)


def start(arguments, folder):
    """`tools/ablate.py` in a process of its own."""
    with (folder / 'printed.log').open('a') as output:
        return subprocess.Popen(
            [sys.executable, str(REPOSITORY / 'tools' / 'ablate.py'), *arguments],
            cwd=folder,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def count(folder, name):
    return len(list((folder / 'out' / 'trials').glob(f'*/{name}')))


def running(folder):
    states = [json.loads(path.read_text())['state'] for path in (folder / 'out' / 'trials').glob('*/state.json')]
    return states.count('running')


def wait_until(happened, timeout=60):
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
