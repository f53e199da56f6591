"""The project's own files, for tests that read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_NOT_OURS: Final = {"node_modules", "__pycache__", "dist", "build"}


def files(*suffixes: str) -> Iterator[Path]:
    """Yield every text file of the tree that is ours; hidden and generated folders are not."""
    yield from (path for path in _all() if not suffixes or path.suffix in suffixes)


@cache
def _all() -> tuple[Path, ...]:
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        name = path.name
        if path.is_dir():
            if name not in _NOT_OURS and not name.endswith(".egg-info") and (not name.startswith(".") or name == ".ci"):
                yield from _walk(path)
        elif name != ".git":
            yield path


def sources(*parts: str) -> Iterator[Path]:
    """Yield the Python modules of our distributions whose path has all of `parts` among its folders or names."""
    for path in files(".py"):
        inside = path.relative_to(ROOT).parts
        if "src" in inside and all(part in inside for part in parts):
            yield path


def suite() -> Iterator[Path]:
    """Yield the modules of the test suite."""
    return (path for path in files(".py") if path.relative_to(ROOT).parts[0] == "tests")


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """Return the path as people write it."""
    return path.relative_to(ROOT).as_posix()


def places(path: Path, nodes: Iterator[ast.expr | ast.stmt]) -> list[str]:
    """Return file and line of each node."""
    return [f"{name_of(path)}:{node.lineno}" for node in nodes]


def called(node: ast.AST) -> str:
    """Return the dotted name that a call or attribute names, such as `datetime.now`; empty when it is none."""
    match node:
        case ast.Call(func=func):
            return called(func)
        case ast.Attribute(value=value, attr=attr):
            return f"{called(value)}.{attr}".lstrip(".")
        case ast.Name(id=name):
            return name
        case _:
            return ""
