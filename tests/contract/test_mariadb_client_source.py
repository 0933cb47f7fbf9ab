"""Promises of the SQL source on MariaDB and MySQL beyond the contract, with errors provoked on a real server."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError, SourceRefusedError, SourceThrottledError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from tests.contract.client_stores import TENANT, SqlStore, client

SELECTION = ClientSelection(TENANT, ("code", "name"))


@pytest.fixture
def source(mariadb_store: SqlStore) -> Iterator[SqlClientSource]:
    """A source on an empty store."""
    with closing(SqlClientSource(mariadb_store.engine.url)) as source:
        yield source


@pytest.fixture
def reader(mariadb_store: SqlStore) -> Iterator[URL]:
    """The URL of a login without any permissions."""
    name = f"reader_{time.monotonic_ns()}"
    mariadb_store.execute(f"CREATE USER {name} IDENTIFIED BY 'secret'")
    yield mariadb_store.engine.url.set(username=name, password="secret")
    mariadb_store.execute(f"DROP USER {name}")


def query(source: SqlClientSource, *statements: str) -> Any:
    """Run statements on a connection of the source, and return the first value of the last one."""
    with source._connection() as connection:
        for statement in statements:
            answer = connection.exec_driver_sql(statement)
        return answer.scalar() if answer.returns_rows else None


def plan(url: URL) -> object:
    with closing(SqlClientSource(url)) as source:
        return source.find_boundaries(SELECTION, 10)


def test_a_refused_login_is_a_permanent_error(mariadb_database: URL) -> None:
    url = mariadb_database

    for wrong in (url.set(username="no_such_user"), url.set(password="wrong")):
        with pytest.raises(SourceRefusedError, match="refused the login"):
            plan(wrong)
    with pytest.raises(SourceRefusedError, match="no such client database"):
        plan(url.set(database="no_such_database"))


def test_a_view_without_read_permission_is_a_permanent_error(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.execute("CREATE TABLE other (code INT)")
    mariadb_store.execute(f"GRANT SELECT ON other TO {reader.username}")

    with pytest.raises(SourceRefusedError, match="may not read"):
        plan(reader)


def test_a_login_needs_only_read_permission_on_the_view(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.put(client("C1"))
    mariadb_store.execute(f"GRANT SELECT ON clients TO {reader.username}")

    assert plan(reader) == mariadb_store.source.find_boundaries(SELECTION, 10)


def test_a_view_whose_table_lost_a_column_is_a_mismatch(mariadb_store: SqlStore) -> None:
    mariadb_store.execute("ALTER TABLE client_records DROP COLUMN website")

    with pytest.raises(SourceMismatchError, match="column"):
        mariadb_store.source.missing_columns(VIEW_COLUMNS)


def test_sessions_are_read_only_in_utc_and_have_a_time_limit(source: SqlClientSource) -> None:
    assert query(source, "SELECT @@tx_read_only") == 1
    assert query(source, "SELECT @@max_statement_time") == 240
    assert query(source, "SELECT @@time_zone") == "+00:00"
    with pytest.raises(SourceRefusedError):
        query(source, "DELETE FROM client_records")


def test_a_statement_stopped_by_the_server_can_be_retried(source: SqlClientSource) -> None:
    with pytest.raises(SourceUnavailableError, match="time-out"):
        query(source, "SET SESSION max_statement_time = 0.01", "SELECT SLEEP(5)")


def test_a_lock_that_lasts_too_long_can_be_retried(mariadb_store: SqlStore, source: SqlClientSource) -> None:
    with mariadb_store.engine.connect() as writer:
        writer.exec_driver_sql("LOCK TABLES client_records WRITE")

        with pytest.raises(SourceUnavailableError, match="lock"):
            query(source, "SET SESSION lock_wait_timeout = 1", "SELECT * FROM clients")
        writer.exec_driver_sql("UNLOCK TABLES")


def test_a_server_without_a_free_connection_throttles(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.execute(f"GRANT SELECT ON clients TO {reader.username}")
    mariadb_store.execute(f"ALTER USER {reader.username} WITH MAX_USER_CONNECTIONS 1")

    with closing(SqlClientSource(reader)) as first:
        assert query(first, "SELECT 1") == 1
        with pytest.raises(SourceThrottledError):
            plan(reader)


def test_a_connection_closed_by_the_server_can_be_retried(source: SqlClientSource) -> None:
    with pytest.raises(SourceUnavailableError):
        query(source, "KILL CONNECTION_ID()")

    assert query(source, "SELECT 1") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL warns when it closes
def test_a_read_that_breaks_off_midway_can_be_retried(
    mariadb_store: SqlStore, source: SqlClientSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "sqlalchemy.pool")  # pytest would keep the broken cursor in a log record
    mariadb_store.put(*(client(f"C{number:05d}", name="x" * 10_000) for number in range(5_000)))

    assert _message_when_cut_off(mariadb_store, source) == "The client database did not answer."
    gc.collect()


def _message_when_cut_off(store: SqlStore, source: SqlClientSource) -> str:
    """Break a read off and return the message. In a separate function, so no variable refers to the broken cursor."""
    rows = source.read(SELECTION, KeyRange())
    next(rows)
    store.execute(f"KILL {_reading_connection(store.engine)}")
    try:
        list(rows)
    except SourceUnavailableError as error:
        return str(error)
    return "no error"


def _reading_connection(engine: Engine) -> int:
    processes = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    with engine.connect() as connection:
        return int(connection.execute(text(f"{processes} AND command = 'Query'")).scalar_one())


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_uca1400_ai_ci"])
def test_pages_tile_in_the_order_of_a_case_insensitive_collation(mariadb_store: SqlStore, collation: str) -> None:
    mariadb_store.execute(f"ALTER TABLE client_records CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}")
    codes = ["a", "B", "c", "10", "9", "ö", "Oz", "_", "z-z", "zz", "ñ", "nb", "'"]
    mariadb_store.put(*map(client, codes))

    for rows_per_page in (1, 3):
        starts = mariadb_store.source.find_boundaries(SELECTION, rows_per_page).starts
        ranges = zip([None, *starts], [*starts, None], strict=True)
        pages = [list(mariadb_store.source.read(SELECTION, KeyRange(*ends))) for ends in ranges]

        assert sorted(row[0] for page in pages for rows in page for row in rows) == sorted(codes)


def test_a_row_limit_of_the_server_does_not_shorten_a_file(source: SqlClientSource, mariadb_url: str) -> None:
    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET GLOBAL sql_select_limit = 7")
    try:
        with source._engine().connect() as connection:
            assert connection.exec_driver_sql("SELECT @@sql_select_limit").scalar() == 2**64 - 1
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET GLOBAL sql_select_limit = DEFAULT")
        engine.dispose()
