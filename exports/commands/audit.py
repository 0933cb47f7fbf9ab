"""`python -m exports audit`: what was done with a tenant's exports on one day, as JSON lines."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date

from exports.errors import StorageUnavailableError
from exports.ports import AuditLog

OpenLog = Callable[[str], AuditLog]


class AuditCommandError(Exception):
    """The command cannot do what was asked; the text says why and what to change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--tenant", required=True, metavar="TENANT", help="whose entries")
    parser.add_argument("--day", required=True, type=_day, metavar="YYYY-MM-DD", help="of which day (UTC)")
    parser.add_argument(
        "--storage",
        metavar="SETTING",
        help="connection string, or name of the account for access by identity (default: EXPORT_STORAGE)",
    )


def run(arguments: argparse.Namespace, open_log: OpenLog | None = None) -> int:
    """Print the entries, oldest first, one JSON object a line; return the exit code."""
    from azure.core.exceptions import AzureError

    storage = arguments.storage or os.environ.get("EXPORT_STORAGE", "")
    try:
        log = (open_log or open_log_of)(storage)
        for entry in log.entries(arguments.tenant, arguments.day):
            sys.stdout.write(f"{entry.model_dump_json(by_alias=True)}\n")
    except (AuditCommandError, StorageUnavailableError) as error:
        return _refuse(str(error))
    except AzureError as error:
        return _refuse(f"Storage refused ({getattr(error, 'error_code', None) or type(error).__name__}).")
    return 0


def open_log_of(storage: str) -> AuditLog:
    """Open the audit log of a storage account; connects to nothing yet."""
    from exports.adapters.table_audit import TableAuditLog
    from shared.storage import StorageAccount

    if not storage:
        raise AuditCommandError("Which storage? Set EXPORT_STORAGE, or give --storage.")
    account = StorageAccount(storage)
    try:
        _ = account.tables
    except ValueError:
        message = "The storage setting is neither a connection string nor the name of an account."
        raise AuditCommandError(message) from None
    return TableAuditLog(account)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a day; write it as 2026-01-31."
        raise argparse.ArgumentTypeError(message) from None


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1
