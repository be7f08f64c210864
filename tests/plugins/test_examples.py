"""The examples in the docstrings of plugins, one for each kind at least."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from toolbox.plugin.registry import KINDS
from toolbox.system.paths import REPOSITORY

FILES = sorted((REPOSITORY / 'plugins').glob('*/*.py'))


def examples(file: Path) -> list[doctest.DocTest]:
    module = importlib.import_module('.'.join(file.relative_to(REPOSITORY).with_suffix('').parts))
    return [
        test for test in doctest.DocTestFinder().find(module, extraglobs={'np': np, 'torch': torch}) if test.examples
    ]


WITH_EXAMPLES = [file for file in FILES if '>>>' in file.read_text(encoding='utf-8')]


@pytest.mark.parametrize('file', WITH_EXAMPLES, ids=lambda file: file.stem)
def test_what_an_example_says_is_so(file: Path) -> None:
    said = []
    runner = doctest.DocTestRunner()
    for test in examples(file):
        runner.run(test, out=said.append)
    assert said == []


def test_each_kind_has_one() -> None:
    assert {file.parent.name for file in WITH_EXAMPLES} == set(KINDS)
