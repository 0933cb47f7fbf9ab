"""The storage that a command asks, and how a command refuses."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.storage import StorageAccount


class CommandError(Exception):
    """The command cannot do what was asked; the text says why and what to change."""


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Let the caller name the storage."""
    parser.add_argument(
        "--storage",
        metavar="SETTING",
        help="connection string, or name of the account for access by identity (default: EXPORT_STORAGE)",
    )


def storage_of(arguments: argparse.Namespace) -> str:
    """The storage that was named; empty if none was."""
    return arguments.storage or os.environ.get("EXPORT_STORAGE", "")


def open_account(setting: str) -> StorageAccount:
    """Open a storage account; connects to nothing yet.

    Raises:
        CommandError: The setting is missing or malformed.
    """
    from shared.storage import StorageAccount

    if not setting:
        raise CommandError("Which storage? Set EXPORT_STORAGE, or give --storage.")
    account = StorageAccount(setting)
    try:
        _ = account.tables
    except ValueError:
        message = "The storage setting is neither a connection string nor the name of an account."
        raise CommandError(message) from None
    return account


def refuse(message: str, exit_code: int = 1) -> int:
    """Say why not; give the exit code."""
    sys.stderr.write(f"{message}\n")
    return exit_code
