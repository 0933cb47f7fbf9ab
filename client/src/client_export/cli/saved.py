"""The commands for what is saved under a name: mappings and schedules."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from client_export.cli import options as given
from client_export.cli.context import AsJson, print_facts, print_json, print_list, print_table, service
from client_export.cli.exits import exits
from client_export.cli.show import local
from client_export.models import SavedMapping, Schedule

mappings = typer.Typer(no_args_is_help=True, help="Saved lists of columns.")
schedules = typer.Typer(no_args_is_help=True, help="Schedules, which start exports at their times.")

NEW_SCHEDULE: dict[str, Any] = {
    "timeZone": "UTC",
    "overlap": "skip",
    "incremental": False,
    "enabled": True,
    "request": {},
}
"""What a new schedule has, unless options say otherwise."""

Code = Annotated[str, typer.Argument(help="Its code.")]
ReplacedCode = Annotated[str | None, typer.Option("--code", help="Replace the one with this code.")]


@mappings.command("list")
@exits
def list_mappings(context: typer.Context, as_json: AsJson = False) -> None:
    """List the mappings: presets first, then by name."""
    with service(context) as client:
        found = list(client.mappings())
    print_list(
        found,
        as_json,
        ("code", "name", "columns", ""),
        lambda each: (each.code, each.name, str(len(each.columns)), "preset" if each.is_preset else None),
    )


@mappings.command("show")
@exits
def show_mapping(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Show a mapping and its columns."""
    with service(context) as client:
        _show_mapping(client.mapping(code), as_json)


@mappings.command("save")
@exits
def save_mapping(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Its name.")],
    columns: Annotated[list[str], typer.Option("--columns", "-c", metavar="FIELD,HEADER=FIELD", help="The columns.")],
    code: ReplacedCode = None,
    as_json: AsJson = False,
) -> None:
    """Save a mapping."""
    with service(context) as client:
        _show_mapping(client.save_mapping(name, given.read_columns(columns), code=code), as_json)


@mappings.command("delete")
@exits
def delete_mapping(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Delete a mapping. Exports that were started with it keep their columns."""
    with service(context) as client:
        client.delete_mapping(code)
    _show_deleted(code, as_json)


@schedules.command("list")
@exits
def list_schedules(context: typer.Context, as_json: AsJson = False) -> None:
    """List the schedules by name."""
    with service(context) as client:
        found = list(client.schedules())
    print_list(
        found,
        as_json,
        ("code", "name", "cron", "time zone", "next run"),
        lambda each: (each.code, each.name, each.cron, each.time_zone, local(each.next_run) or "none"),
    )


@schedules.command("show")
@exits
def show_schedule(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Show a schedule."""
    with service(context) as client:
        _show_schedule(client.schedule(code), as_json)


@schedules.command("save")
@exits
def save_schedule(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Its name. A new schedule needs one.")] = None,
    cron: Annotated[
        str | None,
        typer.Option(help="Minute, hour, day of the month, month, day of the week. A new schedule needs it."),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Time zone of these fields, such as Europe/London. Default: UTC.")
    ] = None,
    overlap: Annotated[
        str | None, typer.Option(help="If the previous export is still running: skip (the default) or queue.")
    ] = None,
    incremental: Annotated[
        bool | None, typer.Option(help="Only clients changed since the last run whose file was downloaded.")
    ] = None,
    enabled: Annotated[bool | None, typer.Option(help="Whether it is active. Default: it is.")] = None,
    request: Annotated[
        Path | None,
        typer.Option(help="File with what to export, as JSON; - is standard input. Default: every client."),
    ] = None,
    code: ReplacedCode = None,
    as_json: AsJson = False,
) -> None:
    """Save a schedule. With --code, what is not given stays as it is."""
    if code is None and (name is None or cron is None):
        message = "A new schedule needs --name and --cron; --code changes one that exists."
        raise typer.BadParameter(message)
    chosen = {
        "name": name,
        "cron": cron,
        "timeZone": time_zone,
        "overlap": overlap,
        "incremental": incremental,
        "enabled": enabled,
    }
    changes = {option: value for option, value in chosen.items() if value is not None}
    if request is not None:
        changes["request"] = given.read_json(request)  # null too: the service refuses it
    with service(context) as client:
        if code is None:
            _show_schedule(client.save_schedule(NEW_SCHEDULE | changes), as_json)
        else:
            _show_schedule(client.change_schedule(code, changes), as_json)


@schedules.command("delete")
@exits
def delete_schedule(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    """Delete a schedule. The exports that it started stay."""
    with service(context) as client:
        client.delete_schedule(code)
    _show_deleted(code, as_json)


@schedules.command("runs")
@exits
def list_runs(
    context: typer.Context,
    code: Code,
    limit: Annotated[int, typer.Option(min=1, help="How many runs to show at most.")] = 25,
    as_json: AsJson = False,
) -> None:
    """List the runs of a schedule, newest first."""
    with service(context) as client:
        found = list(islice(client.schedule_runs(code), limit))
    print_list(
        found,
        as_json,
        ("slot", "outcome", "export", "reason"),
        lambda each: (local(each.slot), each.outcome, each.job_code, each.reason),
    )


def _show_mapping(mapping: SavedMapping, as_json: bool) -> None:
    if as_json:
        print_json(mapping.raw)
        return
    print_facts({"code": mapping.code, "name": mapping.name})
    print_table(("header", "field"), mapping.columns)


def _show_schedule(schedule: Schedule, as_json: bool) -> None:
    if as_json:
        print_json(schedule.raw)
        return
    facts: dict[str, Any] = {"code": schedule.code, "name": schedule.name, "cron": schedule.cron}
    facts |= {"time zone": schedule.time_zone, "active": "yes" if schedule.enabled else "no"}
    print_facts(facts | {"next run": local(schedule.next_run), "last export": schedule.last_job_code})


def _show_deleted(code: str, as_json: bool) -> None:
    if as_json:
        print_json({"code": code, "deleted": True})
    else:
        print_facts({"deleted": code})
