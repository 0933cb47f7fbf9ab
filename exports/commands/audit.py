"""`python -m exports audit`: what was done with a tenant's exports on one day, as JSON lines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date

from exports.commands.storage import CommandError, add_storage, open_account, refuse, storage_of
from exports.errors import StorageUnavailableError
from exports.ports.audit import AuditLog

OpenLog = Callable[[str], AuditLog]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--tenant", required=True, metavar="TENANT", help="whose entries")
    parser.add_argument("--day", required=True, type=_day, metavar="YYYY-MM-DD", help="of which day (UTC)")
    add_storage(parser)


def run(arguments: argparse.Namespace, open_log: OpenLog | None = None) -> int:
    """Print the entries, oldest first, one JSON object a line; return the exit code."""
    from azure.core.exceptions import AzureError

    try:
        log = (open_log or open_log_of)(storage_of(arguments))
        for entry in log.entries(arguments.tenant, arguments.day):
            sys.stdout.write(f"{entry.model_dump_json(by_alias=True)}\n")
    except (CommandError, StorageUnavailableError) as error:
        return refuse(str(error))
    except AzureError as error:
        return refuse(f"Storage refused ({getattr(error, 'error_code', None) or type(error).__name__}).")
    return 0


def open_log_of(storage: str) -> AuditLog:
    """Open the audit log of a storage account; connects to nothing yet."""
    from exports.adapters.storage.audit import TableAuditLog

    return TableAuditLog(open_account(storage))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a day; write it as 2026-01-31."
        raise argparse.ArgumentTypeError(message) from None
