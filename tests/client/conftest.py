"""The installed package, for all tests of the client."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_export import ExportClient
from client_export.cli.main import app
from typer.testing import CliRunner

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `client-export`, installed into a fresh environment with the dependencies that it declares.

    It takes no package of the test environment, so a dependency that the package forgets to declare is found.
    """
    return install_client(tmp_path_factory.mktemp("installed") / "venv").with_name("client-export")


def install_client(folder: Path, extra: str = "") -> Path:
    """Install the client, perhaps with an extra, into a fresh environment; return the Python of this environment."""
    package = f"{ROOT / 'client'}[{extra}]" if extra else str(ROOT / "client")
    python = folder / "bin" / "python"
    commands: list[list[str | Path]] = [
        ["venv", "--python", in_venv("python"), folder],
        ["pip", "install", "--python", python, package],
    ]
    for command in commands:
        done = subprocess.run([in_venv("uv"), "-q", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


@pytest.fixture
def client(system: System) -> Iterator[ExportClient]:
    with ExportClient(system.url, key=NORTHWIND_KEY, tenant=NORTHWIND) as opened:
        yield opened


def run(system: System, *arguments: str | Path, given: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the client on the service, with the key of a tenant and these variables.

    The command runs in the test's process, because a new process takes half a second of processor time to start.
    """
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, words, input=given, env=variables_for(system, **changes))
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def installed(program: Path, system: System, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the installed client, in a process of its own."""
    variables = {**os.environ, **variables_for(system)}
    return subprocess.run([program, *arguments], env=variables, capture_output=True, text=True, check=False)


def variables_for(system: System, **changes: str) -> dict[str, str]:
    return {"CLIENT_EXPORT_URL": system.url, "CLIENT_EXPORT_KEY": NORTHWIND_KEY, **changes}
