"""The installed package, for all tests of the client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT


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
