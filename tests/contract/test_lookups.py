"""Promises of every client source about what a page looks up before an export."""

from __future__ import annotations

import time
from typing import Any

import pytest

from devhost.local.paths import ROOT
from exports.adapters.clients_sql import lookups
from exports.adapters.clients_sql.described import describe_selected
from exports.adapters.clients_sql.inspection.inspector import Explain
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.errors import SourceMismatchError, SourceRefusedError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filter_values import FilterValuesDto
from exports.request.filters import ClientFilter
from exports.request.preview import ClientCount
from tests.contract.client_stores import SQL_STORES, STORES, TENANT, ClientStore, SqlStore, TableStore, client

ENOUGH_SECONDS = 30.0
MOST = 1_000
GIVING_ROWS_EARLY = ("sqlite", "postgresql")
LISTS = ("managers", "partners", "associates", "teams")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> ClientStore:
    opened: ClientStore = request.getfixturevalue(request.param)
    return opened


@pytest.fixture(params=SQL_STORES)
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


def select(**filters: Any) -> ClientSelection:
    return ClientSelection(TENANT, ("code", "name"), ClientFilter(**filters))


def named(found: FilterValuesDto, name: str) -> dict[str, str | None]:
    return {value.code: value.name for value in getattr(found, name)}


def test_a_preview_has_the_first_clients_in_key_order_and_the_number_of_all(store: ClientStore) -> None:
    store.put(*(client(f"C{number:05d}", name=f"Client {number}") for number in range(25)), client("X", tenant="other"))
    found = store.source.preview(select(), 10, ENOUGH_SECONDS, ENOUGH_SECONDS)
    (first,) = store.source.sample(select(), [KeyRange()], 10)
    assert [tuple(row) for row in found.rows] == [tuple(row) for row in first]
    assert (len(found.rows), found.count) == (10, ClientCount(25))


def test_a_preview_counts_and_shows_only_clients_that_pass_the_filter(store: ClientStore) -> None:
    store.put(*(client(f"C{n}", status="Active" if n % 3 else "Inactive", service_codes="VAT; PAY") for n in range(9)))
    found = store.source.preview(
        select(statuses=["Inactive"], service_codes=["PAY"]), 2, ENOUGH_SECONDS, ENOUGH_SECONDS
    )
    assert ([row[0] for row in found.rows], found.count) == (["C0", "C3"], ClientCount(3))


def test_a_preview_with_fewer_clients_than_wanted_need_not_count_them(sql_store: SqlStore) -> None:
    sql_store.put(client("C1"), client("C2"))
    assert sql_store.source.preview(select(), 3, ENOUGH_SECONDS, 0.000001).count == ClientCount(2)


def test_a_preview_need_not_count(store: ClientStore) -> None:
    store.put(*(client(f"C{number}") for number in range(5)))
    found = store.source.preview(select(), 2, ENOUGH_SECONDS, 0)
    assert ([row[0] for row in found.rows], found.count) == (["C0", "C1"], None)


def test_a_preview_of_nobody_is_empty(store: ClientStore) -> None:
    found = store.source.preview(select(), 10, ENOUGH_SECONDS, ENOUGH_SECONDS)
    assert (found.rows, found.count) == ([], ClientCount(0))


def test_the_values_of_filters_are_those_of_the_clients_of_the_tenant(store: ClientStore) -> None:
    store.put(
        client("C1", manager_code="M1", manager="Ann", team_code="T1", team="Tax", service_codes="VAT; PAY"),
        client("C2", manager_code="M1", manager="Ann", partner_code="P1", service_codes="VAT;ACC"),
        client("C3", manager_code="M2", associate_code="A1", associate="Bo", service_codes=""),
        client("C4", tenant="other", manager_code="M9", manager="Eve", service_codes="ZZZ"),
    )
    found = store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS)
    assert named(found, "managers") == {"M1": "Ann", "M2": None}
    assert named(found, "partners") == {"P1": None}
    assert named(found, "associates") == {"A1": "Bo"}
    assert named(found, "teams") == {"T1": "Tax"}
    assert named(found, "services") == {"ACC": None, "PAY": None, "VAT": None}
    assert not found.truncated


def test_each_value_finds_its_clients_as_a_filter(store: ClientStore) -> None:
    codes = ["007", "7", "a", "A ", "é", "o'c", "%", "1.50"]
    store.put(*(client(f"C{place}", manager_code=code, service_codes=code) for place, code in enumerate(codes)))
    found = store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS)
    assert {code.strip() for code in named(found, "managers")} == {code.strip() for code in codes}
    for code in named(found, "managers"):
        assert store.source.preview(
            select(manager_codes=[code]), 1, ENOUGH_SECONDS, ENOUGH_SECONDS
        ).count == ClientCount(1)
    for code in named(found, "services"):
        assert store.source.preview(
            select(service_codes=[code]), 1, ENOUGH_SECONDS, ENOUGH_SECONDS
        ).count == ClientCount(1)


