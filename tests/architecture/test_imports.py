"""The import contracts of .importlinter hold."""

from __future__ import annotations

import pytest
from importlinter.cli import lint_imports

from .tree import ROOT


def test_the_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == 0, capsys.readouterr().out
