"""The parts that commands share: common options, opening storage, output, and exit codes for errors."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TextIO

from exports.errors import StorageUnavailableError
from exports.settings import SettingsError, read_settings
from shared.api_keys import KeysUnavailableError
from shared.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from exports.services import Services
    from shared.storage import StorageAccount


ACTOR = "command"
"""The actor of commands in the audit log. They have no API key."""

_ROLE = "as a user who has the role Storage Table Data Contributor (for files also Storage Blob Data Contributor)"
_NOWHERE = logging.NullHandler()


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


def add_action(actions: Any, name: str, act: Callable[..., object], summary: str) -> argparse.ArgumentParser:
    """Add an action to the subparsers of a command. `arguments.act` is then what the command calls."""
    action: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    action.set_defaults(act=act)
    return action


def storage_setting(arguments: argparse.Namespace) -> str:
    """Return the storage setting from `--storage` or `EXPORT_STORAGE`. It is empty if neither is given."""
    return arguments.storage or os.environ.get("EXPORT_STORAGE", "")


def open_account(setting: str) -> StorageAccount:
    """Open a storage account. Does not connect yet. Messages never show the setting, which may hold a secret.

    Raises:
        CommandError: The setting is missing or malformed.
    """
    from shared.storage import StorageAccount

    if not setting:
        raise CommandError("Name the storage account: set EXPORT_STORAGE, or give --storage.")
    account = StorageAccount(setting)
    try:
        _ = account.tables
    except ValueError:
        raise CommandError(
            "EXPORT_STORAGE or --storage holds neither a connection string nor the name of a storage account."
        ) from None
    return account


def open_services(storage: str) -> Services:
    """Build the services for a storage account, with the other app settings from the environment.

    For commands that read no clients, so they do not need CLIENTS_DATABASE_URL.

    Raises:
        SettingsError: Another setting is wrong.
        CommandError: The storage account is missing or malformed.
    """
    from exports.wiring import build_services

    open_account(storage)
    return build_services(read_settings({"CLIENTS_DATABASE_URL": "sqlite://", **os.environ, "EXPORT_STORAGE": storage}))


def wants_colours(output: TextIO) -> bool:
    """Say whether to print colours: only to a terminal, and only without NO_COLOR (no-color.org)."""
    return output.isatty() and not os.environ.get("NO_COLOR")


def plain(text: str) -> str:
    """Return a text of several lines with a question mark for each character that does not print."""
    return "\n".join(map(printable, text.split("\n")))


def escaped(document: str) -> str:
    """Return JSON in which what does not print is escaped."""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in document)


def print_json(document: object) -> None:
    """Print one document as JSON, in ASCII, which every terminal and file can take."""
    sys.stdout.write(f"{json.dumps(document, indent=2)}\n")


def print_json_lines(items: Iterable[BaseModel]) -> None:
    """Print each item as one line of JSON."""
    for item in items:
        sys.stdout.write(f"{escaped(item.model_dump_json(by_alias=True))}\n")


def storage_problem(error: Exception) -> str:
    """Say what the user can do about an error of storage, without an address or a secret.

    Args:
        error: Of Azure, or raised from one of Azure. Its sentences are for the people who run the service.
    """
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    from shared.storage import code_of, is_refusal, is_throttling

    cause = error if isinstance(error, AzureError) else error.__cause__
    if isinstance(cause, ClientAuthenticationError) and cause.status_code is None:
        return f"Sign in with `az login` {_ROLE}, or set EXPORT_STORAGE to a connection string."
    if isinstance(cause, AzureError) and is_refusal(cause):
        return (
            f"Storage refused the request ({code_of(cause)}). Check the key in EXPORT_STORAGE or --storage; if it only "
            f"names the account, sign in with `az login` {_ROLE}. Check the network rules of the account and the clock "
            "too."
        )
    if isinstance(cause, AzureError) and is_throttling(cause):
        return f"Storage is busy ({code_of(cause)}). Try again in a minute."
    if error is cause:
        return f"Storage refused the request ({code_of(error)})."
    return f"{error} Check that EXPORT_STORAGE or --storage names the right account and that this machine can reach it."


def run_to_exit_code(command: Callable[[], int], error_code: int) -> int:
    """Run a command, and return its exit code.

    An error that the user can act on becomes one line on standard error and the exit code `error_code`. What the
    service and its libraries log is not shown: it is for the log of a host.
    """
    from azure.core.exceptions import AzureError

    logging.getLogger().addHandler(_NOWHERE)
    try:
        return command()
    except (CommandError, SettingsError) as error:
        message = str(error)
    except (StorageUnavailableError, KeysUnavailableError, AzureError) as error:
        message = storage_problem(error)
    finally:
        logging.getLogger().removeHandler(_NOWHERE)
    sys.stderr.write(f"{plain(message)}\n")
    return error_code
