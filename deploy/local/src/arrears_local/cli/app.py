"""The command's root: local commands are built in, services add theirs through the entry point group below."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from arrears_local.cli import broker, stack
from arrears_local.cli.output import talk

PLUGIN_GROUP = "arrears.commands"


class PluginGroup(TyperGroup):
    """Finds a command among the built-in ones, then among installed distributions, importing only the one called.

    Commands that import the kernel are entry points too, our own among them: only who calls one waits for that.

    An entry point of the group `arrears.commands` loads a `typer.Typer`: one with a single command becomes that
    command, one with several (or a callback) becomes a group.
    """

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted({*super().list_commands(ctx), *plugins()})

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        plugin = plugins().get(cmd_name)
        return None if plugin is None else _load(f"{cmd_name} ({plugin.value})", lambda: get_command(plugin.load()))


def plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=PLUGIN_GROUP)}


def _load(name: str, load: Callable[[], Any]):  # type: ignore[no-untyped-def]
    try:
        command = load()
    except Exception as error:  # a broken distribution must not take the other commands with it
        talk.print(f"command {name} cannot be loaded: {error!r}", markup=False, soft_wrap=True)
        return None
    command.name = name.split()[0]
    return command


app = typer.Typer(
    name="arrears",
    cls=PluginGroup,
    help="Collections on one machine: run it, look at it, check it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
stack.register(app)
broker.register(app)


def main() -> None:
    app(prog_name="arrears")
