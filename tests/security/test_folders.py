"""Run folders, cleaned folders, tables and caches that somebody might send who means no good."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.infer.support import save_random_model
from tests.support import scene
from toolbox.cleaning.cache import Cache
from toolbox.cleaning.duplicates import _pixels
from toolbox.cleaning.files import Look, look_at
from toolbox.config.loading import dump_config, load_config, read_run_config
from toolbox.data.clean_csv import read_clean_csv
from toolbox.data.sources import open_source
from toolbox.experiment.outcome import read_summary
from toolbox.images.io import UnreadableImage, read_rgb
from toolbox.infer.listing import list_photos
from toolbox.system.paths import CONFIGS, REPOSITORY, find_config
from tools import infer as infer_tool, test as test_tool

RECIPE = CONFIGS / 'unetpp_cbam_b4.py'


@pytest.fixture
def ran(tmp_path, monkeypatch) -> Path:
    """What an attack makes, in the working folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path / 'ran'
    assert not (tmp_path / 'ran').exists()


EVIL = 'import os\nos.mkdir("ran")\nseed = 1\n'


def _run(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / 'config.py').write_text(text)


@pytest.mark.parametrize('given', ['run', 'run/', 'run/config.py', './run/../run'])
def test_the_config_of_a_run_folder_never_runs(given, ran):
    _run(Path('run'), EVIL)
    with pytest.raises(ValueError, match=r'run/config\.py: its config is not read: line 1: no assignment of a literal'):
        load_config(given)
    with pytest.raises(ValueError, match='is not read'):
        read_run_config(Path('run'))


@pytest.mark.parametrize('text', ['data = 3\n', 'model = None\n', 'data = dict(root=dict())\n', 'import_ = 1\n', ''])
def test_a_config_of_another_shape_is_refused(text, ran):
    _run(Path('run'), text)
    with pytest.raises(ValueError, match=r'expected|missing|has the key'):
        load_config('run')


def test_a_config_that_is_no_file_is_not_waited_for(ran):
    Path('run').mkdir()
    os.mkfifo('run/config.py')
    for read in (lambda: load_config('run'), lambda: read_run_config(Path('run'))):
        with pytest.raises(FileNotFoundError):
            read()


def test_a_link_of_that_name_does_not_make_it_run(ran):
    Path('run').mkdir()
    Path('evil.py').write_text(EVIL)
    Path('run/config.py').symlink_to(Path('evil.py').resolve())
    Path('linked').symlink_to('run')
    for given in ('run', 'run/config.py', 'linked', 'linked/config.py'):
        with pytest.raises(ValueError, match='is not read'):
            load_config(given)


def test_a_run_folder_gives_its_config_back(ran):
    config = load_config(RECIPE, {'data.size': 48}, say=lambda _: None)
    Path('run').mkdir()
    dump_config(config, Path('run/config.py'))
    assert load_config('run').to_dict() == config.to_dict()
    assert read_run_config(Path('run')).to_dict() == config.to_dict()


def test_plugins_of_a_run_folder_are_followed_only_when_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('part.py').write_text('import os\nos.mkdir("ran")\n')
    config = load_config(RECIPE, say=lambda _: None)
    config.custom_imports = [str(Path('part.py').resolve())]
    Path('run').mkdir()
    dump_config(config, Path('run/config.py'))
    for read in (lambda: load_config('run'), lambda: read_run_config(Path('run'))):
        with pytest.raises(ValueError, match=r'run/config\.py asks for .*part\.py.*add --trust-plugins'):
            read()
    assert not Path('ran').exists()
    assert load_config('run', trust_plugins=True).custom_imports == config.custom_imports
    assert Path('ran').exists()


_BUILDS_ON_A_BUNDLED_PART = """
from toolbox.plugin.registry import ENCODERS

@ENCODERS.register_module()
class BuildsOnTiny(ENCODERS.get('TinyEncoder')):
    "A part that looks another one up when it is imported."
"""
_WORKER = """
import sys
from pathlib import Path
from toolbox.config.loading import read_run_config
print(read_run_config(Path('run'), [sys.argv[1]]).model.encoder.type)
"""


