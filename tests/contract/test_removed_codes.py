"""Which clients were deleted, or left the filter, since a moment: on each source."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.ports.clients import ClientSelection, ClientSource, RemovedCodes
from exports.request.fields import ClientStatus
from exports.request.filters import ClientFilter
from shared.models import rfc3339
from tests.contract.client_stores import SQL_STORES, STORES, TENANT, ClientStore, SqlStore, client
from tests.support.each_case import assert_each
from tests.support.fake_clients import MemoryClients

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)
SECOND = timedelta(seconds=1)
ACTIVE = ClientFilter(statuses=(ClientStatus.ACTIVE,), updated_since=SINCE)
MOMENTS = {"sqlite": "TEXT", "postgresql": "TIMESTAMPTZ", "mysql": "DATETIME(6)"}


@pytest.fixture(params=SQL_STORES)
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def source(sql_store: SqlStore) -> Iterator[SqlClientSource]:
    """A source with a view of deleted clients, empty at first."""
    dialect = sql_store.engine.dialect.name
    sql_store.execute("DROP TABLE IF EXISTS deleted_clients")
    collation = " COLLATE utf8mb4_nopad_bin" if dialect == "mysql" else ""
    key = f"VARCHAR(100){collation}" if dialect == "mysql" else "TEXT"
    sql_store.execute(f"CREATE TABLE deleted_clients (tenant {key}, code {key}, deleted_at {MOMENTS[dialect]})")
    url = sql_store.engine.url.render_as_string(hide_password=False)
    with closing(SqlClientSource(url, deletions_view="deleted_clients")) as opened:
        yield opened


def delete(store: SqlStore, code: str | None, moment: datetime | None, tenant: str = TENANT) -> None:
    kept: Any = moment
    if moment is not None and store.engine.dialect.name == "mysql":
        kept = moment.replace(tzinfo=None)
    if moment is not None and store.engine.dialect.name == "sqlite":
        kept = rfc3339(moment)
    with store.engine.begin() as connection:
        row = {"tenant": tenant, "code": code, "deleted_at": kept}
        connection.execute(text("INSERT INTO deleted_clients VALUES (:tenant, :code, :deleted_at)"), row)


def removed(source: ClientSource, most: int = 100, seconds: float = 60, **wanted: Any) -> RemovedCodes:
    selection = ClientSelection(TENANT, (), ClientFilter(**{"updated_since": SINCE, **wanted}))
    return source.removed_codes(selection, most, seconds)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> ClientStore:
    opened: ClientStore = request.getfixturevalue(request.param)
    return opened


CHANGED: tuple[Mapping[str, Any], ...] = (
    client("A", status="Active", updated_at=SINCE),
    client("B", status="Inactive", updated_at=SINCE),
    client("C", status="Inactive", updated_at=SINCE - SECOND),
    client("D", status=None, updated_at=UNTIL - SECOND),
    client("E", status="Inactive", service_codes="VAT", updated_at=UNTIL),
    client("F", status="Active", service_codes="VAT;CT", updated_at=UNTIL),
    client("B", tenant="harbour", status="Inactive", updated_at=SINCE),
)


LEFT: dict[str, tuple[dict[str, Any], str]] = {
    "no filter": ({}, ""),
    "an empty search": ({"search": ""}, ""),
    "a status": ({"statuses": ("Active",)}, "BDE"),
    "a status until a moment": ({"statuses": ("Active",), "updated_until": UNTIL}, "BD"),
    "two statuses": ({"statuses": ("Active", "Inactive")}, "D"),
    "a status and a service": ({"statuses": ("Active",), "service_codes": ("CT",)}, "ABDE"),
    "a search": ({"search": "no such text"}, "ABDEF"),
    "a service that is a separator": ({"service_codes": (";",)}, "ABDEF"),
    "a thousand managers": ({"manager_codes": tuple(f"M{number}" for number in range(999))}, "ABDEF"),
}


def test_changed_clients_that_do_not_pass_the_filter_have_left_it(store: ClientStore) -> None:
    store.put(*CHANGED)

    def check(case: tuple[dict[str, Any], str]) -> None:
        wanted, left = case
        found = removed(store.source, **wanted)
        assert (found.deleted, sorted(found.left)) == (None, list(left))

    assert_each(LEFT, check)


def test_fractions_of_a_millisecond_count_for_clients_that_left_too(store: ClientStore) -> None:
    store.put(*CHANGED)
    since, until = SINCE + timedelta(microseconds=1), UNTIL + timedelta(microseconds=1)
    assert removed(store.source, statuses=("Active",), updated_since=since, updated_until=until).left == ("D", "E")


def test_no_more_codes_are_given_than_show_that_there_are_too_many(store: ClientStore) -> None:
    store.put(*CHANGED)
    assert len(removed(store.source, 1, statuses=("Active",)).left) == 2


def test_clients_deleted_in_the_time_of_the_filter_are_found(sql_store: SqlStore, source: SqlClientSource) -> None:
    for code, moment in [("D1", SINCE - SECOND), ("D2", SINCE), ("D3", UNTIL - SECOND), ("D4", UNTIL)]:
        delete(sql_store, code, moment)
    delete(sql_store, "D5", SINCE, "harbour")
    assert removed(source).deleted == ("D2", "D3", "D4")
    assert removed(source, updated_until=UNTIL).deleted == ("D2", "D3")
    assert len(removed(source, 1).deleted or ()) == 2


def test_a_deletion_without_a_moment_counts_at_any_time(sql_store: SqlStore, source: SqlClientSource) -> None:
    delete(sql_store, "D1", None)
    assert removed(source, updated_since=UNTIL + timedelta(days=9)).deleted == ("D1",)


def test_a_client_that_was_made_again_is_not_deleted(sql_store: SqlStore, source: SqlClientSource) -> None:
    sql_store.put(client("C1"), client("C2", tenant="harbour"))
    for code in ("C1", "C2", "C3", "C3"):
        delete(sql_store, code, SINCE)
    assert removed(source).deleted == ("C2", "C3")


def test_the_fake_finds_what_databases_find(sql_store: SqlStore, source: SqlClientSource) -> None:
    fake = MemoryClients([dict(each) for each in CHANGED])
    fake.deletions = []
    sql_store.put(*CHANGED)
    for code, moment in [("A", SINCE), ("X", SINCE), ("Y", None), ("Z", UNTIL), ("X", SINCE - SECOND)]:
        delete(sql_store, code, moment)
        fake.deletions.append({"tenant": TENANT, "code": code, "deleted_at": moment})
    for wanted in (ACTIVE, replace_until(ACTIVE), ClientFilter(updated_since=UNTIL)):
        selection = ClientSelection(TENANT, (), wanted)
        assert source.removed_codes(selection, 9, 60) == fake.removed_codes(selection, 9, 60)


def replace_until(wanted: ClientFilter) -> ClientFilter:
    return wanted.model_copy(update={"updated_until": UNTIL})


def test_a_snapshot_shows_the_deletions_of_its_moment(sql_store: SqlStore, source: SqlClientSource) -> None:
    delete(sql_store, "D1", SINCE)
    with source.open_snapshot() as snapshot:
        before = removed(snapshot.clients)
        delete(sql_store, "D2", SINCE)
        assert removed(snapshot.clients) == before
    assert removed(source).deleted == ("D1", "D2")


def test_a_view_of_deleted_clients_that_is_missing_is_named(sql_store: SqlStore, source: SqlClientSource) -> None:
    source.require_deletions()
    sql_store.execute("DROP TABLE deleted_clients")
    for ask in (source.require_deletions, lambda: removed(source)):
        with pytest.raises(SourceMismatchError, match=r"view deleted_clients .* EXPORT_DELETIONS_VIEW .*client-view"):
            ask()


def test_the_columns_that_the_view_of_deleted_clients_lacks_are_named(
    sql_store: SqlStore, source: SqlClientSource
) -> None:
    sql_store.execute("DROP TABLE deleted_clients")
    sql_store.execute("CREATE TABLE deleted_clients (tenant VARCHAR(9), removed_at VARCHAR(9))")
    for ask in (source.require_deletions, lambda: removed(source)):
        with pytest.raises(SourceMismatchError, match=r"deleted_clients of deleted clients lacks code, deleted_at\."):
            ask()


@pytest.mark.parametrize("name", ["postgres_store", "mariadb_store"])
def test_a_moment_of_deletion_in_a_type_that_would_compare_wrongly_is_refused(
    name: str, request: pytest.FixtureRequest
) -> None:
    store: SqlStore = request.getfixturevalue(name)
    store.execute("CREATE VIEW deleted_clients AS SELECT tenant, code, name AS deleted_at FROM client_records")
    store.put(client("A", name="2026-03-01T11:30:00-02:00"))
    _require_refusal(store, "deleted_at .* cannot be compared with a moment")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("postgres_store", "CAST(code AS char(10))", "has the type character"),
        ("postgres_store", "7", "has the type integer"),
        ("mariadb_store", "7", "has the type int"),
        ("mariadb_store", "code COLLATE utf8mb4_swedish_ci", "has the collation utf8mb4_swedish_ci"),
        ("sqlite_store", "code COLLATE NOCASE", "has the collation NOCASE"),
        ("sqlite_store", "code COLLATE RTRIM", "has the collation RTRIM"),
    ],
)
def test_a_code_that_would_compare_otherwise_than_that_of_the_clients_is_refused(
    name: str, code: str, words: str, request: pytest.FixtureRequest
) -> None:
    store: SqlStore = request.getfixturevalue(name)
    view = f"SELECT tenant, {code} AS code, updated_at AS deleted_at FROM client_records"
    store.execute(f"CREATE VIEW deleted_clients AS {view}")
    _require_refusal(store, f"column code of the view deleted_clients of deleted clients {words}.*make them the same")


def _require_refusal(store: SqlStore, words: str) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    with closing(SqlClientSource(url, deletions_view="deleted_clients")) as opened:
        for ask in (opened.require_deletions, lambda: removed(opened)):
            with pytest.raises(SourceMismatchError, match=f"{words}.*client-view.md"):
                ask()


SLOW = {
    "postgresql": "pg_sleep(60)",
    "mysql": "(SELECT sleep(60)) AS slow",
    "sqlite": "(WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0) AS slow",
}


def test_all_statements_together_have_one_time_limit(sql_store: SqlStore, source: SqlClientSource) -> None:
    """A second is enough to find who left the filter, but not for the view of deleted clients, which never answers."""
    sql_store.put(*CHANGED)
    delete(sql_store, "D1", SINCE)
    slow = SLOW[sql_store.engine.dialect.name]
    sql_store.execute("ALTER TABLE deleted_clients RENAME TO kept")
    sql_store.execute(f"CREATE VIEW deleted_clients AS SELECT kept.* FROM kept, {slow}")
    started = time.monotonic()
    try:
        with pytest.raises(SourceUnavailableError, match="takes too long to find the clients that were deleted"):
            removed(source, seconds=1, statuses=("Active",))
    finally:
        sql_store.execute("DROP VIEW deleted_clients")
        sql_store.execute("DROP TABLE kept")
    assert time.monotonic() - started < 20


def test_no_statement_begins_when_the_time_is_used_up(store: ClientStore) -> None:
    store.put(*CHANGED)
    with pytest.raises(SourceUnavailableError, match="takes too long"):
        removed(store.source, seconds=0, statuses=("Active",))


def test_a_deletion_without_a_code_is_refused(sql_store: SqlStore, source: SqlClientSource) -> None:
    delete(sql_store, None, SINCE)
    with pytest.raises(SourceMismatchError, match="row of the view deleted_clients has no code"):
        removed(source)


def test_a_deletion_at_no_moment_of_sqlite_is_refused(sqlite_store: SqlStore) -> None:
    sqlite_store.execute("CREATE TABLE deleted_clients (tenant TEXT, code TEXT, deleted_at TEXT)")
    sqlite_store.execute("INSERT INTO deleted_clients VALUES ('northwind', 'D1', 'yesterday')")
    url = sqlite_store.engine.url.render_as_string(hide_password=False)
    with (
        closing(SqlClientSource(url, deletions_view="deleted_clients")) as opened,
        pytest.raises(SourceMismatchError, match="deleted_clients"),
    ):
        removed(opened)


@pytest.mark.parametrize(("tenant", "found"), [("1", ("D1",)), ("01", ()), ("1.0", ())])
def test_sqlite_gives_no_deletions_of_a_tenant_whose_number_only_resembles_the_text(
    sqlite_store: SqlStore, tenant: str, found: tuple[str, ...]
) -> None:
    sqlite_store.execute("CREATE TABLE deleted_clients (tenant INTEGER, code TEXT, deleted_at TEXT)")
    sqlite_store.execute("INSERT INTO deleted_clients VALUES (1, 'D1', NULL)")
    url = sqlite_store.engine.url.render_as_string(hide_password=False)
    with closing(SqlClientSource(url, deletions_view="deleted_clients")) as opened:
        selection = ClientSelection(tenant, (), ClientFilter(updated_since=SINCE))
        assert opened.removed_codes(selection, 9, 60).deleted == found
