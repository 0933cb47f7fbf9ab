"""The commands that look before an export: who you are, what a file would hold, by what clients can be filtered."""

from __future__ import annotations

import typer

from client_export.cli import options as given
from client_export.cli.context import AsJson, print_facts, print_json, print_table, say, service
from client_export.cli.exits import exits
from client_export.lookups import Preview
from client_export.request import RequestLike


@exits
def me(context: typer.Context, as_json: AsJson = False) -> None:
    """Show who you are, your tenants, and what you may do for each."""
    with service(context) as client:
        found = client.me()
    if as_json:
        print_json(found.raw)
        return
    print_facts({"name": found.name, "tenants": "every tenant" if found.any_tenant else str(len(found.tenants))})
    limits = {name: f"{value:,.15g}" for name, value in found.limits.items()}
    offers = {"notifyBy": ", ".join(found.notify_by) or None, "consistency": ", ".join(found.consistency)}
    print_facts(limits | offers)
    print_table(("tenant", "name", "scopes"), ((each.code, each.name, " ".join(each.scopes)) for each in found.tenants))


@exits
@given.describes_a_file
def preview(context: typer.Context, request: RequestLike, as_json: AsJson = False) -> None:
    """Count the clients of an export, and show its first ten rows, without starting it."""
    with service(context) as client:
        found = client.preview(request)
    if as_json:
        print_json(found.raw)
        return
    say(f"{len(found.rows)} of {_total_of(found)} clients")
    print_table([header for header, _ in found.columns], found.rows)
    for warning in found.warnings:
        say(str(warning))
    if not found.rows_complete:
        say("Finding the first clients takes too long for a preview.")
    if found.omitted_fields:
        say(f"Left out, because you may not read them: {', '.join(found.omitted_fields)}")


def _total_of(found: Preview) -> str:
    if found.total_items is not None:
        return f"{found.total_items:,}"
    return "an unknown number of" if found.minimum_items is None else f"at least {found.minimum_items:,}"


@exits
def filters(context: typer.Context, as_json: AsJson = False) -> None:
    """List the managers, partners, associates, teams and services by which clients can be filtered."""
    with service(context) as client:
        found = client.filters()
    if as_json:
        print_json(found.raw)
        return
    lists = {
        "manager": found.managers,
        "partner": found.partners,
        "associate": found.associates,
        "team": found.teams,
        "service": found.services,
    }
    print_table(
        ("filter", "code", "name"),
        ((name, value.code, value.name) for name, values in lists.items() for value in values),
    )
    if found.truncated:
        say("There may be more values than these.")
