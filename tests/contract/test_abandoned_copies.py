"""Copies of a SQLite file that killed processes have left behind are removed, and no other ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

KILLED = """
import os, sys, tempfile
from exports.adapters.clients_sql.source import SqlClientSource
tempfile.tempdir = sys.argv[2]
with SqlClientSource("sqlite:///" + sys.argv[1]).open_snapshot():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the service."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    made = SqliteFile(tmp_path / "clients.sqlite")
    made.fill([{"code": f"C{number:05}", "name": "a client"} for number in range(200)])
    return made


def take_and_release(file: SqliteFile) -> None:
    with file.source.open_snapshot():
        pass


def abandon(file: SqliteFile, folder: Path) -> Path:
    """Kill a process that reads a snapshot; return the folder of its copy."""
    command = [sys.executable, "-c", KILLED, str(file.path), str(folder)]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == -9
    (left,) = folder.iterdir()
    return left


def let_it_settle(folder: Path) -> None:
    before = time.time() - 60
    os.utime(folder / "clients.sqlite", (before, before))


def test_the_next_snapshot_removes_the_copy_of_a_killed_process(file: SqliteFile, folder: Path) -> None:
    let_it_settle(abandon(file, folder))
    take_and_release(file)
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("content", [b"", b"half a page of a database"])
def test_a_copy_whose_writer_was_killed_midway_is_removed(file: SqliteFile, folder: Path, content: bytes) -> None:
    left = abandon(file, folder)
    (left / "clients.sqlite").write_bytes(content)
    let_it_settle(left)
    take_and_release(file)
    assert [*folder.iterdir()] == []


def test_a_copy_that_is_read_stays(file: SqliteFile, folder: Path) -> None:
    with file.source.open_snapshot() as snapshot:
        (read,) = folder.iterdir()
        let_it_settle(read)
        take_and_release(file)
        assert [*folder.iterdir()] == [read]
        lists = snapshot.clients.read(ClientSelection(TENANT, ("code",)), KeyRange())
        assert sum(map(len, lists)) == 200


def test_a_young_copy_stays_because_its_process_may_be_about_to_lock_it(file: SqliteFile, folder: Path) -> None:
    left = abandon(file, folder)
    take_and_release(file)
    assert [*folder.iterdir()] == [left]


def test_folders_of_other_users_stay(file: SqliteFile, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = abandon(file, folder)
    let_it_settle(left)
    monkeypatch.setattr(os, "getuid", lambda: left.stat().st_uid + 1)
    take_and_release(file)
    assert [*folder.iterdir()] == [left]
