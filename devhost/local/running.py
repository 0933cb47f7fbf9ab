"""Records how to use the running system of this folder, and runs command lines on it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devhost.local.environment import in_venv
from devhost.local.errors import DevError
from devhost.local.paths import ROOT
from devhost.local.run_record import active_run
from devhost.local.settings import write_text_privately

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OPERATOR_COMMANDS = (
    "audit",
    "costs",
    "keys",
    "remove-file",
    "sample-clients",
    "smoke",
    "tables",
    "view",
    "webhooks",
)
"""Commands of `python -m exports`, which work on the storage of the service. All others are of `client-export`."""
_HELP = frozenset({"-h", "--help"})
_USAGE = f"""\
usage: dev.py cli COMMAND [OPTIONS], on the system that `python3 dev.py run` has started
Commands of `python -m exports`: {", ".join(OPERATOR_COMMANDS)}.
All others are of client-export:"""
_NOT_INHERITED = ("CLIENT_EXPORT_TOKEN", "CLIENT_EXPORT_PROFILE")
"""Variables of the user's own that would lead a command to another service."""


def record_service(file: Path, url: str, key: str, tenant: str, app_settings: Mapping[str, str]) -> None:
    """Save what the command lines need, readable by its owner only."""
    profiles = str(file.with_name("profiles.json"))
    variables = {"URL": url, "KEY": key, "TENANT": tenant, "CONFIG": profiles}
    found = {**app_settings, **{f"CLIENT_EXPORT_{name}": value for name, value in variables.items()}}
    write_text_privately(file, json.dumps(found, indent=2) + "\n")


def run_command_line(file: Path, record: Path, arguments: Sequence[str]) -> int:
    """Run a command of `client-export` or of `python -m exports` on the running system; return its exit code.

    Help needs no system.

    Args:
        file: What `record_service` saved.
        record: The record of the active run.

    Raises:
        DevError: No system runs in this folder, or it is not ready yet.
    """
    service = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    wants_help = not arguments or not _HELP.isdisjoint(arguments)
    if not arguments or arguments[0] in _HELP:
        sys.stdout.write(f"{_USAGE}\n\n")
        sys.stdout.flush()
    needs_no_system = wants_help and in_venv("python").exists()
    if not needs_no_system and not answers(service.get("CLIENT_EXPORT_URL", "")):  # a killed run leaves its file behind
        if (active := active_run(record)) is not None:
            message = (
                f"The system is not ready: `dev.py run` (process {active}) is still starting it, or is ending. "
                "Try again when that has printed the address of the web UI."
            )
            raise DevError(message)
        raise DevError("No system runs in this folder. Start one in another terminal with: python3 dev.py run")
    module = "exports" if arguments and arguments[0] in OPERATOR_COMMANDS else "client_export"
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "client" / "src")])
    variables = {**inherited, **service, "PYTHONPATH": paths}
    return subprocess.call([str(in_venv("python")), "-m", module, *arguments], env=variables)


def answers(url: str) -> bool:
    """Return whether a program accepts connections at the address."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=10):
            return True
    except OSError:
        return False
