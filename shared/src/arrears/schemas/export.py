"""Write or check `docs/events`: `python -m arrears.schemas.export [--check | --release VERSION] [--into FOLDER]`.

`--check` fails when a file is not what the code would write, or when a type broke what a release promised (`released/`
holds the schemas of each release). `--release` writes such a file: the promise begins there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from arrears import events  # registers every type
from arrears.events.registry import EventType, event_types, parse_wire_name
from arrears.schemas.asyncapi import document
from arrears.schemas.compatibility import incompatibilities
from arrears.schemas.json_schema import Schema, path_of, schema_of
from arrears.schemas.subscribers import acts_on, definitions, shows, streams
from arrears.schemas.table import Entry, table

FOLDER: Final = Path("docs/events")
_MODULES: Final = events.__all__
_WRITE: Final = "python -m arrears.schemas.export"


def current_entries() -> list[Entry]:
    """Return every published type with what the installed services say of it."""
    services = definitions()
    return [
        Entry(
            kind,
            tuple(streams(kind, services)),
            tuple(s.name for s in services if acts_on(s, kind)),
            tuple(s.name for s in services if shows(s, kind)),
        )
        for kind in event_types()
    ]


def files(entries: Sequence[Entry], released: Iterable[Mapping[str, Schema]], release: str) -> dict[str, str]:
    """Return what stands in the folder, by path. A released version that today's class has left behind stays."""
    found = {f"schemas/{path_of(entry.kind)}": _json(schema_of(entry.kind)) for entry in entries}
    for schemas in released:
        for name, schema in schemas.items():
            owner, event, number = parse_wire_name(name)
            found.setdefault(f"schemas/{owner}/{event}.v{number}.json", _json(schema))
    return {"README.md": table(entries), "asyncapi.json": _json(document(entries, release)), **found}


def stale(expected: Mapping[str, str], folder: Path) -> list[str]:
    """Return the files that are missing, differ, or describe nothing any more."""
    differs = [name for name, text in expected.items() if _read(folder / name) != text]
    left_over = [path.relative_to(folder).as_posix() for path in folder.glob("schemas/**/*.json")]
    return [*differs, *(name for name in sorted(left_over) if name not in expected)]


def broken_promises(released: Mapping[str, Schema], kinds: Sequence[EventType]) -> list[str]:
    """Return what of a release today's types do not keep, one line each. Pure."""
    today = {kind.wire_name: kind for kind in kinds}
    latest = {(kind.owner, kind.name): kind for kind in kinds}
    found = []
    for name, schema in released.items():
        owner, event, number = parse_wire_name(name)
        kind = latest.get((owner, event))
        if name in today:
            found += [f"{name}: {what}" for what in incompatibilities(schema, schema_of(today[name]))]
        elif kind is None or number > kind.version:
            found.append(f"{name}: the type was removed")
        elif any(step not in kind.upcasters for step in range(number, kind.version)):
            found.append(f"{name}: no upcaster leads to version {kind.version}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog=_WRITE, description="Write or check docs/events.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale or incompatible")
    parser.add_argument("--release", metavar="VERSION", help="also keep today's schemas as those of a release")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder (default docs/events)")
    chosen = parser.parse_args(arguments)
    entries = current_entries()
    kinds = [entry.kind for entry in entries]
    if chosen.release:
        _write(chosen.into / "released" / f"{chosen.release}.json", _json({k.wire_name: schema_of(k) for k in kinds}))
    releases = _releases(chosen.into)
    expected = files(entries, releases.values(), version("arrears-kernel"))
    broken = [f"{release}: {line}" for release, schemas in releases.items() for line in broken_promises(schemas, kinds)]
    if not chosen.check:
        for name in set(stale(expected, chosen.into)) - set(expected):
            (chosen.into / name).unlink()
        for name, text in expected.items():
            _write(chosen.into / name, text)
    outdated = stale(expected, chosen.into)
    for name in outdated:
        print(f"stale: {chosen.into / name} (run {_WRITE})", file=sys.stderr)
    for line in broken:
        print(f"incompatible with release {line}", file=sys.stderr)
    return 1 if outdated or broken else 0


def _releases(folder: Path) -> dict[str, dict[str, Schema]]:
    paths = sorted(folder.glob("released/*.json"), reverse=True)
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
