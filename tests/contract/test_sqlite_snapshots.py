"""The copy that a snapshot of a SQLite file reads: removed without a trace, and a failure to make it is explained."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from exports.adapters.clients_sql.dialects import sqlite_snapshot
from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect
from exports.adapters.clients_sql.dialects.sqlite_file import NO_ROOM
from exports.errors import SourceUnavailableError
from tests.contract.sqlite_files import SqliteFile


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    made = SqliteFile(tmp_path / "clients.sqlite")
    made.fill([{"code": f"C{number:05}", "name": "a client"} for number in range(2_000)])
    return made


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def open_copies() -> list[str]:
    """Name the files of copies that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the descriptor of this folder is closed by now
            found.append(str(descriptor.readlink()))
    return [path for path in found if "clients-snapshot-" in path]


def test_the_copy_of_a_snapshot_takes_no_room_after_it(file: SqliteFile) -> None:
    with file.source.open_snapshot() as snapshot:
        generation = snapshot.clients.generation()
        assert generation is not None
        assert not snapshot.clients.is_replaced(generation)
        assert open_copies()
    assert open_copies() == []


def test_a_copy_that_cannot_be_written_can_be_tried_again(file: SqliteFile) -> None:
    with (
        files_of_at_most(file.path.stat().st_size // 2),
        pytest.raises(SourceUnavailableError),
        file.source.open_snapshot(),
    ):
        pass
    with file.source.open_snapshot() as snapshot:
        assert snapshot.readers == 1


def test_a_full_temporary_folder_is_named() -> None:
    with closing(sqlite3.connect(":memory:")) as full:
        full.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as error:
            full.execute("CREATE TABLE clients (code)")
    assert SqliteDialect().translate(error.value) is NO_ROOM


def test_a_copy_gives_up_while_a_writer_keeps_the_file_locked(file: SqliteFile, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(file.path, isolation_level=None)) as writer,
        closing(sqlite3.connect(file.path, timeout=0)) as reader,
    ):
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError, match="database is locked"):
            sqlite_snapshot._copy(reader, tmp_path / "copy.sqlite")
