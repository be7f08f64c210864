"""The plugin author's tool: new parts pass at once, planted violations are found, errors carry their repair."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toolbox.plugin.discovery import discover_plugins, import_custom
from toolbox.plugin.managing import check_plugins, list_plugins, new_plugin, show_plugin, snake_case
from toolbox.plugin.registry import KINDS, import_failures
from toolbox.system.paths import REPOSITORY
from tools.plugins import main

discover_plugins()
pytestmark = pytest.mark.usefixtures('unregister_after')

TEMPLATES = REPOSITORY / 'toolbox' / 'plugin' / 'templates'


def checked(*arguments: str | None, file: Path | None = None) -> tuple[int, str]:
    """Number of failures, and what was said."""
    said: list[str] = []
    failed = check_plugins(*arguments, file=file and str(file), say=said.append)
    return failed, '\n'.join(said)


@pytest.mark.parametrize('kind', [path.stem for path in TEMPLATES.glob('[!_]*.py')])
def test_new_part_passes_at_once(kind: str, tmp_path: Path) -> None:
    steps = new_plugin(kind, 'MyOwnSSIMPart', repository=tmp_path)
    part, test = tmp_path / f'plugins/{kind}/my_own_ssim_part.py', tmp_path / 'tests/plugins/test_my_own_ssim_part.py'
    for text in (steps, part.read_text()):
        for step in ('1. Write', '2. Check it: ', f'check {kind} MyOwnSSIMPart', '3. Use it: ', '.type=MyOwnSSIMPart'):
            assert step in text
    assert 'MyPart' not in part.read_text() + test.read_text()
    assert checked(file=part) == (0, f'pass  {kind} MyOwnSSIMPart\n1 checked, none failed')
    runpy.run_path(str(test))['test_my_own_ssim_part_keeps_its_contract'](tmp_path)


def test_the_three_steps_of_a_new_user(tmp_path: Path) -> None:
    """In a copy of the repository."""
    for folder in ('toolbox', 'plugins', 'tools'):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns('__pycache__'))

    def run(*command: str) -> str:
        return subprocess.check_output([sys.executable, *command], cwd=tmp_path, text=True)

    assert '2. Check it:  python tools/plugins.py check masks Raindrops' in run(
        'tools/plugins.py', 'new', 'masks', 'Raindrops'
    )
    assert run('tools/plugins.py', 'check', 'masks', 'Raindrops') == 'pass  masks Raindrops\n1 checked, none failed\n'


@pytest.mark.parametrize(
    ('kind', 'name', 'error', 'message'),
    [
        ('atention', 'Mine', ValueError, "no kind of plugin 'atention'; did you mean 'attention'"),
        ('attention', 'two words', ValueError, "'two words' cannot name a class"),
        ('attention', 'class', ValueError, "'class' cannot name a class"),
        ('attention', 'cbam', ValueError, r'attention has CBAM already \(plugins/attention/cbam.py\)'),
        ('attention', 'Taken', FileExistsError, 'taken.py exists; choose another name'),
    ],
)
def test_new_errors(tmp_path: Path, kind: str, name: str, error: type, message: str) -> None:
    taken = tmp_path / 'tests' / 'plugins' / 'test_taken.py'
    taken.parent.mkdir(parents=True)
    taken.write_text('mine')
    with pytest.raises(error, match=message):
        new_plugin(kind, name, repository=tmp_path)
    assert [path for path in tmp_path.rglob('*') if path.is_file()] == [taken]
    assert taken.read_text() == 'mine'


# A violation -> the kind, a piece of its template, what a mistaken author writes there, and what the check says.
WEIGHED = 'torch.sigmoid(self.weigh(x))'
ROOM = 'require_room_for_a_hole(height, width)'
OPTION = 'kernel_size: int = 3)'
DRAWN = 'self._span(width, rng)] = 1'
BLANK = 'np.zeros((height, width), np.uint8)'
PLANTED = {
    'shape': ('attention', f'return x * {WEIGHED}', 'return self.weigh(x)[:, :1]', 'returns shape'),
    'dtype': ('attention', WEIGHED, f'{WEIGHED}.double()', 'float64 for .*float32'),
    'NaN': ('attention', 'return x *', 'return (x - x) / (x - x) *', 'not finite'),
    'no gradient': ('attention', WEIGHED, f'{WEIGHED}.detach()', 'gives parameter weigh.weight no gradient'),
    'swallowed options': ('attention', OPTION, 'kernel_size: int = 3, **others)', r'swallows options in \*\*others'),
    'key of the program': ('attention', OPTION, 'at: int = 0, kernel_size: int = 3)', "option 'at' is a key"),
    'required option': ('attention', OPTION, 'kernel_size: int)', "option 'kernel_size' has no default"),
    'wrong strides': ('encoders', '2 ** (level + 1)', '2 ** (level + 2)', 'feature 0 has shape'),
    'wrong resolution': ('decoders', 'self.out_stride = strides[0]', 'self.out_stride = 1', 'has shape'),
    'error': ('decoders', 'size = features[0]', 'size = features[99]', r'IndexError: .*\(planted\.py, line 37\)'),
    'unknown target': ('layouts', 'gray=batch.gray)', 'edges=batch.gray)', "'edges'"),
    'infinite gradient': ('losses', 'return weighted_mean(', 'return error.sum() ** 0.5 + weighted_mean(', 'finite'),
    'range': ('masks', DRAWN, 'self._span(width, rng)] = 255', '255'),
    'empty hole': ('masks', DRAWN, 'self._span(width, rng)] = 0', 'empty'),
    'non-determinism': ('masks', ROOM, 'rng = np.random.default_rng()', 'two masks'),
    'global random state': ('masks', BLANK, '(np.random.rand(height, width) < 0).astype(np.uint8)', 'global random'),
    'known pixels': ('fills', 'painted[hole] =', 'painted[:1] = 7; painted[hole] =', 'outside the hole'),
    'confidence': ('finders', 'float(share))', '2.0)', 'confidence'),
    'not idempotent': ('postprocess', 'rgb.clamp(self.low, self.high)', '0.9 * rgb', 'idempotent'),
    'order of images': ('metrics', 'fsum(row[self.name] for row in rows) / len(rows)', 'rows[0][self.name]', 'order'),
}


@pytest.mark.parametrize('violation', PLANTED)
def test_check_finds_planted_violations(violation: str, tmp_path: Path) -> None:
    kind, right, wrong, expected = PLANTED[violation]
    text = (TEMPLATES / f'{kind}.py').read_text()
    assert text.count(right) == 1
    planted = tmp_path / 'planted.py'
    planted.write_text(text.replace(right, wrong).replace('MyPart', 'Planted'))
    failed, said = checked(kind, 'Planted', file=planted)
    assert failed == 1
    assert said.startswith(f'FAIL  {kind} Planted\n        - ')
    assert re.search(expected, said), said


def test_a_docstring_of_a_base_class_is_none_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / 'bare.py'
    path.write_text(
        'from torch import nn\nfrom toolbox.plugin.registry import ATTENTION\n@ATTENTION.register_module()\n'
        'class Bare(nn.Identity):\n    def __init__(self, channels: int) -> None:\n        super().__init__()\n'
    )
    assert 'has no docstring' in checked(file=path)[1]
    assert f'Bare            {path}  No docstring.' in list_plugins('attention')


def test_check_errors(tmp_path: Path) -> None:
    (tmp_path / 'nothing.py').touch()
    for arguments, file, error, message in (
        (('atention',), None, ValueError, "did you mean 'attention'"),
        (('attention', 'CBMA'), None, ValueError, "did you mean 'CBAM'"),
        ((), tmp_path / 'none.py', FileNotFoundError, 'no file .*none.py; give the path'),
        ((), tmp_path / 'nothing.py', ValueError, 'nothing.py registers no plugin; decorate'),
        (('losses',), tmp_path / 'nothing.py', ValueError, 'registers no plugin of kind losses'),
    ):
        with pytest.raises(error, match=message):
            checked(*arguments, file=file)


def test_files_that_could_not_be_imported_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(import_failures, 'plugins/attention/gone.py', 'ModuleNotFoundError: gone')
    assert list_plugins().endswith(
        'could not be imported:\n  plugins/attention/gone.py\n      ModuleNotFoundError: gone'
    )
    failed, said = checked('attention')
    assert failed == 1
    assert 'FAIL  plugins/attention/gone.py\n        - cannot be imported: ModuleNotFoundError: gone' in said


def bundled(registry) -> list[str]:
    """Names of the plugins that come with the toolbox; other tests may have registered further ones."""
    return [name for name, plugin in registry.module_dict.items() if plugin.__module__.startswith('plugins.')]


def test_list_has_each_plugin_once() -> None:
    text = list_plugins()
    for kind, registry in KINDS.items():
        for name in bundled(registry):
            assert len(re.findall(rf'^  {re.escape(name)} +bundled +\S.*', list_plugins(kind), re.MULTILINE)) == 1, name
            assert name in text
    assert 'attention  (model.attention.type)' in text
    assert 'losses' not in list_plugins('attention')


def test_show(tmp_path: Path) -> None:
    path = tmp_path / 'shown.py'
    path.write_text(
        'from toolbox.plugin.registry import ATTENTION\n@ATTENTION.register_module()\nclass Shown:\n'
        '    """First line.\n\n    Source: a paper.\n\n    Args:\n        channels: of the program.\n'
        '        low, high: the range,\n            both included.\n\n    Last words.\n    """\n'
        "    def __init__(self, channels, low=1, *, high='x', other=None): pass\n"
    )
    import_custom([str(path)])
    assert show_plugin('attention', 'Shown').splitlines() == [
        "Shown(channels, low=1, *, high='x', other=None)",
        '',
        'First line.',
        '',
        'Source: a paper.',
        '',
        'Last words.',
        '',
        'Options:',
        '  low = 1',
        '      the range, both included.',
        "  high = 'x'",
        '      the range, both included.',
        '  other = None',
        '',
        f'File: {path}',
        'Use:  --cfg-options model.attention.type=Shown',
    ]


