"""Rules of the code that no linter has: money, time, documentation, size, and what must not stand in the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from .tree import called, files, name_of, parsed, places, sources

MONEY: Final = re.compile(r"(_minor|amount|balance|principal|penalty|payoff|fee|price)$")
CLOCK_READS: Final = {"datetime.now", "datetime.utcnow", "date.today", "datetime.today", "uuid4", "uuid.uuid4"}
# Who may read the machine's clock, and why.
CLOCK_READERS: Final = {
    "shared/src/arrears/clock.py": "it is the clock",
    "shared/src/arrears/kafka/batches.py": "lag is measured in real time",
}
# Written in two halves, so that this file does not hold what it forbids.
FORBIDDEN: Final = tuple(
    first + second
    for first, second in (
        (r"/home", r"/\w"), (r"/Users", r"/\w"), (r"(?<!\w)/root", r"/"), (r"(?<!\w)/work", r"/"), (r"pypi", r"\.org"),
        (r"python", r"hosted\.org"), (r"registry\.npm", r"js\.org"), (r"repo1\.", r"maven\.org"),
        (r"repo\.maven\.", r"apache\.org"), (r"docker", r"\.io"),
    )
)  # fmt: skip
BINARY: Final = {".png", ".jpg", ".woff2", ".gz", ".xes", ".avro"}


def money_fields(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the annotated names that hold money, with their annotations."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if MONEY.search(name):
                yield name, annotation
            case ast.arg(arg=name, annotation=ast.expr() as annotation) if MONEY.search(name):
                yield name, annotation


def test_money_is_never_a_float() -> None:
    found = [
        f"{name_of(path)}:{annotation.lineno} {name}"
        for path in sources()
        for name, annotation in money_fields(parsed(path))
        if any(isinstance(node, ast.Name) and node.id == "float" for node in ast.walk(annotation))
    ]
    assert found == []


def test_the_domain_and_the_values_make_no_float() -> None:
    found = []
    for path in [*sources("domain"), *sources("arrears", "values"), *sources("arrears", "events")]:
        nodes = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.expr))
        found += places(path, (node for node in nodes if called(node) == "float" or _is_float(node)))
    assert found == []


def _is_float(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def test_only_the_clock_reads_the_time_and_only_the_edge_draws_ids() -> None:
    found = []
    for path in sources():
        if name_of(path) not in CLOCK_READERS and "arrears_local" not in path.parts:
            calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
            found += places(path, (node for node in calls if called(node).removeprefix("datetime.") in CLOCK_READS))
    assert found == []


def test_every_module_says_what_it_is() -> None:
    found = [name_of(path) for path in sources() if parsed(path).body and not ast.get_docstring(parsed(path))]
    assert found == []


@pytest.mark.parametrize("folder", ["domain", "use_cases"])
def test_what_carries_a_rule_says_which(folder: str) -> None:
    """A public class or function of a domain, and every use case, has a docstring."""
    found = []
    for path in sources(folder):
        public = (
            node
            for node in parsed(path).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
        )
        found += places(path, (node for node in public if not ast.get_docstring(node)))
    assert found == []


def test_no_module_outgrows_one_reader() -> None:
    """At most 300 lines that are not blank; a list of event types is read by its entries and may be longer."""
    found = {}
    for path in files(".py"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if len(lines) > 300 and path.parent.name != "events":
            found[name_of(path)] = len(lines)
    assert found == {}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_the_tree_names_no_machine_and_no_registry(pattern: str) -> None:
    texts = (path for path in files() if path.suffix not in BINARY)
    found = [name_of(path) for path in texts if re.search(pattern, path.read_text(encoding="utf-8", errors="ignore"))]
    assert found == []
