"""What every `WatchIndex` promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from exports.adapters.storage.watch import TableWatchIndex
from exports.errors import StorageUnavailableError
from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched, watched
from exports.ports.watch import WatchIndex
from shared.storage import StorageAccount
from tests.support.builders import NOON, a_job
from tests.support.fake_watch import MemoryWatchIndex


@pytest.fixture(params=["memory", "azurite"])
def index(request: pytest.FixtureRequest) -> WatchIndex:
    if request.param == "memory":
        return MemoryWatchIndex()
    account = request.getfixturevalue("account")
    return TableWatchIndex(account, table=f"watch{uuid4().hex}", fresh_seconds=0)


def _an_entry(tenant: str = "tenant", attempt: int = 1) -> Watched:
    return watched(replace(a_job(), tenant=tenant, attempt=attempt).ref, NOON)


# --- attempts under way ---


def test_nothing_is_watched_at_first(index: WatchIndex) -> None:
    assert index.watched(10) == []
    assert dict(index.active()) == {}


def test_what_is_watched_comes_back_as_it_was(index: WatchIndex) -> None:
    entry = replace(_an_entry(), fingerprint="InProgress 3 of 5", checked=NOON + timedelta(microseconds=1))
    index.watch(entry)
    assert index.watched(10) == [entry]


def test_watching_again_takes_the_place_of_the_entry(index: WatchIndex) -> None:
    entry = replace(_an_entry(), fingerprint="seen")
    index.watch(entry)
    index.watch(replace(entry, fingerprint=""))
    assert [found.fingerprint for found in index.watched(10)] == [""]


def test_what_was_seen_is_noted(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    seen = entry.observe("a sign", NOON + timedelta(minutes=1))
    index.note(seen)
    assert index.watched(10) == [seen]


def test_noting_does_not_watch_again_what_is_no_longer_watched(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    index.unwatch(entry)
    index.note(entry)
    assert index.watched(10) == []


def test_unwatching_twice_does_no_harm(index: WatchIndex) -> None:
    entry, other = _an_entry(), _an_entry()
    index.watch(entry)
    index.watch(other)
    index.unwatch(entry)
    index.unwatch(entry)
    assert index.watched(10) == [other]


def test_an_entry_that_was_read_is_only_removed_as_it_was_read(index: WatchIndex) -> None:
    entry = _an_entry()
    index.watch(entry)
    (read,) = index.watched(10)
    index.watch(entry)
    index.unwatch(read)
    assert index.watched(10) == [entry]
    index.unwatch(index.watched(10)[0])
    assert index.watched(10) == []


def test_attempts_of_a_job_are_watched_one_by_one(index: WatchIndex) -> None:
    first = _an_entry()
    second = replace(first, attempt=2)
    index.watch(first)
    index.watch(second)
    index.unwatch(first)
    assert index.watched(10) == [second]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_all_entries_of_all_tenants_are_found_in_slices(index: WatchIndex, limit: int) -> None:
    entries = [_an_entry(tenant) for tenant in ("a", "ab", "b") for _ in range(2)]
    for entry in entries:
        index.watch(entry)
    found: list[Watched] = []
    while slice_ := index.watched(limit, found[-1] if found else None):
        assert len(slice_) <= limit
        found += slice_
    assert len(found) == len(entries)
    assert {entry.code for entry in found} == {entry.code for entry in entries}


def test_attempts_under_way_are_counted_by_tenant(index: WatchIndex) -> None:
    for tenant in ("a", "ab", "a"):
        index.watch(_an_entry(tenant))
    assert dict(index.active()) == {"a": 2, "ab": 1}


def test_the_count_is_taken_anew_after_some_seconds_and_not_before(account: StorageAccount) -> None:
    name = f"watch{uuid4().hex}"
    cached = TableWatchIndex(account, name, fresh_seconds=3600)
    assert dict(cached.active()) == {}
    cached.watch(_an_entry("a"))
    assert dict(cached.active()) == {}
    assert dict(TableWatchIndex(account, name).active()) == {"a": 1}


# --- what is due about jobs that have ended ---


def _due(minutes: float = 0, tenant: str = "tenant") -> DueAction:
    return DueAction(tenant, a_job().code, NOON + timedelta(minutes=minutes, microseconds=1))


def test_what_is_due_is_found_when_it_is_due_and_not_before(index: WatchIndex) -> None:
    due = _due()
    index.remember(due)
    assert index.due(NOON, 10) == []
    assert index.due(due.due, 10) == [due]


def test_what_is_longest_due_comes_first_and_no_more_than_asked_for(index: WatchIndex) -> None:
    dues = [_due(minutes, tenant) for minutes, tenant in ((3, "a"), (1, "ab"), (2, "b"), (4, "a"))]
    for due in dues:
        index.remember(due)
    assert index.due(NOON + timedelta(minutes=3.5), 10) == [dues[1], dues[2], dues[0]]
    assert index.due(NOON + timedelta(minutes=3.5), 2) == [dues[1], dues[2]]


def test_what_is_remembered_twice_is_due_once_and_forgotten_at_once(index: WatchIndex) -> None:
    due, other = _due(), _due(1)
    for each in (due, due, other):
        index.remember(each)
    index.forget(due)
    index.forget(due)
    assert index.due(NOON + timedelta(days=1), 10) == [other]


def test_what_is_due_is_not_under_way(index: WatchIndex) -> None:
    index.remember(_due())
    assert index.watched(10) == []
    assert dict(index.active()) == {}


def test_a_place_is_kept_under_its_name(index: WatchIndex) -> None:
    assert index.cursor("blobs") == ""
    index.save_cursor("blobs", "2!92!MDAw/…")
    index.save_cursor("records", "other")
    assert index.cursor("blobs") == "2!92!MDAw/…"
    index.save_cursor("blobs", "")
    assert index.cursor("blobs") == ""


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.watch(_an_entry()),
        lambda index: index.note(_an_entry()),
        lambda index: index.unwatch(_an_entry()),
        lambda index: index.watched(1),
        lambda index: index.active(),
        lambda index: index.remember(_due()),
        lambda index: index.due(NOON, 1),
        lambda index: index.forget(_due()),
        lambda index: index.cursor("name"),
        lambda index: index.save_cursor("name", "place"),
    ],
    ids=["watch", "note", "unwatch", "watched", "active", "remember", "due", "forget", "place", "keep_place"],
)
def test_an_index_that_does_not_answer_can_be_tried_again(
    unreachable: StorageAccount, use: Callable[[WatchIndex], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableWatchIndex(unreachable))
