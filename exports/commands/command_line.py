"""The parts that commands share: common options, opening storage, output, and exit codes for errors."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO

from exports.errors import StorageUnavailableError
from exports.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from pydantic import BaseModel

    from exports.services import Services
    from shared.storage import StorageAccount


class CommandError(Exception):
    """The command cannot do what the user asked for. The text says why, and what to change."""


def add_storage_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage",
        metavar="SETTING",
        help="connection string of the storage account, or its name for access by identity (default: EXPORT_STORAGE)",
    )


def add_tenant_option(parser: argparse.ArgumentParser, summary: str, *, required: bool = True) -> None:
    parser.add_argument("--tenant", required=required, metavar="TENANT", help=summary)


def add_code_option(parser: argparse.ArgumentParser, summary: str, *, required: bool = False) -> None:
    parser.add_argument("--code", required=required, metavar="CODE", help=summary)


def storage_setting(arguments: argparse.Namespace) -> str:
    """Return the storage setting from `--storage` or `EXPORT_STORAGE`. It is empty if neither is given."""
    return arguments.storage or os.environ.get("EXPORT_STORAGE", "")


def open_account(setting: str, source: str = "EXPORT_STORAGE or --storage") -> StorageAccount:
    """Open a storage account. Does not connect yet.

    Args:
        source: Where the user can change the setting, for messages. The messages never show the setting, which may hold
            a secret.

    Raises:
        CommandError: The setting is missing or malformed.
    """
    from shared.storage import StorageAccount

    if not setting:
        message = f"Name the storage account: set {source}."
        raise CommandError(message)
    account = StorageAccount(setting)
    try:
        _ = account.tables
    except ValueError:
        message = f"{source} holds neither a connection string nor the name of a storage account."
        raise CommandError(message) from None
    return account


def open_services() -> Services:
    """Build the services from the app settings in the environment.

    For commands that read no clients, so they do not need CLIENTS_DATABASE_URL.

    Raises:
        SettingsError: A setting is missing or wrong.
        CommandError: EXPORT_STORAGE is malformed.
    """
    from exports.wiring import build_services

    settings = read_settings({"CLIENTS_DATABASE_URL": "sqlite://", **os.environ})
    open_account(settings.storage.get_secret_value(), "EXPORT_STORAGE")
    return build_services(settings)


def wants_colours(output: TextIO) -> bool:
    """Say whether to print colours: only to a terminal, and only without NO_COLOR (no-color.org)."""
    return output.isatty() and not os.environ.get("NO_COLOR")


def one_line(text: str) -> str:
    """Return a text with a question mark for each character that does not print, which a terminal might obey.

    Clients, and callers over HTTP, choose names; commands print them for operators.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def plain(text: str) -> str:
    """Return a text of several lines with a question mark for each character that does not print."""
    return "\n".join(map(one_line, text.split("\n")))


def escaped(document: str) -> str:
    """Return JSON in which what does not print is escaped."""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in document)


def print_json(document: object) -> None:
    """Print one document as JSON."""
    sys.stdout.write(f"{escaped(json.dumps(document, indent=2, ensure_ascii=False))}\n")


def print_json_lines(items: Iterable[BaseModel]) -> None:
    """Print each item as one line of JSON."""
    for item in items:
        sys.stdout.write(f"{escaped(item.model_dump_json(by_alias=True))}\n")


def storage_refusal(error: AzureError) -> str:
    """Describe an error of Azure Storage in one sentence that shows no address and no secret."""
    from shared.storage import code_of

    return f"Storage refused the request ({code_of(error)})."


def run_to_exit_code(command: Callable[[], int], error_code: int) -> int:
    """Run a command, and return its exit code.

    An error that the user can act on becomes one line on standard error and the exit code `error_code`.
    """
    from azure.core.exceptions import AzureError

    try:
        return command()
    except (CommandError, StorageUnavailableError, SettingsError) as error:
        message = str(error)
    except AzureError as error:
        message = storage_refusal(error)
    sys.stderr.write(f"{plain(message)}\n")
    return error_code
