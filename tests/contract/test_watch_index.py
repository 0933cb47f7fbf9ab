"""The contract of `WatchIndex`, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import UpdateMode

from exports.adapters.storage.watch import TableWatchIndex
from exports.errors import StorageUnavailableError
from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched, watched
from exports.ports.watch import WatchIndex
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON, a_job
from tests.support.fake_watch import MemoryWatchIndex

index = memory_or_azurite(MemoryWatchIndex, TableWatchIndex, fresh_seconds=0)


def _an_entry(tenant: str = "tenant", attempt: int = 1) -> Watched:
    return watched(replace(a_job(), tenant=tenant, attempt=attempt).ref, NOON)


# --- running attempts ---


def test_nothing_is_watched_at_first(index: WatchIndex) -> None:
    assert index.watched(10) == []
    assert dict(index.active()) == {}


def test_an_entry_is_read_back_unchanged(index: WatchIndex) -> None:
    entry = replace(_an_entry(), fingerprint="InProgress 3 of 5", checked=NOON + timedelta(microseconds=1))
    index.watch(entry)
    assert index.watched(10) == [entry]


def test_watching_an_attempt_again_replaces_its_entry(index: WatchIndex) -> None:
    entry = replace(_an_entry(), fingerprint="observed")
    index.watch(entry)
    index.watch(replace(entry, fingerprint=""))
    assert [found.fingerprint for found in index.watched(10)] == [""]


def test_an_entry_can_be_updated(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    observed = entry.observe("a fingerprint", NOON + timedelta(minutes=1))
    index.update(observed)
    assert index.watched(10) == [observed]


def test_an_update_does_not_restore_a_removed_entry(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    index.unwatch(entry)
    index.update(entry)
    assert index.watched(10) == []


def test_unwatching_twice_does_no_harm(index: WatchIndex) -> None:
    entry, other = _an_entry(), _an_entry()
    index.watch(entry)
    index.watch(other)
    index.unwatch(entry)
    index.unwatch(entry)
    assert index.watched(10) == [other]


def test_an_entry_that_has_changed_since_it_was_read_is_not_removed(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    (read,) = index.watched(10)
    index.watch(entry)
    index.unwatch(read)
    assert index.watched(10) == [entry]
    index.unwatch(index.watched(10)[0])
    assert index.watched(10) == []


def test_every_attempt_of_a_job_has_its_own_entry(index: WatchIndex) -> None:
    first = _an_entry()
    second = replace(first, attempt=2)
    index.watch(first)
    index.watch(second)
    index.unwatch(first)
    assert index.watched(10) == [second]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_all_entries_of_all_tenants_are_found_in_parts(index: WatchIndex, limit: int) -> None:
    entries = [_an_entry(tenant) for tenant in ("a", "ab", "b") for _ in range(2)]
    for entry in entries:
        index.watch(entry)
    found: list[Watched] = []
    while part := index.watched(limit, found[-1] if found else None):
        assert len(part) <= limit
        found += part
    assert len(found) == len(entries)
    assert {entry.code for entry in found} == {entry.code for entry in entries}


def test_running_attempts_are_counted_by_tenant(index: WatchIndex) -> None:
    for tenant in ("a", "ab", "a"):
        index.watch(_an_entry(tenant))
    assert dict(index.active()) == {"a": 2, "ab": 1}


def test_a_count_is_reused_for_some_seconds(account: StorageAccount) -> None:
    name = f"watch{uuid4().hex}"
    cached = TableWatchIndex(account, name, fresh_seconds=3600)
    assert dict(cached.active()) == {}
    cached.watch(_an_entry("a"))
    assert dict(cached.active()) == {}
    assert dict(TableWatchIndex(account, name).active()) == {"a": 1}


# --- due actions on jobs that have ended ---


def _due(minutes: float = 0, tenant: str = "tenant") -> DueAction:
    return DueAction(tenant, a_job().code, NOON + timedelta(minutes=minutes, microseconds=1))


def test_an_action_is_found_when_it_is_due_and_not_before(index: WatchIndex) -> None:
    due = _due()
    index.add_due(due)
    assert index.due(NOON, 10) == []
    assert index.due(due.due, 10) == [due]


def test_due_actions_are_listed_the_longest_due_first_up_to_the_limit(index: WatchIndex) -> None:
    dues = [_due(minutes, tenant) for minutes, tenant in ((3, "a"), (1, "ab"), (2, "b"), (4, "a"))]
    for due in dues:
        index.add_due(due)
    assert index.due(NOON + timedelta(minutes=3.5), 10) == [dues[1], dues[2], dues[0]]
    assert index.due(NOON + timedelta(minutes=3.5), 2) == [dues[1], dues[2]]


def test_an_action_stored_twice_is_due_once_and_removed_by_one_call(index: WatchIndex) -> None:
    due, other = _due(), _due(1)
    for each in (due, due, other):
        index.add_due(each)
    index.remove_due(due)
    index.remove_due(due)
    assert index.due(NOON + timedelta(days=1), 10) == [other]


def test_a_due_action_is_not_a_running_attempt(index: WatchIndex) -> None:
    index.add_due(_due())
    assert index.watched(10) == []
    assert dict(index.active()) == {}


def test_a_cursor_is_saved_under_its_name(index: WatchIndex) -> None:
    assert index.cursor("blobs") == ""
    index.save_cursor("blobs", "2!92!MDAw/…")
    index.save_cursor("records", "other")
    assert index.cursor("blobs") == "2!92!MDAw/…"
    index.save_cursor("blobs", "")
    assert index.cursor("blobs") == ""


# --- damaged rows ---


@pytest.mark.parametrize("damage", [{}, {"since": "long ago", "looked": 7, "sign": ""}], ids=["empty", "wrong types"])
def test_a_damaged_entry_is_watched_anew_and_hides_no_other(account: StorageAccount, damage: dict[str, Any]) -> None:
    table = f"t{uuid4().hex}"
    index = TableWatchIndex(account, table)
    entries = [_an_entry(tenant) for tenant in ("a", "b", "c")]
    for entry in entries:
        index.watch(entry)
    keys = {"PartitionKey": "active", "RowKey": f"b|{entries[1].code}|000001"}
    account.tables.get_table_client(table).upsert_entity(keys | damage, UpdateMode.REPLACE)
    before = datetime.now(UTC)

    found = index.watched(10)

    assert [entry.ref for entry in found] == [entry.ref for entry in entries]
    assert abs(found[1].since - before) < timedelta(minutes=1)
    index.update(found[1].observe("a fingerprint", NOON))
    assert index.watched(10)[1].fingerprint == "a fingerprint"


@pytest.mark.parametrize("damage", [{}, {"due": "soon"}], ids=["empty", "wrong type"])
def test_a_damaged_due_action_is_read_by_its_key_and_hides_no_other(
    account: StorageAccount, damage: dict[str, Any]
) -> None:
    table = f"t{uuid4().hex}"
    index = TableWatchIndex(account, table)
    dues = [_due(minutes) for minutes in (0, 1, 2)]
    for due in dues:
        index.add_due(due)
    rows = account.tables.get_table_client(table)
    key = next(row["RowKey"] for row in rows.list_entities() if dues[1].code in row["RowKey"])
    rows.upsert_entity({"PartitionKey": "ended", "RowKey": key} | damage, UpdateMode.REPLACE)

    assert index.due(NOON + timedelta(hours=1), 10) == dues
    index.remove_due(dues[1])
    assert index.due(NOON + timedelta(hours=1), 10) == [dues[0], dues[2]]


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.watch(_an_entry()),
        lambda index: index.update(_an_entry()),
        lambda index: index.unwatch(_an_entry()),
        lambda index: index.watched(1),
        lambda index: index.active(),
        lambda index: index.add_due(_due()),
        lambda index: index.due(NOON, 1),
        lambda index: index.remove_due(_due()),
        lambda index: index.cursor("name"),
        lambda index: index.save_cursor("name", "cursor"),
    ],
    ids=["watch", "update", "unwatch", "watched", "active", "add_due", "due", "remove_due", "cursor", "save_cursor"],
)
def test_an_unreachable_index_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[WatchIndex], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableWatchIndex(unreachable))
