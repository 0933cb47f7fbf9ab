"""Where a system library of the driver for Azure SQL cannot be loaded, the service says what to install.

An empty file stands before the library in the path of the dynamic loader, so the real loader and the real driver fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="The driver needs these libraries on Linux only.")

_URL = "mssql://reader:secret@127.0.0.1:1/clients"
_HEALTH = f"""
from exports.adapters.clients_sql.source import SqlClientSource
from tests.support.fakes import a_services
from dataclasses import replace
from exports.steps.upkeep.check_health import check_health
services = replace(a_services(), clients=SqlClientSource("{_URL}"))
print(check_health(services).model_dump_json())
"""


def _run(folder: Path, library: str, *arguments: str) -> str:
    (folder / library).touch()
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), "CI": ""}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libltdl.so.7", "libltdl7"),
        pytest.param("libgssapi_krb5.so.2", "libgssapi-krb5-2", marks=pytest.mark.thorough),
    ],
)
def test_the_view_check_names_the_package_of_a_missing_library(tmp_path: Path, library: str, package: str) -> None:
    said = _run(tmp_path, library, "-m", "exports", "view", "check", _URL)
    assert f"because this machine lacks {library}. Install it" in said
    assert f"apt-get install {package})" in said
    assert "Traceback" not in said


def test_the_health_check_names_a_missing_library_of_the_driver(tmp_path: Path) -> None:
    assert "because this machine lacks libltdl.so.7. Install it" in _run(tmp_path, "libltdl.so.7", "-c", _HEALTH)


def test_a_driver_that_cannot_be_imported_names_the_missing_library(tmp_path: Path) -> None:
    said = _run(tmp_path, "libstdc++.so.6", "-m", "exports", "view", "check", _URL)
    assert "because this machine lacks libstdc++.so.6 or has another version of it" in said
    assert "Traceback" not in said


@pytest.mark.thorough
def test_tests_of_the_driver_are_skipped_with_a_sentence_where_it_cannot_be_loaded(tmp_path: Path) -> None:
    tests = "tests/contract/test_mssql_driver.py"
    said = _run(tmp_path, "libltdl.so.7", "-m", "pytest", tests, "-q", "-rs", "-p", "no:cacheprovider")
    assert "SKIPPED" in said
    assert "apt-get install libltdl7" in said
    assert "failed" not in said
