"""The commands of documents that no other test runs work as shown, on the system that the tests start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_api_examples import assert_is_as_shown
from tests.support.conformance import assert_conforms
from tests.support.curl import read_console, run_curl
from tests.support.documented import ROOT, blocks_to_run
from tests.support.http_client import request
from tests.support.system import NORTHWIND_KEY, System, code_of


@pytest.mark.parametrize("document", ["README.md", "docs/mappings.md"])
def test_every_request_of_the_document_gets_the_answer_shown(system: System, document: str) -> None:
    requests = [block for block in blocks_to_run(document) if block.commands[0].startswith("curl ")]
    assert requests
    for block in requests:
        for shown in read_console(block.text):
            method, url, response = run_curl(shown.command, {"SERVICE": system.url, "KEY": NORTHWIND_KEY})
            assert_conforms(method, url, response)
            assert_is_as_shown(shown, response)


@pytest.fixture
def exported(system: System, tmp_path: Path) -> dict[str, str]:
    """Put a file and its manifest into a folder; return what a reader fills in instead of the examples."""
    location = system.start_async({})
    job = system.wait(location)
    (tmp_path / "clients.csv").write_bytes(request("GET", job["downloadUrl"]).body)
    manifest = system.call("GET", f"{location}/manifest").json
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return {
        "7ybq…": code_of(location),
        "postgresql://reader:…@host/practice": system.settings["CLIENTS_DATABASE_URL"],
    }


@pytest.mark.parametrize("document", ["docs/client-view.md", "docs/costs.md", "docs/proof.md"])
def test_every_operator_command_of_the_document_works(
    system: System, exported: dict[str, str], tmp_path: Path, document: str
) -> None:
    commands = [command for block in blocks_to_run(document) for command in block.commands]
    own = [command for command in commands if command.startswith("python -m exports ")]
    assert own
    for command in own:
        done = run_in_shell(filled_in(command, exported), tmp_path, system)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr


def filled_in(command: str, values: dict[str, str]) -> str:
    for example, value in values.items():
        command = command.replace(example, value)
    assert "…" not in command, command
    return command


def run_in_shell(command: str, folder: Path, system: System) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "EXPORT_STORAGE": system.storage}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
