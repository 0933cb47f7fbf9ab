"""`python -m exports view`: prints a view `clients` to start from, and checks the view of a database."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from exports.commands.command_line import CommandError, add_action, print_json, wants_colours
from exports.commands.view_table import has_types, report_lines
from exports.commands.view_template import DIALECTS, view_template
from exports.errors import ExportError
from exports.ports.client_urls import names_tables
from exports.request.view_name import read_view_name

if TYPE_CHECKING:
    from exports.adapters.clients_sql.view_report import ViewReport

_SETTING = "CLIENTS_DATABASE_URL"
_DELETIONS = "EXPORT_DELETIONS_VIEW"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    summary = "print a CREATE VIEW with every column, to start from"
    template = add_action(actions, "template", _print_template, summary)
    template.add_argument("--dialect", required=True, choices=DIALECTS, help="kind of the database")
    summary = "say for each column of a view its type and its cell; look at index, functions, tenants and speed"
    check = add_action(actions, "check", _check, summary)
    help_text = f"SQLAlchemy URL of the database (default: {_SETTING})"
    check.add_argument("url", metavar="URL", nargs="?", default=os.environ.get(_SETTING, ""), help=help_text)
    check.add_argument("--tenant", help="look at this tenant, and count its clients (default: the first one)")
    help_text = f"also check this view of deleted clients (default: {_DELETIONS})"
    check.add_argument("--deletions", metavar="VIEW", default=os.environ.get(_DELETIONS, ""), help=help_text)
    check.add_argument("--json", action="store_true", help="print JSON for programs")


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action, and return the exit code."""
    return int(arguments.act(arguments))


def _print_template(arguments: argparse.Namespace) -> int:
    sys.stdout.write(view_template(arguments.dialect))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """Print the report; return 1 if an export of every field, or a filter, would fail."""
    from exports.adapters.clients_sql.view_report import report_on_view

    if not arguments.url:
        message = f"Give the URL of the database, or set {_SETTING}."
        raise CommandError(message)
    if names_tables(arguments.url):
        raise CommandError("This command checks views of SQL databases. Clients in Table Storage have no view.")
    try:
        deletions = read_view_name(arguments.deletions)
    except PydanticCustomError as error:
        message = f"--deletions or {_DELETIONS}: {error.message()}."
        raise CommandError(message) from error
    try:
        report = report_on_view(arguments.url, arguments.tenant, deletions)
    except ExportError as error:
        reason = f"{error} {error.operator}".rstrip().replace(_SETTING, "the URL")
        if not arguments.json:
            raise CommandError(reason) from error
        print_json({"usable": False, "reasons": [reason], "typesChecked": False, "columns": [], "notes": []})
        return 1
    if arguments.json:
        print_json(_as_json(report))
    else:
        lines = report_lines(report, colours=wants_colours(sys.stdout))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if report.reasons else 0


def _as_json(report: ViewReport) -> dict[str, Any]:
    """Return the report for programs. What was not found out is null, and `notes` says why."""
    found = report.findings
    sample = found.sample
    return {
        "usable": not report.reasons,
        "reasons": report.reasons,
        "typesChecked": has_types(report.columns),
        "columns": [{**column._asdict(), "state": column.state} for column in report.columns],
        "key": found.key and asdict(found.key),
        "firstSeconds": found.first_seconds,
        "functions": None if found.functions is None else [asdict(function) for function in found.functions],
        "tenants": found.tenants and asdict(found.tenants),
        "sample": sample and {**asdict(sample), "clients_per_second": sample.clients_per_second},
        "deletions": None if found.deletions is None else [asdict(column) for column in found.deletions],
        "deletedClients": found.deleted_clients,
        "notes": found.notes,
    }
