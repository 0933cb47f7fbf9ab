"""A date, not a moment, as `updated_at` or `deleted_at`: on each SQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter
from tests.contract.client_stores import SQL_STORES, TENANT, SqlStore, client

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TO_A_DAY = {"sqlite": "date({0})", "postgresql": "({0} AT TIME ZONE 'UTC')::date", "mysql": "CAST({0} AS date)"}


@pytest.fixture(params=SQL_STORES)
def store(request: pytest.FixtureRequest) -> SqlStore:
    """A store with clients that changed in the days around `NOON`. Its view shows only the days."""
    opened: SqlStore = request.getfixturevalue(request.param)
    day = TO_A_DAY[opened.engine.dialect.name].format("updated_at")
    others = ", ".join(name for name in VIEW_COLUMNS if name != "updated_at")
    opened.put(
        client("A", updated_at=NOON - DAY),
        client("B", updated_at=NOON - 11 * HOUR),
        client("C", updated_at=NOON + HOUR),
        client("D", updated_at=NOON + DAY),
    )
    opened.replace_view(f"SELECT {others}, {day} AS updated_at FROM client_records")
    opened.execute("DROP VIEW IF EXISTS deleted_clients")
    deletions = f"SELECT tenant, lower(code) AS code, {day} AS deleted_at FROM client_records"
    opened.execute(f"CREATE VIEW deleted_clients AS {deletions}")
    return opened


@pytest.fixture
def source(store: SqlStore) -> Iterator[SqlClientSource]:
    url = store.engine.url.render_as_string(hide_password=False)
    with closing(SqlClientSource(url, deletions_view="deleted_clients")) as opened:
        yield opened


def changed(source: SqlClientSource, **wanted: Any) -> str:
    selection = ClientSelection(TENANT, ("code",), ClientFilter(**wanted))
    return "".join(row[0] for rows in source.read(selection, KeyRange()) for row in rows)


def deleted(source: SqlClientSource, **wanted: Any) -> str:
    found = source.removed_codes(ClientSelection(TENANT, (), ClientFilter(**wanted)), 9, 60).deleted
    assert found is not None
    return "".join(found)


@pytest.mark.parametrize("ask", [changed, lambda *given, **wanted: deleted(*given, **wanted).upper()])
def test_changes_of_the_day_of_a_moment_are_never_missed(source: SqlClientSource, ask: Any) -> None:
    """A client that changed at one o'clock has the same date as one that changes at 13:00, after the export."""
    assert ask(source, updated_since=NOON) == "BCD"
    assert ask(source, updated_since=NOON.replace(hour=0)) == "BCD"
    assert ask(source, updated_since=NOON.replace(hour=23, minute=59, second=59, microsecond=999_999)) == "BCD"
    assert ask(source, updated_since=NOON + 12 * HOUR) == "D"


def test_the_day_of_a_moment_is_that_of_utc(source: SqlClientSource) -> None:
    zone = timezone(timedelta(hours=14))
    assert changed(source, updated_since=(NOON + 11 * HOUR).astimezone(zone)) == "BCD"
    assert changed(source, updated_since=(NOON - 13 * HOUR).astimezone(zone)) == "ABCD"


@pytest.mark.parametrize("hours", [-12, -1, 0, 1, 11, 12])
def test_consecutive_periods_of_days_share_no_client_and_miss_none(source: SqlClientSource, hours: int) -> None:
    moment = NOON + hours * HOUR
    for ask in (changed, deleted):
        first = ask(source, updated_since=NOON - 9 * DAY, updated_until=moment)
        assert (first + ask(source, updated_since=moment)).upper() == "ABCD"


def test_clients_that_changed_on_the_day_and_left_the_filter_are_listed(source: SqlClientSource) -> None:
    wanted = ClientFilter(updated_since=NOON, search="no such text")
    assert source.removed_codes(ClientSelection(TENANT, (), wanted), 9, 60).left == ("B", "C", "D")
