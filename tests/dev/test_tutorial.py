"""The two runs of `dev.py` in `docs/tutorial.md` export what the tutorial says."""

from __future__ import annotations

import csv
import re
import shlex
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import dev_commands
from devhost.local import azurite
from devhost.local.paths import ROOT
from devhost.local.ports import free_port
from exports.commands.demo import local_data

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
RUNS = re.findall(r"^\$ python3 dev\.py (run .+)$", TUTORIAL, re.MULTILINE)
SQL = re.findall(r"^```sql\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)
PRACTICE = "sqlite:///practice.sqlite"


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let `dev.py run` keep all that it writes in a folder of the test; return the file that it exports."""
    local, file = tmp_path / "local", tmp_path / "out" / "clients.csv"
    local.mkdir()
    monkeypatch.setattr(dev_commands, "LOCAL", local)
    monkeypatch.setattr(azurite, "LOCAL", local)
    monkeypatch.setattr(dev_commands, "SETTINGS", tmp_path / "local.settings.json")
    monkeypatch.setattr(dev_commands, "EXPORTED_FILE", file)
    monkeypatch.setattr(dev_commands, "shown_path", str)
    monkeypatch.setattr(dev_commands, "ignore_signals", lambda: None)  # they are those of the test run
    monkeypatch.setattr(local_data, "SAMPLE_DATABASE_URL", f"sqlite:///{local}/clients.sqlite")
    monkeypatch.setenv("CLIENTS_DATABASE_URL", local_data.SAMPLE_DATABASE_URL)
    return file


def run_once(command: str, clients: int | None = None) -> None:
    """Run a command of the tutorial on a free port, and stop after its export.

    Args:
        clients: How many sample clients to make, to spare the tests the time for the usual number.
    """
    arguments = vars(dev_commands.PARSER.parse_args(shlex.split(command)))
    assert arguments.pop("command") == "run"
    options = replace(dev_commands.RunOptions(**arguments), port=free_port(), workers=1, once=True, clients=clients)
    assert dev_commands.run_command(options) == 0


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_first_step_of_the_tutorial_exports_sample_clients(exported: Path) -> None:
    first, _ = RUNS
    run_once(first, 400)
    assert len(rows_of(exported)) > 100


def test_the_last_step_of_the_tutorial_exports_the_database_that_its_reader_made(
    exported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, last = RUNS
    with closing(sqlite3.connect(tmp_path / "practice.sqlite")) as database:
        for script in SQL:
            database.executescript(script)
    assert PRACTICE in last
    run_once(last.replace(PRACTICE, f"sqlite:///{tmp_path}/practice.sqlite"))

    assert [(row["Code"], row["Name"], row["Status"]) for row in rows_of(exported)] == [
        ("C0001", "Harbour Bakery Ltd", "Active"),
        ("C0002", "Ada Winter", "Active"),
        ("C0003", "Old Mill Ltd", "Inactive"),
    ]
    assert "northwind: 3 clients" in capfd.readouterr().out
