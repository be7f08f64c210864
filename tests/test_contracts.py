"""Every registered plugin keeps the contract of its kind; a new file is tested without an edit."""

from pathlib import Path

import pytest

from toolbox.plugin.checks import check_plugin
from toolbox.plugin.discovery import discover_plugins
from toolbox.plugin.registry import KINDS, import_failures

discover_plugins()

PLUGINS = [(kind, name) for kind, registry in KINDS.items() for name in sorted(registry.module_dict)]


@pytest.mark.parametrize(('kind', 'name'), PLUGINS)
def test_plugin_keeps_its_contract(kind: str, name: str, tmp_path: Path) -> None:
    assert check_plugin(kind, name, tmp_path) == []


@pytest.mark.parametrize('kind', KINDS)
def test_kind_has_plugins(kind: str) -> None:
    assert KINDS[kind].module_dict


def test_all_plugin_files_can_be_imported() -> None:
    assert import_failures == {}
