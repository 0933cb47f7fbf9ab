"""`dev.py cli` runs the command lines on the local system."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import dev_commands
from devhost.local.run_record import record_run
from devhost.local.running import OPERATOR_COMMANDS, record_service
from exports.__main__ import _COMMANDS
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for local state, without a running system."""
    monkeypatch.setattr(dev_commands, "LOCAL", tmp_path)
    return tmp_path


def test_dev_cli_uses_the_key_and_the_storage_of_the_running_system(
    system: System, local: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    record_service(local / "service.json", system.url, NORTHWIND_KEY, NORTHWIND, system.settings)
    assert (local / "service.json").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("CLIENT_EXPORT_URL", "https://exports.example.com")
    monkeypatch.setenv("CLIENT_EXPORT_TOKEN", "of-another-service")

    assert dev_commands.main(["cli", "estimate", "--where", "status=Active", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["rows"] > 0
    assert dev_commands.main(["cli", "status", "0" * 26]) == 5
    capfd.readouterr()
    assert dev_commands.main(["cli", "keys", "list"]) == 0
    assert NORTHWIND in capfd.readouterr().out


def test_dev_cli_without_a_running_system_says_how_to_start_one(local: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dev_commands.main(["cli", "list"]) == 1
    assert "Start one in another terminal with: python3 dev.py run" in "".join(capfd.readouterr())


def test_dev_cli_says_to_wait_while_a_system_is_being_started(local: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record_run(local / "pids.json", [])

    assert dev_commands.main(["cli", "list"]) == 1
    printed = "".join(capfd.readouterr())
    assert f"`dev.py run` (process {os.getpid()}) is still starting it" in printed
    assert "No system runs" not in printed


def test_dev_cli_shows_its_help_without_a_running_system(local: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dev_commands.main(["cli", "--help"]) == 0
    shown = capfd.readouterr().out
    assert shown.startswith("usage: dev.py cli COMMAND")
    assert {"remove-file,", "preview", "--profile"} <= {*shown.split()}
    assert dev_commands.main(["cli", "keys", "create", "--help"]) == 0
    assert "--scope" in capfd.readouterr().out


def test_dev_cli_knows_every_command_of_the_operators() -> None:
    assert {*OPERATOR_COMMANDS, "verify"} == set(_COMMANDS)
