"""What the documents promise is there."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from toolbox.config.schema import ABLATION, CLEANING, SCHEMA

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([REPOSITORY / 'README.md', *(REPOSITORY / 'docs').glob('*.md')])


def keys(schema: Mapping, prefix: str = '') -> Iterator[tuple[str, str]]:
    for key, rule in schema.items():
        if isinstance(rule, Mapping):
            yield from keys(rule, f'{prefix}{key}.')
        else:
            yield prefix + key, rule.meaning.replace(' | ', ', ')


@pytest.mark.parametrize('schema', [SCHEMA, CLEANING, ABLATION], ids=['training', 'cleaning', 'ablations'])
def test_every_key_of_a_config_is_documented_with_its_meaning(schema):
    rows = (REPOSITORY / 'docs' / 'config.md').read_text().splitlines()
    for key, meaning in keys(schema):
        assert any(row.startswith(f'| `{key}` |') and row.endswith(f'| {meaning} |') for row in rows), key


def test_every_document_is_linked_and_every_shipped_ablation_named():
    readme = (REPOSITORY / 'README.md').read_text()
    for document in (REPOSITORY / 'docs').glob('*.md'):
        assert f'](docs/{document.name})' in readme, document.name
    ablations = (REPOSITORY / 'docs' / 'ablations.md').read_text()
    (shipped,) = re.findall(r'Shipped are (.*?);', ablations, re.DOTALL)
    on_disk = {path.stem for path in (REPOSITORY / 'configs' / 'ablations').glob('*.py')}
    assert set(re.findall('`(.*?)`', shipped)) == on_disk


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_links_and_commands_lead_to_files(document):
    text = document.read_text()
    for link in re.findall(r'\]\((?!https?:)([^)#]+)', text):
        assert (document.parent / link).exists(), link
    for path in re.findall(r'python ((?:tools|configs)/\S+\.py)', text):
        assert (REPOSITORY / path).is_file(), path


def readme_commands() -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """The tool, its positional arguments and its options (the first value of each), in the order of README.md."""
    for line in re.findall(
        r'^ {4}(?:.*&& )?python (tools/\S+\.py.*)$', (REPOSITORY / 'README.md').read_text(), re.MULTILINE
    ):
        tool, *words = shlex.split(line)
        positional, options, name = [], {}, ''
        for word in words:
            if word.startswith('--'):
                name = word
                options[name] = ''
            elif name and not options[name]:
                options[name] = word
            elif not name:
                positional.append(word)
        yield tool, positional, options


def test_the_readmes_story_runs_in_its_order():
    """What a command takes, one before it has made; the newest run of a config, where scored, is the one shown."""
    made, newest = {'mine.zip', 'truth', 'masks', 'photos', 'old'}, ''
    for tool, positional, options in readme_commands():
        given = [*positional, *(options.get(name, '') for name in ('--input', '--gt', '--masks', '--submission'))]
        given += [
            word.partition('=')[2] for word in (options.get('--cfg-options', ''),) if word.startswith('clean_csv=')
        ]
        for path in given:
            if path.startswith(('work_dirs/', 'test_set/', 'cleaned/')) or path.endswith('.zip'):
                assert any(path == one or path.startswith(f'{one}/') for one in made), (tool, path)
        if tool == 'tools/train.py' and '--list' not in options:
            scale = '' if '--data-root' in options else '-sample'
            runs = f'work_dirs/{Path(positional[0]).stem}{scale}'
            number = 1 + sum(one.startswith(f'{runs}/') for one in made)
            made.add(options.get('--work-dir') or f'{runs}/{number:03d}')
            newest = f'{runs}/{number:03d}'
        if tool == 'tools/test.py' and positional and positional[0].startswith('configs/'):
            assert newest == 'work_dirs/unetpp_cbam_b4-sample/001', 'README shows the score of the first run'
        made |= {options[name] for name in ('--out', '--export', '--report') if name in options}


def test_git_ignores_what_the_readmes_commands_write():
    if not (REPOSITORY / '.git').exists():
        pytest.skip('not a checkout')
    written = {'work_dirs/x/001/best.pth'}
    for _, _, options in readme_commands():
        written |= {options[name] for name in ('--out', '--export', '--report') if name in options}
    assert len(written) > 4
    files = sorted(path if path.endswith('.zip') else f'{path}/file' for path in written)
    ignored = subprocess.run(['git', 'check-ignore', *files], cwd=REPOSITORY, capture_output=True, text=True).stdout
    assert ignored.split() == files
    kept = ['toolbox/report/page.py', 'plugins/attention/my_block.py']
    assert not subprocess.run(['git', 'check-ignore', *kept], cwd=REPOSITORY, capture_output=True, text=True).stdout
