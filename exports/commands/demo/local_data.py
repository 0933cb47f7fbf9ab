"""What a run on this machine begins with: sample clients, and a key that opens them. Standard library only."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from exports.commands.demo.web import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SAMPLE_DATABASE_URL = "sqlite:///.local/clients.sqlite"
SAMPLE_TENANTS = ("northwind", "harbour")
SAMPLE_CLIENTS = 20_000
ALL_SCOPES = ("exports:read", "exports:write", "mappings:write", "schedules:write", "fields:sensitive")


def choose_tenant(asked: str | None, own_database: bool) -> str:
    if asked:
        return asked
    if not own_database:
        return SAMPLE_TENANTS[0]
    raise DemoError("Whose clients of that database? Name the tenant: --tenant CODE")


def create_sample_clients(database: Path, clients: int | None, make: Callable[[Path, int], None]) -> None:
    """Make the sample database when there is none, or when another number of clients is asked for."""
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
    """Make a key that opens these tenants, as an operator would.

    Args:
        python: The interpreter that has the app's packages.
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