def test_values_that_no_filter_can_name_are_not_offered(store: ClientStore) -> None:
    long = "x" * 100
    store.put(client("C1", manager_code="", service_codes=" ; ;"), client("C2", manager_code=long, service_codes=long))
    store.put(client("C3", team_code="y" * 101, service_codes="z" * 101))
    found = store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS)
    assert (named(found, "managers"), named(found, "teams")) == ({long: None}, {})
    assert named(found, "services") == {long: None}


def test_more_values_than_wanted_are_cut_and_that_is_said(store: ClientStore) -> None:
    store.put(*(client(f"C{number}", team_code=f"T{number}") for number in range(4)))
    assert len(store.source.filter_values(TENANT, 4, ENOUGH_SECONDS).teams) == 4
    assert not store.source.filter_values(TENANT, 4, ENOUGH_SECONDS).truncated
    found = store.source.filter_values(TENANT, 3, ENOUGH_SECONDS)
    assert (len(found.teams), found.truncated) == (3, True)


def test_a_tenant_without_clients_has_no_values(store: ClientStore) -> None:
    assert store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS) == FilterValuesDto()


def test_an_unreachable_source_raises_the_error_of_every_reading(store: ClientStore) -> None:
    source = store.unreachable_source
    with pytest.raises((SourceUnavailableError, SourceRefusedError)):  # SQLite knows that there is no file
        source.preview(select(), 1, ENOUGH_SECONDS, ENOUGH_SECONDS)
    with pytest.raises((SourceUnavailableError, SourceRefusedError)):
        source.filter_values(TENANT, MOST, ENOUGH_SECONDS)


def test_columns_that_the_view_lacks_have_no_values(sql_store: SqlStore) -> None:
    sql_store.put(client("C1", name="Ann", manager_code="M1", manager="Ann", team_code="T1", service_codes="VAT"))
    lacking = ("manager", "team_code", "service_codes")
    sql_store.replace_view(f"SELECT {', '.join(n for n in VIEW_COLUMNS if n not in lacking)} FROM client_records")
    found = sql_store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS)
    assert named(found, "managers") == {"M1": None}
    assert (found.teams, found.services, found.truncated) == ((), (), False)


def test_a_view_without_a_required_column_is_refused(sql_store: SqlStore) -> None:
    sql_store.replace_view("SELECT tenant, name FROM client_records")
    for look_up in (
        lambda: sql_store.source.filter_values(TENANT, MOST, ENOUGH_SECONDS),
        lambda: sql_store.source.preview(select(), 1, ENOUGH_SECONDS, ENOUGH_SECONDS),
    ):
        with pytest.raises(SourceMismatchError, match="code"):
            look_up()


def test_a_count_that_takes_too_long_is_given_up_and_the_rows_stay(sql_store: SqlStore) -> None:
    sql_store.put(*(client(f"C{number:05d}", name="n", team_code=f"T{number}") for number in range(1_200)))
    slow = f"SELECT {', '.join(VIEW_COLUMNS)} FROM client_records"
    sql_store.replace_view(f"{slow} WHERE {slow_condition(sql_store)}")
    began = time.monotonic()
    found = sql_store.source.preview(select(), 3, ENOUGH_SECONDS, 0.3)
    assert ([row[0] for row in found.rows], found.count) == (["C00000", "C00001", "C00002"], ClientCount())
    assert time.monotonic() - began < 10

    values = sql_store.source.filter_values(TENANT, MOST, 0.3)
    assert (values.teams, values.truncated) == ((), True)

    sql_store.replace_view(slow)
    assert sql_store.source.preview(select(), 3, ENOUGH_SECONDS, ENOUGH_SECONDS).count == ClientCount(1_200)
    assert sql_store.source.find_boundaries(select(), 500).total_rows == 1_200


def test_a_time_limit_of_less_than_a_millisecond_is_not_taken_for_none(sql_store: SqlStore) -> None:
    """MariaDB would take `0.000` for no limit at all."""
    sql_store.put(client("C1", team_code="T1"))
    found = sql_store.source.filter_values(TENANT, MOST, 0.0004)
    assert (found.teams, found.truncated) == ((), True)


def test_a_source_with_a_time_limit_stops_and_leaves_the_others_as_they_were(sql_store: SqlStore) -> None:
    sql_store.put(*(client(f"C{number:05d}", name="n", status="Active") for number in range(1_200)))
    view = f"SELECT {', '.join(VIEW_COLUMNS)} FROM client_records"
    sql_store.replace_view(f"{view} WHERE {slow_condition(sql_store)}")
    began = time.monotonic()
    limited, selection = sql_store.source.limited(0.5), select(statuses=["Active"])
    with pytest.raises(SourceUnavailableError):
        limited.find_boundaries(selection, 500)
    with pytest.raises(SourceUnavailableError):  # the time is over for all that it reads
        list(limited.sample(selection, [KeyRange("C00000", "C00001")], 1))
    assert time.monotonic() - began < 10

    sql_store.replace_view(view)
    assert sql_store.source.find_boundaries(selection, 500).total_rows == 1_200
    assert sql_store.source.limited(ENOUGH_SECONDS).find_boundaries(selection, 500).starts == ("C00500", "C01000")


