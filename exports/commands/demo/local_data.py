"""Prepares a run on this machine: sample clients, and an API key for their tenants. Standard library only."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from exports.commands.demo.answers import DemoError
from exports.ports.client_urls import names_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SAMPLE_DATABASE_URL = "sqlite:///.local/clients.sqlite"
SAMPLE_TENANTS = ("northwind", "harbour")
SAMPLE_CLIENTS = 20_000
ALL_SCOPES = (
    "exports:read",
    "exports:write",
    "mappings:write",
    "schedules:write",
    "fields:sensitive",
    "audit:read",
    "keys:admin",
)


def choose_tenant(requested: str | None, own_database: bool) -> str:
    """Return the tenant that the user asked for, or else the first tenant of the sample database.

    Raises:
        DemoError: The user named a database of their own, but no tenant.
    """
    if requested:
        return requested
    if not own_database:
        return SAMPLE_TENANTS[0]
    raise DemoError("Name the tenant whose clients to export from that database: --tenant CODE")


def check_view(python: Path, root: Path, database: str, tenant: str) -> None:
    """Print what `python -m exports view check` says of a database. Its verdict does not end the run.

    Args:
        python: The interpreter of an environment where the app's packages are installed.
        root: The folder of the app.
    """
    if names_tables(database):  # clients in Table Storage have no view
        return
    command = [str(python), "-m", "exports", "view", "check", database, "--tenant", tenant]
    subprocess.run(command, check=False, cwd=root)


def create_sample_clients(database: Path, clients: int | None, make: Callable[[Path, int], None]) -> None:
    """Make the sample database if there is none, or if the user asks for another number of clients.

    Args:
        clients: How many clients the user asks for; None keeps an existing database as it is.
        make: Makes a database file with that many clients.
    """
    stamp = database.with_suffix(".count")
    held = int(stamp.read_text()) if stamp.exists() and database.exists() else None
    wanted = clients or held or SAMPLE_CLIENTS
    if held == wanted:
        return
    unfinished = database.with_name(f"{database.name}.new")
    unfinished.unlink(missing_ok=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    make(unfinished, wanted)
    stamp.unlink(missing_ok=True)
    unfinished.replace(database)
    stamp.write_text(str(wanted))


def make_key(python: Path, root: Path, storage: str, tenants: Sequence[str]) -> str:
    """Make an API key for these tenants with the command that an operator would use.

    Args:
        python: The interpreter of an environment where the app's packages are installed.
        root: The folder of the app.
    """
    command = [str(python), "-m", "exports", "keys", "create", "--name", "dev.py run"]
    options = [*(f"--tenant={tenant}" for tenant in tenants), *(f"--scope={scope}" for scope in ALL_SCOPES)]
    variables = {**os.environ, "EXPORT_STORAGE": storage}
    made = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=root, env=variables)
    if made.returncode:
        message = f"The API key could not be made: {made.stderr.strip()}"
        raise DemoError(message)
    return made.stdout.strip()
