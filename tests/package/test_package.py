"""The deployment package holds what runs, and runs elsewhere with its own requirements alone."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from devhost.local.environment import in_venv
from devhost.local.packaged import SETTING, PackagedApp, unpack
from devhost.local.paths import ROOT

SOME = ["tests/e2e/test_links.py", "tests/e2e/test_docs.py"]
"""Every run of all tests runs these and others on the package and the real Durable extension, where it finds that."""


def make(output: Path) -> str:
    command: list[str | Path] = [in_venv("python"), "dev.py", "package", "--output", output]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("package") / "client-export.zip"
    make(output)
    return output


@pytest.fixture(scope="module")
def unpacked(package: Path) -> PackagedApp:
    return unpack(package, package.parent / "unpacked")


def test_one_command_makes_the_same_package_again(package: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    assert "SHA-256" in make(again)
    assert again.read_bytes() == package.read_bytes()


def test_the_package_holds_no_test_no_tool_no_document_and_no_command(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert {"function_app.py", "host.json", "requirements.txt"} < set(names)
    assert {name.partition("/")[0] for name in names if "/" in name} == {"exports", "shared"}
    assert [name for name in names if "__pycache__" in name or name.startswith("exports/commands")] == []


def test_the_unpacked_package_imports_with_its_requirements_alone(unpacked: PackagedApp) -> None:
    script = "import function_app, sys; print(len(function_app.app.get_functions())); sys.exit('pytest' in sys.modules)"
    done = subprocess.run(
        [str(unpacked.python), "-c", script], cwd=unpacked.app, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


@pytest.mark.slow
@pytest.mark.thorough
def test_end_to_end_tests_pass_on_the_unpacked_package(unpacked: PackagedApp) -> None:
    command: list[str | Path] = [in_venv("python"), "-m", "pytest", *SOME, "-q", "-x"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {SETTING: str(unpacked.folder)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
