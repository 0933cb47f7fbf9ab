"""The extras `pandas` and `polars` of the package, installed as a user installs them, and nothing of them without."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from devhost.local.paths import ROOT
from tests.client.conftest import install_client
from tests.support.system import NORTHWIND_KEY, System

PROGRAM = """
import json, os
from client_export import ExportClient, ExportRequest
from client_export.frames import to_{library}

with ExportClient(os.environ["CLIENT_EXPORT_URL"], key=os.environ["CLIENT_EXPORT_KEY"]) as client:
    request = ExportRequest(columns=["Code", ("Client", "Name")])
    frame = to_{library}(client, request)
    rows = client.estimate(request).rows
print(json.dumps({{"rows": rows, "read": len(frame), "columns": list(frame.columns), "first": str(frame["Code"][0])}}))
"""


def run(python: Path, system: System, library: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "CLIENT_EXPORT_URL": system.url, "CLIENT_EXPORT_KEY": NORTHWIND_KEY}
    command: list[str | Path] = [python, "-c", PROGRAM.format(library=library)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.thorough
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_extra_installs_what_its_data_frame_needs(tmp_path: Path, system: System, library: str) -> None:
    python = install_client(tmp_path / "venv", extra=library)
    done = run(python, system, library)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == found["read"] > 0
    assert (found["columns"], found["first"][0]) == (["Code", "Client"], "C")


def test_without_the_extra_an_error_says_which_to_install(program: Path, system: System) -> None:
    for library in ("pandas", "polars"):
        done = run(program.with_name("python"), system, library)
        assert done.returncode == 1
        assert f"pip install 'client-export-client[{library}]'" in done.stderr.splitlines()[-1]


def test_the_readme_of_the_package_names_its_extras() -> None:
    assert "'./client[pandas,polars]'" in (ROOT / "client" / "README.md").read_text(encoding="utf-8")