def test_a_time_limit_stops_a_pass_over_clients_in_table_storage(table_store: TableStore) -> None:
    table_store.put(*(client(f"C{number}") for number in range(5)))
    assert table_store.source.limited(ENOUGH_SECONDS).find_boundaries(select(), 5).total_rows == 5
    with pytest.raises(SourceUnavailableError):
        table_store.source.limited(1e-9).find_boundaries(select(), 5)
    assert table_store.source.find_boundaries(select(), 5).total_rows == 5


def test_a_preview_gives_the_clients_found_in_time_and_says_that_more_may_follow(sql_store: SqlStore) -> None:
    sql_store.put(*(client(f"C{number:05d}", name="n") for number in range(1_200)))
    view = f"SELECT {', '.join(VIEW_COLUMNS)} FROM client_records"
    sql_store.replace_view(
        f"{view} WHERE code IN ('C00000', 'C00001') OR code >= 'C00100' AND ({slow_condition(sql_store)})"
    )
    began = time.monotonic()
    found = sql_store.source.preview(select(), 500, 0.5, ENOUGH_SECONDS)
    assert time.monotonic() - began < 10
    assert (found.is_complete, found.count) == (False, None)
    if sql_store.engine.dialect.name in GIVING_ROWS_EARLY:
        assert [row[0] for row in found.rows][:2] == ["C00000", "C00001"]
        assert len(found.rows) < 500

    assert sql_store.source.preview(select(), 2, ENOUGH_SECONDS, 0).is_complete
    sql_store.replace_view(view)
    again = sql_store.source.preview(select(), 500, ENOUGH_SECONDS, ENOUGH_SECONDS)
    assert (len(again.rows), again.count, again.is_complete) == (500, ClientCount(1_200), True)


def test_clients_that_take_too_long_to_count_have_a_minimum_if_some_are_found_soon(
    sql_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql_store.put(*(client(f"C{number:05d}", name="n") for number in range(1_200)))
    view = f"SELECT {', '.join(VIEW_COLUMNS)} FROM client_records"
    sql_store.replace_view(f"{view} WHERE {slow_condition(sql_store)}")
    monkeypatch.setattr(lookups, "COUNTED_FIRST", 50)
    found = sql_store.source.preview(select(), 3, ENOUGH_SECONDS, 0.5)
    assert (len(found.rows), found.count) == (3, ClientCount(minimum=50))


@pytest.mark.parametrize("clients", [4, 5, 6])
def test_counting_a_few_first_never_changes_the_number(
    sql_store: SqlStore, monkeypatch: pytest.MonkeyPatch, clients: int
) -> None:
    sql_store.put(*(client(f"C{number}", status="Active") for number in range(clients)), client("X", tenant="other"))
    monkeypatch.setattr(lookups, "COUNTED_FIRST", 5)
    found = sql_store.source.preview(select(statuses=["Active"]), 2, ENOUGH_SECONDS, ENOUGH_SECONDS)
    assert found.count == ClientCount(clients)


def test_clients_in_table_storage_that_take_too_long_to_count_have_a_minimum(table_store: TableStore) -> None:
    table_store.put(*(client(f"C{number}") for number in range(5)))
    assert table_store.source.preview(select(), 2, ENOUGH_SECONDS, 1e-9).count == ClientCount(minimum=5)


@pytest.mark.parametrize(("filtered", "column"), [("manager_codes", "manager_code"), ("statuses", "status")])
def test_the_index_that_the_document_advises_serves_the_preview(
    sqlite_store: SqlStore, filtered: str, column: str
) -> None:
    sqlite_store.put(client("C1", status="Active", manager_code="Active"))
    selection = select(**{filtered: ["Active"]})
    advised = f"(tenant, {column}, code)"
    assert f"`{advised}`" in (ROOT / "docs" / "client-view.md").read_text(encoding="utf-8")
    assert f"INDEX filtered (tenant=? AND {column}=?)" not in plan_of_preview(sqlite_store, selection)
    sqlite_store.execute(f"CREATE INDEX filtered ON client_records {advised}")
    plan = plan_of_preview(sqlite_store, selection)
    assert f"INDEX filtered (tenant=? AND {column}=?)" in plan
    assert "TEMP B-TREE" not in plan


def plan_of_preview(store: SqlStore, selection: ClientSelection) -> str:
    with store.engine.connect() as connection:
        view = describe_selected(connection, selection)
        statement = sql_statements.sample(view, selection, KeyRange(), 10)
        return "\n".join(str(row[3]) for row in connection.execute(Explain("EXPLAIN QUERY PLAN", statement)))


def slow_condition(store: SqlStore) -> str:
    """Return a condition that holds for all clients, and takes long for those after the first hundred."""
    if store.engine.dialect.name == "postgresql":
        return "code < 'C00100' OR pg_sleep(0.01) IS NOT NULL"
    if store.engine.dialect.name == "mysql":
        return "code < 'C00100' OR sleep(0.01) = 0"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000 + 0 * length(code))"
    return f"code < 'C00100' OR (SELECT count(*) FROM ({numbers} SELECT i FROM n)) > 0"
