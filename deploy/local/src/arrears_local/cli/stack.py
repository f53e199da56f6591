"""`arrears up | down | status | doctor`: the local system as a whole."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from arrears_local.checks import Check, machine_checks, running_checks
from arrears_local.cli.output import DEPENDENCY_DOWN, AsJson, data, end_with, print_json, talk
from arrears_local.cli.tables import checks_table, status_table
from arrears_local.plan import Plan, make_plan
from arrears_local.refusals import LocalRefusal, NotRunning
from arrears_local.runner import bring_down, bring_up, bring_up_detached
from arrears_local.settings import LocalSettings, read_settings
from arrears_local.status import SystemStatus, read_status

Replicas = Annotated[
    list[str] | None, typer.Option("--replicas", metavar="SERVICE=N", help="Run N equal processes of a service.")
]


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(show_status)
    app.command("doctor")(doctor)


def up(
    replicas: Replicas = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    sample: Annotated[bool, typer.Option("--sample", help="Load the sample portfolio into an empty system.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything, wait until it is ready, keep it running until Ctrl-C."""
    settings, plan = _read(replicas)

    def tell_ready(status: SystemStatus) -> None:
        if as_json:
            return print_json(status)
        data.print(status_table(status))
        data.print(f"Console: [bold]{status.console_url}[/bold]")
        hint = "`arrears down` stops it" if detach else "Ctrl-C stops it"
        talk.print(f"Data and logs: {settings.home}. {hint}; the data stay.", markup=False, soft_wrap=True)
        return None

    try:
        if detach:
            tell_ready(bring_up_detached(settings, plan, replicas or [], sample, _say))
        else:
            bring_up(settings, plan, sample, tell_ready, _say)
    except LocalRefusal as refusal:
        end_with(refusal)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove all data (the jar cache stays).")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything in order; the data stay unless --wipe is given."""
    settings, _ = _read(None)
    try:
        stopped = bring_down(settings, wipe)
    except LocalRefusal as refusal:
        end_with(refusal)
    if as_json:
        print_json({"stopped": stopped, "wiped": wipe})
    else:
        talk.print("stopped" if stopped else "nothing was up", "and the data are removed" if wipe else "")


def show_status(as_json: AsJson = False) -> None:
    """Show every process: state, address, restarts. Exit code 6 unless all are ready."""
    settings, _ = _read(None)
    status = read_status(settings.home)
    if status is None:
        end_with(NotRunning(f"nothing has been started under {settings.home}", "`arrears up` starts it"))
    if as_json:
        print_json(status)
    else:
        data.print(status_table(status))
        data.print(f"{status.state}: {status.console_url}")
    if status.state != "ready":
        raise typer.Exit(DEPENDENCY_DOWN)


def doctor(as_json: AsJson = False) -> None:
    """Check the machine and what runs; each finding that is not right comes with what to do. Exit code 6 then."""
    settings, plan = _read(None)
    found: list[Check] = [
        *machine_checks(settings),
        *running_checks(settings, plan, read_status(settings.home)),
    ]
    if as_json:
        print_json(found)
    else:
        data.print(checks_table(found))
    if not all(check.ok for check in found):
        raise typer.Exit(DEPENDENCY_DOWN)


def _read(replicas: list[str] | None) -> tuple[LocalSettings, Plan]:
    try:
        settings = read_settings(os.environ)
        return settings, make_plan(settings, dict(_replica_count(text) for text in replicas or []))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _replica_count(text: str) -> tuple[str, int]:
    service, _, count = text.partition("=")
    if not count.isdecimal():
        raise ValueError(f"--replicas wants SERVICE=N, for example outreach=2, not {text!r}")
    return service, int(count)


def _say(text: str) -> None:
    talk.print(text, markup=False, soft_wrap=True)
