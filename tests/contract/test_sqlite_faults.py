"""A SQLite file that cannot be read says why, and what to change: crashed writers, closed folders, damage, options."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devhost.local.paths import ROOT
from exports.errors import ExportError, SourceRefusedError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT
from tests.support.accounts import server_account, temporary_folder

SELECTION = ClientSelection(TENANT, ("code", "name"))
CLIENTS = 2_000

CRASH = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE kept SET name = 'half written ' || hex(randomblob(50))")
os.kill(os.getpid(), 9)
"""
"""Writes more than the cache holds, so that half a transaction is in the file, and dies."""

READ = """
import os, sys
from sqlalchemy import create_engine
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError
from exports.ports.clients import ClientSelection
create_engine("sqlite://").connect().close()  # imports what a closed home directory would hide
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    print(SqlClientSource(f"sqlite:///{sys.argv[1]}").find_boundaries(ClientSelection("northwind", ("code",)), 10))
except ExportError as error:
    print(error.code, error)
"""
"""Reads a file as a user whom the permissions of a folder stop."""


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    made = SqliteFile(tmp_path / "clients.sqlite")
    made.fill([{"code": f"C{number:05}", "name": "a client"} for number in range(CLIENTS)])
    return made


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder in which a reader that is not root may not write."""
    folder = temporary_folder("client-export-sqlite-", server_account())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _fault(file: SqliteFile) -> ExportError:
    with pytest.raises(ExportError) as caught:
        file.source.find_boundaries(SELECTION, 10)
    return caught.value


def _read_without_rights(path: Path) -> str:
    path.parent.chmod(0o555)
    return subprocess.run(
        [sys.executable, "-c", READ, path], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_half_a_transaction_of_a_killed_writer_is_never_read(file: SqliteFile) -> None:
    subprocess.run([sys.executable, "-c", CRASH, file.path], check=False)

    fault = _fault(file)

    assert isinstance(fault, SourceUnavailableError)  # the writer may come back, and then it repairs the file
    assert "stopped midway" in str(fault)
    file.run("SELECT 1 FROM kept")  # a program that may write repairs the file
    assert {row[1] for rows in file.source.read(SELECTION, KeyRange()) for row in rows} == {"a client"}


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_a_damaged_file_is_refused_as_damaged(file: SqliteFile, damage: str) -> None:
    whole = file.path.read_bytes()
    half = len(whole) // 2
    file.path.write_bytes(whole[:half] if damage == "cut off" else whole[:8192] + b"\xff" * (len(whole) - 8192))

    fault = _fault(file)

    assert isinstance(fault, SourceRefusedError)
    assert "is damaged" in str(fault)


@pytest.mark.parametrize("left", [("",), ("", "-wal")], ids=["no log", "a log without its index"])
def test_a_file_with_a_log_in_a_closed_folder_names_the_change(
    file: SqliteFile, closed_folder: Path, left: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(file.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE kept SET name = 'newer' WHERE code = 'C00000'")
        for ending in left:
            shutil.copyfile(f"{file.path}{ending}", closed_folder / f"clients.sqlite{ending}")

    answer = _read_without_rights(closed_folder / "clients.sqlite")

    assert answer.startswith("source-refused ")
    assert "write-ahead log" in answer
    assert "PRAGMA journal_mode = DELETE" in answer


def test_a_file_without_a_log_is_read_in_a_closed_folder(file: SqliteFile, closed_folder: Path) -> None:
    shutil.copyfile(file.path, closed_folder / "clients.sqlite")

    assert f"total_rows={CLIENTS}" in _read_without_rights(closed_folder / "clients.sqlite")


@pytest.mark.parametrize("option", ["immutable=1", "nolock=1", "vfs=unix-none"])
def test_options_with_which_sqlite_misses_changes_are_refused(file: SqliteFile, option: str) -> None:
    with closing(sqlite3.connect(file.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO kept VALUES ('northwind', 'new', 'only in the log')")
        unsafe = SqliteFile(file.path.with_name(f"{file.path.name}?{option}"))

        assert option.partition("=")[0] in str(_fault(unsafe))
        assert file.source.find_boundaries(SELECTION, CLIENTS).total_rows == CLIENTS + 1


@pytest.mark.parametrize("name", ["a b.sqlite", "50% off.sqlite", "ü 😀.sqlite", "a#b&c=d;'[e].sqlite"])
def test_a_path_may_hold_blanks_percent_signs_and_every_letter(tmp_path: Path, name: str) -> None:
    file = SqliteFile(tmp_path / name)
    file.fill([{"code": "C1", "name": "One"}])

    assert [row for rows in file.source.read(SELECTION, KeyRange()) for row in rows] == [("C1", "One")]
    assert file.source.generation() is not None
