"""SQLite rows that a function of ours is given are those that the driver would read, in key order."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from exports.adapters.clients_sql.described import describe_selected
from exports.adapters.clients_sql.dialects.sqlite_rows import GivenRows
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.row_lists import read_lists
from exports.adapters.clients_sql.sql.address import parse_url
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import FIELD_COLUMNS
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

VALUES = (
    None,
    "",
    "a\0b",
    "Zoë 🙂",
    " x ",
    0,
    -1,
    2**63 - 1,
    -(2**63),
    0.1,
    1e300,
    b"",
    b"\xff\0",
    "01",
    "\ud7ff\U0010ffff",
)
COLUMNS = ("code", "name", "email")


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "clients.sqlite")


def _rows(connection: Connection, columns: tuple[str, ...] = COLUMNS, most: int | None = None) -> list[Any]:
    """Read clients; if `most` is given, stop after the list that has the last of so many."""
    selection = ClientSelection(TENANT, columns)
    lists = read_lists(connection, describe_selected(connection, selection), selection, KeyRange())
    found: list[Any] = []
    with closing(lists):
        for rows in lists:
            found += rows
            if most is not None and len(found) >= most:
                break
    return found


def _connect(file: SqliteFile, statements: list[str] | None = None) -> Connection:
    """Connect as the source does, and add to `statements` all that are executed."""
    engine = make_engine(parse_url(f"sqlite:///{file.path}"))
    if statements is not None:
        event.listen(engine, "before_cursor_execute", lambda _connection, _cursor, text, *_: statements.append(text))
    return engine.connect()


def _calls_function(statements: list[str]) -> bool:
    return statements[-1].startswith("SELECT client_row(")


def test_values_of_every_type_are_those_that_the_driver_reads(file: SqliteFile) -> None:
    clients = [{"code": f"C{number:02}", "name": value, "email": "e"} for number, value in enumerate(VALUES)]
    file.fill(clients)
    statements: list[str] = []
    with closing(sqlite3.connect(file.path)) as plain, _connect(file, statements) as connection:
        expected = plain.execute("SELECT code, name, email FROM kept ORDER BY code").fetchall()
        found = _rows(connection)
    assert _calls_function(statements)
    assert found == expected
    assert [type(row[1]) for row in found] == [type(row[1]) for row in expected]


@pytest.mark.parametrize(
    ("view", "is_given"),
    [
        ("SELECT * FROM kept", True),
        ("SELECT * FROM kept WHERE code < 'C500' UNION ALL SELECT * FROM kept WHERE code >= 'C500'", False),
        ("SELECT * FROM kept WHERE code >= 'C500' UNION ALL SELECT * FROM kept WHERE code < 'C500'", False),
        ("SELECT tenant, code || '' AS code, name, email FROM kept", False),  # no index has the order of an expression
        ("SELECT DISTINCT * FROM kept", False),
    ],
)
def test_rows_are_in_key_order_and_whole_whatever_the_view_does(file: SqliteFile, view: str, is_given: bool) -> None:
    codes = [f"C{number * 7 % 1000:03}" for number in range(1000)]
    file.fill([{"code": code, "name": f"name of {code}", "email": f"{code}@b.example"} for code in codes])
    file.run("DROP VIEW clients")
    file.run(f"CREATE VIEW clients AS {view}")
    statements: list[str] = []
    with _connect(file, statements) as connection:
        found = _rows(connection)
        assert not connection.info[GivenRows].waiting
    assert _calls_function(statements) is is_given
    assert found == [(code, f"name of {code}", f"{code}@b.example") for code in sorted(codes)]


def test_a_reading_that_stops_early_disturbs_no_other_on_its_connection(file: SqliteFile) -> None:
    file.fill([{"code": f"C{number:03}", "name": f"N{number}", "email": None} for number in range(300)])
    with _connect(file) as connection:
        whole = _rows(connection)
        assert _rows(connection, most=1) == whole[:50]
        assert _rows(connection) == whole
        assert len(whole) == 300


def test_more_columns_than_sqlite_allows_arguments_are_read_without_the_function(file: SqliteFile) -> None:
    file.fill([{"code": "C1", "name": "N1", "email": "e"}])
    statements: list[str] = []
    with _connect(file, statements) as connection:
        driver: Any = connection.connection.driver_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_FUNCTION_ARG, len(COLUMNS) - 1)
        assert _rows(connection) == [("C1", "N1", "e")]
    assert not _calls_function(statements)


def test_a_client_with_every_column_is_read(file: SqliteFile) -> None:
    file.fill([{name: f"{name} of a" for name in FIELD_COLUMNS}])
    statements: list[str] = []
    with _connect(file, statements) as connection:
        assert _rows(connection, tuple(FIELD_COLUMNS)) == [tuple(f"{name} of a" for name in FIELD_COLUMNS)]
    assert _calls_function(statements)
