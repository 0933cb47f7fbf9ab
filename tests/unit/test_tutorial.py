"""The tables, the view and the commands of `docs/tutorial.md` work, and its answers are those of the service."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from devhost.local.command_line import Defaults, make_parser
from exports.request.fields import ClientStatus, ClientType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)
DEV, EXPORTS = "python3 dev.py ", ".venv/bin/python -m exports "


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The database of the tutorial, with its view."""
    path = tmp_path / "practice.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        for script in re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
            connection.executescript(script)
    return path


def exports(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exports", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_service_accepts_the_view_of_the_tutorial_and_answers_as_shown(database: Path) -> None:
    (check,) = (command for command in COMMANDS if command.startswith(EXPORTS))
    done = exports(shlex.split(check.removeprefix(EXPORTS)), database.parent)

    assert done.returncode == 0, done.stderr
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (shown,) = (text for language, text in blocks if not language)
    assert [line for line in shown.splitlines() if line not in done.stdout.splitlines()] == []
    assert not re.search(r"^(FAIL|warn)", done.stdout, re.MULTILINE)


def test_the_view_has_only_statuses_and_types_that_exist(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT status, type FROM clients").fetchall()
    assert len(rows) == 3
    assert all(ClientStatus(status) and ClientType(kind) for status, kind in rows)


def test_dev_py_knows_every_command_and_option_of_the_tutorial() -> None:
    parser = make_parser(Defaults("northwind", 1, "clients.csv"))
    commands = [command.removeprefix(DEV) for command in COMMANDS if command.startswith(DEV)]
    assert [parser.parse_args(shlex.split(command)).database for command in commands] == [
        None,
        "sqlite:///practice.sqlite",
    ]


def test_every_command_of_the_tutorial_is_one_that_a_test_knows() -> None:
    known = (DEV, EXPORTS, "sqlite3 practice.sqlite < ")
    assert [command for command in COMMANDS if not command.startswith(known)] == []
