"""The installed package, for all tests of the client."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `client-export`, installed into a fresh environment with the dependencies that it declares.

    It takes no package of the test environment, so a dependency that the package forgets to declare is found.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)  # the pip of the test environment installs, which saves the time for another
    pip = [str(in_venv("python")), "-m", "pip", "--python", f"{folder}/bin/python"]
    install = [*pip, "install", "--disable-pip-version-check", f"{ROOT}/client"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "client-export"
