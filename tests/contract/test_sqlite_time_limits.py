"""A source with a time limit ends in time, whatever keeps SQLite from answering, and leaves the others as they were."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.ports.clients import ClientSelection
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

CODES = ClientSelection(TENANT, ("code",))


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    found = SqliteFile(tmp_path / "clients.sqlite")
    found.fill([{"code": "C1"}])
    return found


def test_a_lock_is_waited_for_no_longer_than_the_time_limit(file: SqliteFile) -> None:
    with closing(sqlite3.connect(file.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(SourceUnavailableError):
            file.source.limited(0.2).missing_columns(("code",))
        assert time.monotonic() - began < 5  # without a limit it waits for ten seconds
    assert file.source.find_boundaries(CODES, 1).total_rows == 1


@pytest.mark.parametrize(("seconds", "error"), [(60, SourceMismatchError), (0.3, SourceUnavailableError)])
def test_a_search_for_a_bad_value_ends_with_the_time_limit(
    file: SqliteFile, seconds: float, error: type[Exception]
) -> None:
    file.run("UPDATE kept SET code = CAST(x'e9' AS TEXT)")
    database, checkouts = create_engine(f"sqlite:///{file.path}"), count()

    def connect_late(*_: object) -> None:
        if next(checkouts):  # the first one reads, and the others look for the value
            time.sleep(0.4)

    event.listen(database, "checkout", connect_late)
    with pytest.raises(error):
        SqlClientSource(database).limited(seconds).find_boundaries(CODES, 1)
    database.dispose()
