"""Promises of sources on SQL databases beyond the common contract."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError, SourceRefusedError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from tests.contract.client_stores import SQL_STORES, TENANT, SqlStore, client

SELECTION = ClientSelection(TENANT, ("code", "name"))
ASKING: dict[str, Callable[[Any], object]] = {
    "planning": lambda source: source.find_boundaries(SELECTION, 10),
    "reading": lambda source: list(source.read(SELECTION, KeyRange())),
}


@pytest.fixture(params=SQL_STORES)
def store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


def columns_without(*left_out: str) -> str:
    return ", ".join(name for name in VIEW_COLUMNS if name not in left_out)


def query(source: SqlClientSource, *statements: str) -> Any:
    """Run statements on a connection of the source, and return the first value of the last one."""
    with source._connection() as connection:
        for statement in statements:
            answer = connection.exec_driver_sql(statement).scalar()
    return answer


def test_a_list_of_clients_is_given_away(store: SqlStore) -> None:
    """Nobody else refers to it, so its memory is free for the next one as soon as its reader drops it."""
    store.put(*(client(f"C{number:04}") for number in range(200)))
    with closing(store.source.read(SELECTION, KeyRange())) as lists:  # type: ignore[type-var]
        references = [sys.getrefcount(rows) for rows in lists]
    assert len(references) > 1
    assert references == [2] * len(references)  # the loop and the call


def test_columns_that_the_view_lacks_are_named(store: SqlStore) -> None:
    store.replace_view(f"SELECT {columns_without('website', 'team_code')} FROM client_records")

    assert store.source.missing_columns(VIEW_COLUMNS) == ("website", "team_code")


@pytest.mark.parametrize("asking", ASKING)
def test_a_missing_view_is_a_mismatch_that_names_the_document(store: SqlStore, asking: str) -> None:
    store.replace_view(None)

    with pytest.raises(SourceMismatchError, match=r"docs/client-view\.md"):
        ASKING[asking](store.source)
    with pytest.raises(SourceMismatchError, match="has no view clients"):
        store.source.missing_columns(VIEW_COLUMNS)


def test_a_client_without_code_is_a_mismatch(store: SqlStore) -> None:
    store.replace_view(f"SELECT NULLIF(code, 'C2') AS code, {columns_without('code')} FROM client_records")
    store.put(*(client(f"C{number}") for number in range(5)))

    with pytest.raises(SourceMismatchError, match="no code"):
        store.source.find_boundaries(SELECTION, 1_000)


def test_a_view_made_later_is_found_by_the_same_source(store: SqlStore) -> None:
    store.replace_view(None)
    with pytest.raises(SourceMismatchError):
        ASKING["reading"](store.source)

    store.execute("CREATE VIEW clients AS SELECT * FROM client_records")

    assert ASKING["reading"](store.source) == []


def test_columns_that_are_not_exported_may_be_missing(store: SqlStore) -> None:
    store.replace_view("SELECT tenant, code, name FROM client_records")
    store.put(client("C1", name="One"))

    assert ASKING["reading"](store.source) == [[("C1", "One")]]


def test_lists_of_long_rows_are_short(store: SqlStore) -> None:
    store.put(*(client(f"C{number:04d}", name="x" * 16_000) for number in range(600)))

    lengths = [len(rows) for rows in store.source.read(SELECTION, KeyRange())]

    assert sum(lengths) == 600
    assert max(lengths) <= 300


def test_a_wrong_path_creates_no_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.sqlite"

    with closing(SqlClientSource(f"sqlite:///{path}")) as source, pytest.raises(SourceRefusedError) as caught:
        source.missing_columns(VIEW_COLUMNS)

    assert not path.exists()
    assert "nowhere" not in str(caught.value)


def test_a_relative_path_is_relative_to_the_working_directory(
    sqlite_store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_store.put(client("C1", name="One"))
    monkeypatch.chdir(tmp_path)

    with closing(SqlClientSource("sqlite:///clients #1.sqlite")) as source:
        assert ASKING["reading"](source) == [[("C1", "One")]]


def test_a_sqlite_file_is_opened_for_reading_only(sqlite_store: SqlStore) -> None:
    with closing(SqlClientSource(sqlite_store.engine.url)) as source:
        with pytest.raises(SourceRefusedError) as caught:
            query(source, "DELETE FROM client_records")

        assert "SQLITE_READONLY" in str(caught.value.__cause__)


def test_a_locked_sqlite_file_is_temporarily_unavailable(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteDialect, "connect_args", {"timeout": 0.01})
    with closing(sqlite3.connect(sqlite_store.engine.url.database or "")) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        impatient = SqlClientSource(sqlite_store.engine.url)

        with closing(impatient), pytest.raises(SourceUnavailableError, match="busy"):
            ASKING["planning"](impatient)


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)

    with closing(SqlClientSource(f"sqlite:///{path}")) as source, pytest.raises(SourceRefusedError):
        ASKING["planning"](source)


@pytest.mark.parametrize("url", ["clients.sqlite", "", "nosuch://host/db", "oracle+nosuch://u:secret@host/db"])
def test_an_address_without_a_driver_is_refused(url: str) -> None:
    with pytest.raises(SourceRefusedError) as caught:
        ASKING["planning"](SqlClientSource(url))

    assert "secret" not in str(caught.value)


def test_a_source_accepts_an_existing_engine(sqlite_store: SqlStore) -> None:
    sqlite_store.put(client("C1", name="One"))

    assert ASKING["reading"](SqlClientSource(sqlite_store.engine)) == [[("C1", "One")]]


@pytest.fixture
def postgres(postgres_store: SqlStore) -> Iterator[SqlClientSource]:
    """A source on an empty PostgreSQL store."""
    with closing(SqlClientSource(postgres_store.engine.url)) as source:
        yield source


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"username": "nobody"}, "refused the login"), ({"database": "none"}, "no such client database")],
)
def test_a_refused_login_to_postgresql_is_a_permanent_error(
    postgres_schema: URL, wrong: dict[str, Any], words: str
) -> None:
    with (
        closing(SqlClientSource(postgres_schema.set(**wrong))) as source,
        pytest.raises(SourceRefusedError, match=words),
    ):
        ASKING["planning"](source)


def test_just_in_time_compilation_of_postgresql_is_off(postgres: SqlClientSource) -> None:
    """With a filter of a thousand codes, compiling took four seconds for the first fifty of 20,000 clients."""
    assert query(postgres, "SHOW jit") == "off"


def test_postgresql_is_read_in_read_only_transactions_with_a_time_limit(postgres: SqlClientSource) -> None:
    assert query(postgres, "SHOW statement_timeout") == "4min"
    assert query(postgres, "SHOW transaction_read_only") == "on"
    assert query(postgres, "SHOW TimeZone") == "UTC"


def test_a_statement_stopped_by_postgresql_can_be_retried(postgres: SqlClientSource) -> None:
    with pytest.raises(SourceUnavailableError, match="time-out"):
        query(postgres, "SELECT set_config('statement_timeout', '10', true)", "SELECT pg_sleep(5)")


def test_a_connection_closed_by_postgresql_can_be_retried(postgres: SqlClientSource) -> None:
    with pytest.raises(SourceUnavailableError):
        query(postgres, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert ASKING["reading"](postgres) == []


def test_a_view_without_read_permission_is_a_permanent_error(postgres: SqlClientSource) -> None:
    with pytest.raises(SourceRefusedError, match="may not read"):
        query(postgres, "SELECT set_config('role', 'pg_monitor', true)", "SELECT * FROM pg_authid")


def test_a_column_of_another_type_is_a_mismatch(postgres_store: SqlStore) -> None:
    postgres_store.replace_view(f"SELECT 1 AS code, {columns_without('code')} FROM client_records")

    with pytest.raises(SourceMismatchError, match="code of the view clients got another type"):
        list(postgres_store.source.read(SELECTION, KeyRange("C1")))
