"""A snapshot shows one state of the clients, whatever changes them meanwhile, and says so if it no longer does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceRefusedError, SourceUnavailableError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection, ClientSnapshot, ClientSource, SnapshotReading, released
from tests.contract.client_stores import TENANT, SqlStore, TableStore, client, empty_database, sqlite_store
from tests.support.builders import a_spec
from tests.support.moving_amounts import MovingAmounts
from tests.support.waiting import wait_until

SELECTION = ClientSelection(TENANT, ("code", "internal_reference"))
CLIENTS = 600
ROWS_PER_PAGE = 100
CHANGES_BETWEEN_PAGES = 20
HOLDERS = "FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
"""The sessions of PostgreSQL that hold a snapshot."""


@pytest.fixture
def wal_store(tmp_path: Path) -> Iterator[SqlStore]:
    """A SQLite file with a write-ahead log."""
    folder = tmp_path / "wal"
    folder.mkdir()
    with sqlite_store(folder) as store:
        with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
            assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        yield store


STORES = ("sqlite_store", "wal_store", "postgres_store", "mariadb_store")
ALL_STORES = ("memory_store", *STORES)


@pytest.fixture(params=STORES)
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    store: SqlStore = request.getfixturevalue(request.param)
    return store


@pytest.fixture(params=STORES[1:])
def busy_store(request: pytest.FixtureRequest) -> SqlStore:
    """A store that many changes a second do not close to its readers, as they close a SQLite file without a log."""
    store: SqlStore = request.getfixturevalue(request.param)
    return store


@pytest.fixture(params=ALL_STORES)
def store(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def codes_of(source: ClientSource) -> list[str]:
    return [row[0] for rows in source.read(SELECTION, KeyRange()) for row in rows]


def key_ranges(source: ClientSource) -> list[KeyRange]:
    starts = source.find_boundaries(SELECTION, ROWS_PER_PAGE).starts
    return list(map(KeyRange, [None, *starts], [*starts, None]))


def amounts_in(source: ClientSource, key_range: KeyRange) -> list[int]:
    return [int(amount) for rows in source.read(SELECTION, key_range) for _, amount in rows]


def read_slowly(source: ClientSource, writer: MovingAmounts) -> tuple[int, int]:
    """Read all pages, with changes between them. Return the sum of the amounts, and the number of clients."""
    amounts: list[int] = []
    for key_range in key_ranges(source):
        amounts += amounts_in(source, key_range)
        writer.wait_for_changes(CHANGES_BETWEEN_PAGES)
    return sum(amounts), len(amounts)


def moving(store: SqlStore) -> MovingAmounts:
    codes = [f"C{number:04}" for number in range(CLIENTS)]
    store.put(*(client(code) for code in codes))
    return MovingAmounts(store.engine, TENANT, codes)


def test_a_snapshot_shows_every_transaction_whole_and_ordinary_pages_do_not(busy_store: SqlStore) -> None:
    with moving(busy_store) as writer:
        for _ in range(5):
            with busy_store.source.open_snapshot() as snapshot:
                assert read_slowly(snapshot.clients, writer) == (writer.total, CLIENTS)
        ordinary = [read_slowly(busy_store.source, writer) for _ in range(5)]
    assert {rows for _, rows in ordinary} == {CLIENTS}
    assert {total for total, _ in ordinary} != {writer.total}, "the writer breaks no ordinary reading"


def test_all_readers_of_a_snapshot_show_the_same_state(busy_store: SqlStore) -> None:
    with moving(busy_store) as writer, busy_store.source.open_snapshot() as snapshot:
        ranges = key_ranges(snapshot.clients)
        with ThreadPoolExecutor(snapshot.readers) as pool:
            pages = [pool.submit(amounts_in, snapshot.clients, key_range) for key_range in ranges]
            writer.wait_for_changes(CHANGES_BETWEEN_PAGES)
            found = [amount for page in pages for amount in page.result()]
    assert (sum(found), len(found)) == (writer.total, CLIENTS)


def test_a_snapshot_keeps_removed_clients_and_lacks_new_ones(store: Any) -> None:
    store.put(client("A"), client("B"))
    with store.source.open_snapshot() as snapshot:
        store.put(client("C"))
        store.remove(TENANT, "A")
        assert codes_of(snapshot.clients) == ["A", "B"]
        assert snapshot.clients.find_boundaries(SELECTION, 10).total_rows == 2
    assert codes_of(store.source) == ["B", "C"]


def test_the_next_snapshot_shows_what_was_committed_before_it(store: Any) -> None:
    for code in "ABC":
        store.put(client(code))
        with store.source.open_snapshot() as snapshot:
            assert codes_of(snapshot.clients)[-1] == code


def test_the_moment_of_a_snapshot_is_when_it_was_taken(sql_store: SqlStore) -> None:
    before = datetime.now(UTC)
    with sql_store.source.open_snapshot() as snapshot:
        after = datetime.now(UTC)
        assert before - timedelta(seconds=1) <= snapshot.moment <= after + timedelta(seconds=1)


def test_a_state_of_postgresql_has_the_name_that_postgresql_gives_it(postgres_store: SqlStore) -> None:
    """Other tests write to other schemas of the same server, so the state may change between two looks."""
    with postgres_store.engine.connect() as connection:

        def state() -> str | None:
            return connection.execute(text("SELECT txid_current_snapshot()::text")).scalar()

        def look() -> tuple[str | None, str | None] | None:
            before = state()
            with postgres_store.source.open_snapshot() as snapshot:
                return (snapshot.token, before) if state() == before else None

        token, name = wait_until(look) or (None, "")
    assert token == name
    postgres_store.put(client("A"))
    with postgres_store.source.open_snapshot() as snapshot:
        assert snapshot.token != token


def test_a_state_of_mariadb_has_its_position_in_the_binary_log(mariadb_store: SqlStore) -> None:
    with mariadb_store.engine.connect() as connection:
        has_log = connection.execute(text("SELECT @@log_bin")).scalar()
    with mariadb_store.source.open_snapshot() as snapshot:
        assert (snapshot.token is not None) == bool(has_log)


def test_a_snapshot_has_the_same_records_as_ordinary_pages(store: Any) -> None:
    store.put(*(client(f"C{number}", name=f"Grüße, {number}") for number in range(300)))
    spec = a_spec()
    renderer = CsvRenderer(spec.columns, spec.format)
    selection = ClientSelection(TENANT, renderer.source_columns)

    def records(source: ClientSource) -> bytes:
        return b"".join(each.data for each in source.render(selection, KeyRange(), renderer))

    with store.source.open_snapshot() as snapshot:
        assert records(snapshot.clients) == records(store.source) != b""


def test_a_database_ranks_codes_in_a_snapshot_too(store: Any) -> None:
    store.put(client("A"))
    with store.source.open_snapshot() as snapshot:
        assert snapshot.clients.rank_codes(["B", "A"]) == [2, 1]


def broken(snapshot: ClientSnapshot) -> SqlClientSource:
    assert isinstance(snapshot.clients, SqlClientSource)
    return snapshot.clients


def test_a_failed_statement_does_not_end_a_snapshot(sql_store: SqlStore) -> None:
    sql_store.put(client("A"))
    with sql_store.source.open_snapshot() as snapshot:
        for _ in range(snapshot.readers):
            with suppress(Exception), broken(snapshot)._connection() as connection:
                connection.exec_driver_sql("SELECT no_such_column FROM clients")
        sql_store.put(client("B"))
        for _ in range(snapshot.readers):
            assert codes_of(snapshot.clients) == ["A"]


def test_a_reading_that_ends_early_leaves_the_snapshot(sql_store: SqlStore) -> None:
    sql_store.put(*(client(f"C{number:04}", internal_reference="x" * 3_000) for number in range(2_000)))
    with sql_store.source.open_snapshot() as snapshot:
        sql_store.remove(TENANT, "C0000")
        for _ in range(snapshot.readers + 1):
            with released(snapshot.clients.read(SELECTION, KeyRange())) as reading:
                assert next(reading)[0][0] == "C0000"
        assert len(codes_of(snapshot.clients)) == 2_000


def test_a_reading_whose_transaction_ends_meanwhile_is_refused(sql_store: SqlStore) -> None:
    with sql_store.source.open_snapshot() as snapshot:
        with (
            pytest.raises(SourceUnavailableError, match="ended the snapshot"),
            broken(snapshot)._connection() as connection,
        ):
            connection.rollback()
        with pytest.raises(SourceUnavailableError, match="ended the snapshot"):
            [codes_of(snapshot.clients) for _ in range(snapshot.readers)]


def code_read_after(snapshot: ClientSnapshot, replace: Callable[[Connection], None]) -> Any:
    with broken(snapshot)._connection() as connection:
        replace(connection)
        return connection.exec_driver_sql("SELECT code FROM clients").scalar()


def test_a_transaction_that_another_one_silently_replaces_is_refused(sql_store: SqlStore) -> None:
    def replace(connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")

    with sql_store.source.open_snapshot() as snapshot:
        sql_store.put(client("A"))
        with pytest.raises(SourceUnavailableError, match="ended the snapshot"):
            code_read_after(snapshot, replace)


def test_a_session_that_a_proxy_of_mariadb_silently_replaces_is_refused(mariadb_store: SqlStore) -> None:
    def replace(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        mariadb_store.execute(f"KILL {driver.thread_id()}")
        driver._force_close()
        driver.connect()

    with mariadb_store.source.open_snapshot() as snapshot:
        mariadb_store.put(client("A"))
        with pytest.raises(SourceUnavailableError, match="ended the snapshot"):
            code_read_after(snapshot, replace)


def test_a_snapshot_whose_session_postgresql_ended_is_refused(postgres_store: SqlStore) -> None:
    end = f"SELECT pg_terminate_backend(pid) {HOLDERS}"
    with postgres_store.source.open_snapshot() as snapshot:
        with postgres_store.engine.connect() as connection:
            assert len(connection.execute(text(end)).all()) >= snapshot.readers
        for _ in range(snapshot.readers + 1):
            with pytest.raises(SourceUnavailableError):
                codes_of(snapshot.clients)


def test_a_snapshot_whose_session_mariadb_ended_is_refused(mariadb_store: SqlStore) -> None:
    with mariadb_store.source.open_snapshot() as snapshot:
        with broken(snapshot)._connection() as connection:
            number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
        with mariadb_store.engine.connect() as admin:
            admin.exec_driver_sql(f"KILL {number}")
        for _ in range(2):
            with pytest.raises(SourceUnavailableError):
                codes_of(snapshot.clients)


def test_a_snapshot_leaves_no_open_transaction_behind(postgres_store: SqlStore) -> None:
    with postgres_store.source.open_snapshot():
        pass
    with pytest.raises(ZeroDivisionError), postgres_store.source.open_snapshot():
        raise ZeroDivisionError
    held = text(f"SELECT count(*) {HOLDERS}")
    with postgres_store.engine.connect() as connection:
        assert connection.execute(held).scalar() == 0


def test_connections_are_ordinary_again_after_a_snapshot(postgres_store: SqlStore) -> None:
    with postgres_store.source.open_snapshot():
        pass
    isolation = text("SELECT current_setting('transaction_isolation')")
    assert isinstance(postgres_store.source, SqlClientSource)
    with postgres_store.source._connection() as connection:
        assert connection.execute(isolation).scalar() == "read committed"


def test_a_mariadb_table_without_versions_of_rows_is_refused(mariadb_store: SqlStore) -> None:
    mariadb_store.execute("ALTER TABLE client_records ENGINE = Aria")
    with (
        pytest.raises(SourceRefusedError, match="client_records has the engine Aria") as refused,
        mariadb_store.source.open_snapshot(),
    ):
        pass
    assert "Convert the table to InnoDB" in str(refused.value)


def test_a_mariadb_table_behind_views_and_in_another_database_is_refused(
    mariadb_store: SqlStore, mariadb_url: str
) -> None:
    with empty_database(mariadb_url) as other:
        mariadb_store.execute(f"CREATE TABLE {other.database}.kept ENGINE = Aria AS SELECT * FROM clients")
        mariadb_store.execute(f"CREATE VIEW {other.database}.inner_view AS SELECT * FROM {other.database}.kept")
        mariadb_store.execute(f"CREATE OR REPLACE VIEW clients AS SELECT * FROM {other.database}.inner_view")
        with (
            pytest.raises(SourceRefusedError, match="kept has the engine Aria"),
            mariadb_store.source.open_snapshot(),
        ):
            pass


def test_the_copy_of_a_sqlite_file_does_not_stop_its_writers(sqlite_store: SqlStore) -> None:
    sqlite_store.put(client("A"))
    with sqlite_store.source.open_snapshot() as snapshot:
        sqlite_store.put(client("B"))  # SQLite would refuse this after five seconds if a reader stopped it
        assert codes_of(snapshot.clients) == ["A"]


def test_table_storage_has_no_snapshots(table_store: TableStore) -> None:
    assert "Table Storage" in str(table_store.source.snapshot_refusal())
    with pytest.raises(SourceRefusedError, match="Table Storage"):
        table_store.source.open_snapshot()


@pytest.mark.parametrize(
    ("url", "has_snapshots"),
    [
        ("sqlite:///clients.sqlite", True),
        ("postgresql://u:p@nowhere.invalid/clients", True),
        ("mysql://u:p@nowhere.invalid/clients", True),
        ("mssql+mssqlpython://u:p@nowhere.invalid/clients", True),
        ("oracle://u:p@nowhere.invalid/clients", False),
        ("no url", True),
    ],
)
def test_the_kind_of_the_database_says_whether_it_has_snapshots(url: str, has_snapshots: bool) -> None:
    assert (SqlClientSource(url).snapshot_refusal() is None) == has_snapshots


def test_a_database_without_snapshots_refuses_to_open_one(
    monkeypatch: pytest.MonkeyPatch, sqlite_store: SqlStore
) -> None:
    monkeypatch.setattr(SqliteDialect, "snapshots", None)
    with pytest.raises(SourceRefusedError, match="can show no snapshot"), sqlite_store.source.open_snapshot():
        pass


def test_a_source_says_how_it_reads_a_snapshot_before_it_takes_one(store: Any) -> None:
    store.put(client("A"))
    with store.source.open_snapshot() as snapshot:
        assert store.source.snapshot_reading().readers == snapshot.readers


def test_only_a_sqlite_file_without_a_log_is_copied(wal_store: SqlStore, tmp_path: Path) -> None:
    assert wal_store.source.snapshot_reading() == SnapshotReading(readers=1)
    with sqlite_store(tmp_path) as store:
        store.put(client("A"))
        size = Path(str(store.engine.url.database)).stat().st_size
        assert store.source.snapshot_reading() == SnapshotReading(readers=1, copied_bytes=size)


def test_a_snapshot_that_cannot_connect_can_be_tried_again(sql_store: SqlStore) -> None:
    with (
        pytest.raises((SourceUnavailableError, SourceRefusedError, DBAPIError)) as failure,
        sql_store.unreachable_source.open_snapshot(),
    ):
        pass
    assert not isinstance(failure.value, DBAPIError)