def test_a_worker_knows_the_bundled_parts_before_it_imports_the_persons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part = Path('part.py').resolve()
    part.write_text(_BUILDS_ON_A_BUNDLED_PART)
    config = load_config(RECIPE, {'model.encoder.type': 'TinyEncoder'}, say=lambda _: None)
    config.custom_imports = [str(part)]
    Path('run').mkdir()
    dump_config(config, Path('run/config.py'))
    command = [sys.executable, '-c', _WORKER, str(part)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': str(REPOSITORY)})
    assert (done.stdout, done.returncode) == ('TinyEncoder\n', 0), done.stderr


def test_what_looks_like_data_is_no_config(ran):
    Path('run.yaml').write_text('!!python/object/apply:os.mkdir ["ran"]\n')
    Path('run.json').write_text('{}')
    for name in ('run.yaml', 'run.json'):
        with pytest.raises(ValueError, match='expected a config, a Python file'):
            load_config(name)


def test_what_the_program_looks_for_is_not_taken_from_the_working_folder(ran):
    for folder in ('_base_', 'configs', 'configs/_base_'):
        Path(folder).mkdir()
        for name in ('sample.py', 'data.py', 'unetpp_cbam_b4.py'):
            Path(folder, name).write_text(EVIL)
    assert load_config(RECIPE, say=lambda _: None).data.size < 512  # the sample scale
    assert find_config('configs/unetpp_cbam_b4.py', shipped_first=True) == RECIPE
    assert find_config('configs/unetpp_cbam_b4.py') == Path('configs/unetpp_cbam_b4.py').resolve()  # what was typed


def test_tools_say_what_a_checkpoint_asks_for_and_what_to_type(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('their_part.py').write_text('import os\nos.mkdir("ran")\n')
    save_random_model(Path('plain.pth'))
    from toolbox.training.checkpoint import read_checkpoint, save_checkpoint

    content = read_checkpoint(Path('plain.pth'))
    content['config']['custom_imports'] = [str(Path('their_part.py').resolve())]
    save_checkpoint(content, Path('best.pth'))
    Image.fromarray(scene(1)).convert('L').save('photo.png')
    command = ['best.pth', '--input', 'photo.png', '--out', 'out', '--masks', 'none']
    for code, main in (
        (2, lambda: infer_tool.main(command)),
        (2, lambda: infer_tool.main(['best.pth', *command, '--average-checkpoints'])),
        (2, lambda: test_tool.main([str(RECIPE), 'best.pth'])),
    ):
        assert main() == code
        error = capsys.readouterr().err
        assert 'best.pth asks for plugins' in error
        assert 'their_part.py' in error
        assert 'add --trust-plugins' in error
    Path('photos').mkdir()
    for number in range(5):
        Image.fromarray(scene(number)).save(f'photos/{number}.png')
    theirs = [str(RECIPE), 'best.pth', '--data-root', 'photos', '--cfg-options', 'custom_imports=[]']
    assert test_tool.main(theirs) == 0  # the person knows that none are needed
    assert 'custom_imports' not in capsys.readouterr().out
    assert not Path('ran').exists()
    assert infer_tool.main([*command, '--trust-plugins']) == 0
    assert Path('ran').exists()
    assert Path('out/photo.png').exists()


# Tables: what is written, and which reader must refuse it.
def _train(rows: str) -> object:
    Path('data/train_gt').mkdir(parents=True)
    Path('data/train.csv').write_bytes(f'input_image_path,gt_image_path\n{rows}'.encode())
    return open_source('data')


def _listed(rows: str) -> object:
    Path('test.csv').write_bytes(f'input_image_path\n{rows}'.encode())
    return list_photos('test.csv', flat=False)


def _cleaned(rows: str) -> object:
    Path('clean.csv').write_bytes(f'image,keep\n{rows}'.encode())
    return read_clean_csv('clean.csv')


@pytest.mark.parametrize(
    ('read', 'rows'),
    [
        (_train, './train_input/a.png,/etc/passwd\n'),
        (_train, './train_input/a.png,../../etc/passwd\n'),
        (_train, './train_input/a.png,train_gt/../../../etc/passwd\n'),
        (_train, '/dev/zero,train_gt/a.png\n'),
        (_train, './train_input/a.png,train_gt/a\0.png\n'),
        (_train, f'./train_input/a.png,train_gt/{"a" * 200_000}.png\n'),
        (_listed, '/etc/passwd\n'),
        (_listed, '../secret.png\n'),
        (_listed, 'a/../../secret.png\n'),
        (_listed, f'{"a" * 200_000}.png\n'),
        (_listed, 'a\0.png\n'),
        (_cleaned, f'{"a" * 200_000},1\n'),
        (_cleaned, 'a.png,__import__("os").mkdir("ran")\n'),
    ],
)
def test_a_table_leads_nowhere_else(read, rows, ran):
    with pytest.raises((ValueError, FileNotFoundError), match=r'(train|test|clean)\.csv'):
        read(rows)


def _eps() -> bytes:
    content = io.BytesIO()
    Image.new('RGB', (8, 8)).save(content, 'EPS')
    return content.getvalue()


@pytest.mark.parametrize(
    'content',
    [
        _eps(),
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b'push graphic-context\nfill \'url(https://x"|touch ran")\'\npop graphic-context\n',
        b'%PDF-1.4\n1 0 obj\n',
        b'\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x05mkdir\x93\x8c\x03ran\x85R.',
    ],
    ids=['EPS', 'SVG', 'MVG', 'PDF', 'pickle'],
)
def test_a_photograph_is_an_image_whatever_its_name_says(content, ran):
    Path('photo.png').write_bytes(content)
    with pytest.raises(UnreadableImage, match=r'not an image of a known format|a drawing|a PDF document'):
        read_rgb('photo.png')


@pytest.fixture
def cache(tmp_path) -> tuple[Path, Look]:
    """A cache that knows one photograph."""
    Image.fromarray(scene(0)).save(tmp_path / 'photo.png')
    look = look_at(0, tmp_path / 'photo.png', lambda rgb: rgb)
    with closing(Cache(tmp_path / 'cache.sqlite', 'me')) as made:
        made.add([look], np.ones((1, 4), np.float32))
    return tmp_path / 'cache.sqlite', look


def _read_all(path: Path, sha256: bytes) -> None:
    with closing(Cache(path, 'me')) as known:
        known.known()
        known.facts([sha256])
        known.thumbnails([sha256])
        known.vectors([sha256])


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT x'00', 'a', i FROM n"
CACHES = {
    'an endless view': f'DROP TABLE vectors; CREATE VIEW vectors (identity, sha256, vector) AS {ENDLESS};',
    'a trigger': f'CREATE TRIGGER t AFTER INSERT ON files BEGIN INSERT INTO vectors {ENDLESS}; END;',
    'a further table': 'CREATE TABLE secrets (a);',
    'a generated column': "DROP TABLE files; CREATE TABLE files (sha256 BLOB, facts TEXT AS ('{}'), thumbnail BLOB);",
    'a thumbnail that starts a program': "UPDATE files SET thumbnail = '%!PS-Adobe-3.0 EPSF-3.0';",
    'facts that are none': "UPDATE files SET facts = '[1, 2]';",
    'facts of other kinds': "UPDATE files SET facts = json_set(facts, '$.format', 3);",
    'facts with other names': 'UPDATE files SET facts = \'{"__class__": 1}\';',
    'facts without end': f"UPDATE files SET facts = '{'[' * 100_000}';",
    'a vector of text': "UPDATE vectors SET vector = 'abc';",
    'vectors of two lengths': "UPDATE vectors SET vector = x'00'; ",
}


@pytest.mark.parametrize('script', CACHES.values(), ids=CACHES)
def test_a_cache_is_its_tables_and_nothing_else(script, cache):
    path, look = cache
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    with pytest.raises(ValueError, match=r'cache\.sqlite: not a cache of a cleaning run, or damaged .*; delete it'):
        _read_all(path, look.sha256)


def test_a_thumbnail_is_decoded_as_one_format(cache):
    with pytest.raises(OSError, match='cannot identify'):
        _pixels(_eps())


PLAN = dict(
    title='t',
    baseline='a',
    ranking='score',
    higher_is_better=True,
    arms=[dict(name='a', levels={'x': 'a'})],
    trials=['a-seed0'],
    not_tried={},
    seeds=[0],
    folds=[0],
    pictures=[],
    facts={},
)


def _ablation(plan: object, **files: object) -> Path:
    folder = Path('ablation')
    (folder / 'trials/a-seed0').mkdir(parents=True)
    (folder / 'plan.json').write_text(plan if isinstance(plan, str) else json.dumps(plan))
    for name, content in {'trial': dict(arm='a', seed=0, fold=0), **files}.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f'trials/a-seed0/{name}.json').write_text(text)
    return folder


@pytest.mark.parametrize(
    ('plan', 'files'),
    [
        ('[' * 100_000, {}),
        ('[]', {}),
        ('{}', {}),
        ('\x80\x04', {}),
        ({**PLAN, 'trials': ['../../../secret']}, {}),
        ({**PLAN, 'trials': ['/etc']}, {}),
        ({**PLAN, 'trials': ['..']}, {}),
        ({**PLAN, 'trials': [3]}, {}),
        ({**PLAN, 'arms': [dict(name='a', levels={'x': 'a'}, evil=1)]}, {}),
        ({**PLAN, 'arms': ['a']}, {}),
        ({**PLAN, 'baselines': {'gray': 'much'}}, {}),
        (PLAN, dict(trial=dict(arm=['a'], seed=0, fold=0))),
    ],
)
def test_the_folder_of_an_ablation_is_read_or_refused(plan, files, ran):
    folder = _ablation(plan, **files)
    with pytest.raises(ValueError, match=r'plan\.json|a-seed0'):
        read_summary(folder)


@pytest.mark.parametrize(
    'result', [dict(metrics='many'), dict(costs=dict(evil=1)), dict(curve=[['score']]), '[' * 100_000]
)
def test_a_trial_with_a_damaged_record_has_failed(result, ran):
    ((trial,), _) = read_summary(_ablation(PLAN, result=result))[1:]
    assert trial.state == 'failed'
    assert 'a-seed0/result.json: damaged' in trial.reason
    assert '--rerun-failed' in trial.reason


def test_errors_send_no_commands_to_the_terminal(ran, capsys):
    name = 'a\x1b[2Jb.zip'
    assert test_tool.main(['--submission', name, '--gt', 'truth', '--masks', 'masks']) == 2
    assert '\x1b' not in capsys.readouterr().err


def test_vectors_that_a_cleaning_run_keeps_need_no_pickle(tmp_path):
    np.savez(tmp_path / 'embeddings.npz', image=np.array(['ä', '\udce4']), embedding=np.ones((2, 3), np.float32))
    with np.load(tmp_path / 'embeddings.npz', allow_pickle=False) as arrays:
        assert [str(name) for name in arrays['image']] == ['ä', '\udce4']
