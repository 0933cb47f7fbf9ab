"""`python -m exports view`: prints a view `clients` to start from, and checks the view of a database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from exports.commands.command_line import CommandError
from exports.commands.view_template import DIALECTS, view_template
from exports.errors import ExportError

if TYPE_CHECKING:
    from exports.adapters.clients_sql.view_report import ColumnReport

_RED, _GREEN, _PLAIN = "\033[31m", "\033[32m", "\033[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    summary = "print a CREATE VIEW with every column, to start from"
    template = actions.add_parser("template", help=summary, description=summary)
    template.add_argument("--dialect", required=True, choices=DIALECTS, help="kind of the database")
    template.set_defaults(act=_print_template)
    summary = "say for each column of a view its type, its cell, and the change to make if an export would fail"
    check = actions.add_parser("check", help=summary, description=summary)
    check.add_argument("url", metavar="URL", help="SQLAlchemy URL of the database, as in CLIENTS_DATABASE_URL")
    check.add_argument("--json", action="store_true", help="print JSON for programs")
    check.set_defaults(act=_check)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action, and return the exit code."""
    return int(arguments.act(arguments))


def _print_template(arguments: argparse.Namespace) -> int:
    sys.stdout.write(view_template(arguments.dialect))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """Print the report; return 1 if an export of every field, or a filter, would fail by a column."""
    from exports.adapters.client_sources import TABLES_SCHEME
    from exports.adapters.clients_sql.view_report import report_on_view

    if arguments.url.startswith(TABLES_SCHEME):
        raise CommandError("This command checks views of SQL databases. Clients in Table Storage have no view.")
    try:
        columns = report_on_view(arguments.url)
    except ExportError as error:
        raise CommandError(str(error)) from error
    problems = [column.problem for column in columns if column.problem]
    if arguments.json:
        answer = {
            "usable": not problems,
            "typesChecked": _has_types(columns),
            "columns": [column._asdict() for column in columns],
        }
        sys.stdout.write(f"{json.dumps(answer, indent=2)}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _table(columns, colours=sys.stdout.isatty())))
    return 1 if problems else 0


def _table(columns: Sequence[ColumnReport], *, colours: bool) -> Iterator[str]:
    red, green, plain = (_RED, _GREEN, _PLAIN) if colours else ("", "", "")
    names = max(len(column.name) for column in columns)
    types = max(len(column.type_name) for column in columns)
    for column in columns:
        mark, text = (f"{red}FAIL{plain}", column.problem) if column.problem else (f"{green}ok{plain}  ", column.cell)
        yield f"{mark}  {column.name:{names}}  {column.type_name:{types}}  {text}".rstrip()
    yield _summary(columns)


def _summary(columns: Sequence[ColumnReport]) -> str:
    if failed := sum(1 for column in columns if column.problem):
        return f"{failed} of {len(columns)} columns would make an export fail."
    if not _has_types(columns):
        return "No column is missing. The database names no types here: export a few clients to try them."
    return "Every column has a type that can be exported. The values are checked by the export itself."


def _has_types(columns: Sequence[ColumnReport]) -> bool:
    """Say whether the database describes the types of its columns."""
    return any(column.type_name for column in columns)
