"""What Huefill wrote into its folders and something damaged: told in a sentence, never by a traceback."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolbox.experiment.outcome import read_summary, show
from toolbox.experiment.results import Costs
from toolbox.experiment.trials import TrialFolder
from toolbox.system.cli import run_tool
from toolbox.system.records import Damaged, Newer, read_record, save_record
from toolbox.training.runs import find_runs, runs_table

PLAN = dict(
    title='t',
    baseline='a',
    ranking='score',
    higher_is_better=True,
    arms=[dict(name='a', levels={'x': 'a'}, changes={}), dict(name='b', levels={'x': 'b'}, changes={})],
    trials=['a-seed0', 'b-seed0'],
    known={'a-seed0': dict(arm='a', seed=0, fold=0), 'b-seed0': dict(arm='b', seed=0, fold=0)},
    not_tried={},
    seeds=[0],
    folds=[0],
    pictures=[],
    baselines={'gray': 0.1},
    facts={'data': 'photographs'},
)
RESULT = dict(
    epoch=2,
    metrics={'score': 0.5, 'n': 3},
    untrained={'score': 0.1},
    precision='float32',
    curve=[{'step': 1, 'epoch': 1, 'score': 0.4}],
    costs=dict.fromkeys(Costs.__dataclass_fields__, 1.0),
    per_image={'a.png': {'score': 0.5}},
)
OTHERS = (None, 3, 'text', [3], {'a': [3]}, [[]], True, {'a': 'text'})
TORN = (b'', b'{', b'[]', b'3', b'null', b'\xff\xfe', b'\0' * 64, b'[' * 100_000, b'{"a": 1', b'1' * 5000)


@pytest.fixture
def ablation(tmp_path) -> Path:
    """The folder of an ablation of two trials."""
    save_record(tmp_path / 'plan.json', PLAN)
    for name, facts in PLAN['known'].items():
        trial = TrialFolder(tmp_path / 'trials' / name)
        trial.create('seed = 0\n', facts)
        trial.set_state('done')
        trial.write_result(RESULT)
    return tmp_path


def damages(content: dict[str, Any]) -> Iterator[bytes]:
    """A record cut short, of nothing, of another kind; with values of other kinds, and without some."""
    text = json.dumps(content, indent=2).encode()
    yield from TORN
    yield from (text[:length] for length in range(1, len(text) - 1, max(1, len(text) // 40)))
    for key in content:
        yield json.dumps({name: value for name, value in content.items() if name != key}).encode()
        for other in OTHERS:
            yield json.dumps({**content, key: other}).encode()


def test_a_damaged_plan_is_told(ablation, capsys):
    path = ablation / 'plan.json'
    for content in damages(PLAN):
        path.write_bytes(content)
        code = run_tool(lambda: show(str(ablation)))
        told = capsys.readouterr().err
        assert code in (0, 2)
        if code:
            assert re.match(rf'error: {path}: damaged', told), (content, told)
            assert 'writes it anew' in told
            assert told.count('\n') == 1


@pytest.mark.parametrize(('name', 'content'), [('result', RESULT), ('state', dict(state='done', reason='')),
                                               ('trial', PLAN['known']['a-seed0'])])  # fmt: skip
def test_a_trial_with_a_damaged_record_has_failed_and_is_run_again(ablation, name, content):
    path = ablation / 'trials' / 'a-seed0' / f'{name}.json'
    num_failed = 0
    for damaged in damages(content):
        path.write_bytes(damaged)
        _, (trial, other), _ = read_summary(ablation)
        assert other.state == 'done'
        assert trial.arm == 'a'
        if trial.state != 'failed':
            continue
        num_failed += damaged not in TORN
        assert re.match(rf'{path}: damaged: .*; the same command with --rerun-failed', trial.reason)
        folder = TrialFolder(path.parent)
        folder.drop_damaged(PLAN['known']['a-seed0'])
        assert folder.state == 'waiting'
        assert not folder.damage
        folder.create('seed = 0\n', PLAN['known']['a-seed0'], anew=True)
        folder.set_state('done')
        folder.write_result(RESULT)
    assert num_failed > 20


@pytest.mark.parametrize('file', ['plan.json', 'trials/a-seed0/state.json', 'trials/a-seed0/trial.json'])
def test_a_record_of_a_newer_version_is_told_as_that(ablation, file, capsys):
    content = json.loads((ablation / file).read_text(encoding='utf-8'))
    (ablation / file).write_text(json.dumps({**content, 'format': 99}), encoding='utf-8')
    assert run_tool(lambda: show(str(ablation))) == 2
    told = capsys.readouterr().err
    assert told.startswith(f'error: {ablation / file}: written by a newer version of Huefill (format 99, ')
    with pytest.raises(Newer):
        read_record(ablation / file, {}, 'x')


def test_runs_are_listed_whatever_their_records_hold(tmp_path):
    of_other_kinds = (b'{"score": "high"}', b'{"score": [1]}', b'{"changes": [1], "started": 3}')
    for number, content in enumerate([*TORN, *of_other_kinds]):
        run = tmp_path / f'{number:03d}'
        run.mkdir()
        (run / 'config.py').write_text('seed = 0\n', encoding='utf-8')
        for name in ('metrics.json', 'environment.json', 'scalars.jsonl'):
            (run / name).write_bytes(content)
    assert len(runs_table(find_runs(tmp_path)).splitlines()) > number


def test_what_is_right_is_read(tmp_path):
    save_record(tmp_path / 'a.json', {'numbers': {'a': 1}})
    assert read_record(tmp_path / 'a.json', {'numbers': dict[str, float]}, '') == {'numbers': {'a': 1}}
    with pytest.raises(Damaged, match=r"numbers is \{'a': 1\}, expected list"):
        read_record(tmp_path / 'a.json', {'numbers': list}, 'mend it')
