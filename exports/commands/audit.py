"""`python -m exports audit`: prints the audit log of one tenant and day as JSON lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date

from exports.commands.command_line import (
    add_storage_option,
    add_tenant_option,
    open_account,
    print_json_lines,
    storage_setting,
)
from exports.ports.audit import AuditLog

OpenLog = Callable[[str], AuditLog]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tenant_option(parser, "tenant whose entries to print")
    parser.add_argument("--day", required=True, type=_day, metavar="YYYY-MM-DD", help="day of the entries (UTC)")
    add_storage_option(parser)


def run(arguments: argparse.Namespace, open_log: OpenLog | None = None) -> int:
    """Print the entries, oldest first, as one JSON object a line; return the exit code."""
    log = (open_log or open_storage_log)(storage_setting(arguments))
    print_json_lines(log.entries(arguments.tenant, arguments.day))
    return 0


def open_storage_log(storage: str) -> AuditLog:
    """Open the audit log of a storage account. Does not connect yet."""
    from exports.adapters.storage.audit import TableAuditLog

    return TableAuditLog(open_account(storage))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a day; write it as 2026-01-31."
        raise argparse.ArgumentTypeError(message) from None
