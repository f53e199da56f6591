"""Rules of the tests themselves: they do not sleep, they do not patch our modules, and they are not skipped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .tree import called, name_of, parsed, places, suite

SLEEPS: Final = {"time.sleep", "asyncio.sleep", "sleep"}
PATCHES: Final = {"monkeypatch.setattr", "mock.patch", "patch", "MagicMock", "Mock", "AsyncMock", "mocker.patch"}
SKIPS: Final = {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.importorskip", "pytest.mark.xfail"}
# The one reason to skip: real inputs stand beside the project, and are absent elsewhere. A skip must say so.
REASON: Final = "../shared/real"


def nodes(tree: ast.Module) -> Iterator[ast.expr]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.expr))


def named(names: set[str]) -> list[str]:
    """Return where the tests name one of `names`."""
    return [place for path in suite() for place in places(path, (n for n in nodes(parsed(path)) if called(n) in names))]


def test_no_test_sleeps() -> None:
    """`sleep(0)` only lets others run: it waits for nothing."""
    found = []
    for path in suite():
        calls = (node for node in nodes(parsed(path)) if isinstance(node, ast.Call) and called(node) in SLEEPS)
        found += places(path, (node for node in calls if ast.unparse(node.args[0]) != "0"))
    assert found == []


def test_no_test_patches_or_mocks() -> None:
    assert named(PATCHES) == []
    imports = (
        place
        for path in suite()
        for place in places(
            path, (n for n in ast.walk(parsed(path)) if isinstance(n, ast.Import | ast.ImportFrom) and _mocks(n))
        )
    )
    assert list(imports) == []


def _mocks(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
    return any(name == "mock" or name.startswith("unittest.mock") for name in names)


def test_nothing_is_skipped_but_what_needs_the_real_inputs() -> None:
    found = []
    for path in suite():
        calls = [node for node in nodes(parsed(path)) if isinstance(node, ast.Call) and called(node) in SKIPS]
        excused = [node for call in calls if REASON in ast.unparse(call) for node in ast.walk(call)]
        skips = (node for node in nodes(parsed(path)) if called(node) in SKIPS and node not in excused)
        found += places(path, skips)
    assert found == []


def test_every_test_module_is_collected() -> None:
    """A module with tests has a name that pytest finds."""
    lost = [
        name_of(path)
        for path in suite()
        if not path.name.startswith("test_")
        and any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            for node in parsed(path).body
        )
    ]
    assert lost == []
