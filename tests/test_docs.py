"""What the documents promise is there."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from toolbox.schema import ABLATION, CLEANING, SCHEMA

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