@pytest.mark.parametrize(('kind', 'name'), [(kind, name) for kind in KINDS for name in KINDS[kind].module_dict])
def test_show_any(kind: str, name: str) -> None:
    assert f'type={name}' in show_plugin(kind, name)


def test_snake_case() -> None:
    names = {
        'CBAM': 'cbam',
        'MaskedSSIM': 'masked_ssim',
        'SSIMLoss': 'ssim_loss',
        'UnetPlusPlus': 'unet_plus_plus',
        'L1': 'l1',
    }
    assert {name: snake_case(name) for name in names} == names


def test_command_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    assert main(['list', 'attention']) == 0
    assert 'CBAM' in capsys.readouterr().out
    assert main(['show', 'attention', 'CBAM']) == 0
    assert 'kernel_size = 7' in capsys.readouterr().out
    assert main(['check', 'attention', 'CBAM']) == 0
    assert capsys.readouterr().out == 'pass  attention CBAM\n1 checked, none failed\n'
    assert main(['check', 'attention', 'CBMA']) == 2
    assert capsys.readouterr().err.startswith("error: no plugin 'CBMA' of kind 'attention'; did you mean 'CBAM'?")
    broken = tmp_path / 'broken.py'
    broken.write_text((TEMPLATES / 'masks.py').read_text().replace('] = 1', '] = 2').replace('MyPart', 'Broken'))
    assert main(['check', 'masks', 'Broken', '--file', str(broken)]) == 1


def test_docs_name_each_kind_and_show_the_template() -> None:
    docs = (REPOSITORY / 'docs' / 'plugins.md').read_text(encoding='utf-8')
    assert [kind for kind in KINDS if f'| `{kind}` |' not in docs] == []
    template = (TEMPLATES / 'attention.py').read_text(encoding='utf-8').replace('MyPart', 'MyBlock')
    assert template.partition('"""\n\n')[2].strip() in docs
