"""What the documents say exists, exists: tests, files, packages, services and commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer import Context
from typer.main import get_command

from arrears.schemas.export import main as export
from arrears_local.cli.app import app

from .tree import ROOT, files, name_of, parsed

TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")
PACKAGE = re.compile(r"^\| ([a-z0-9-]+) \|", re.MULTILINE)
COMMAND = re.compile(r"\.venv/bin/arrears ([a-z][a-z -]*[a-z])")
GUARANTEES = ROOT / "docs/guarantees.md"


def documents() -> Iterator[Path]:
    return (path for path in files(".md"))


def test_every_test_that_a_document_names_exists() -> None:
    missing = []
    for document in documents():
        for file, name in TEST_NAME.findall(document.read_text(encoding="utf-8")):
            path = ROOT / file
            if not path.is_file() or name not in defined(path):
                missing.append(f"{name_of(document)}: {file}::{name}")
    assert missing == []


def defined(path: Path) -> set[str]:
    """Return the tests and test classes of a module."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in parsed(path).body if isinstance(node, kinds)}


@pytest.mark.parametrize("number", range(1, 10))
def test_every_guarantee_names_its_tests_or_says_that_it_is_open(number: int) -> None:
    chapters = re.split(r"^## ", GUARANTEES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    chapter = next(each for each in chapters if each.startswith(f"G{number} "))
    assert TEST_NAME.search(chapter) or "*Open*" in chapter


def test_every_link_between_our_files_leads_somewhere() -> None:
    broken = []
    for document in documents():
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{name_of(document)}: {target}")
    assert broken == []


def required(name: str) -> set[str]:
    """Return the packages that a requirements file names itself."""
    lines = (ROOT / f"requirements/{name}.in").read_text(encoding="utf-8").splitlines()
    stripped = (line.partition("#")[0].strip() for line in lines)
    return {re.split(r"[\[<>=!;\s]", line)[0].lower() for line in stripped if line and not line.startswith("-")}


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    named = set(PACKAGE.findall(text)) - {"package"}
    assert named == required("run") | required("dev")


def test_the_published_schemas_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert export(["--check"]) == 0


def test_every_command_that_a_document_shows_exists() -> None:
    unknown = []
    for document in documents():
        for line in COMMAND.findall(document.read_text(encoding="utf-8")):
            if not _is_command(get_command(app), line.split()):
                unknown.append(f"{name_of(document)}: arrears {line}")
    assert unknown == []


def _is_command(command: Any, words: list[str]) -> bool:
    """Say whether the words lead to a command; what follows a command without commands of its own are arguments."""
    while words and hasattr(command, "get_command"):
        command, words = command.get_command(Context(command), words[0]), words[1:]
    return command is not None


def test_every_target_that_a_document_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {
        name
        for path in documents()
        for name in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert shown <= targets


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}
