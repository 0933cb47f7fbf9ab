"""The contract of `ScheduleStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ServiceResponseError

from exports.adapters.storage.schedules import TableScheduleStore
from exports.errors import ScheduleNotFoundError, StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.ports.schedules import ScheduleStore
from exports.request.body import CsvExportRequestDto
from exports.request.filters import ClientFilter
from exports.schedules.schedule import Schedule, ScheduleState
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.contract.named_resource_stores import NamedResourceStoreSuite, allow_all, assert_damage_hides_no_other
from tests.support.builders import NOON, a_schedule
from tests.support.fake_schedules import MemoryScheduleStore

MINUTE = timedelta(minutes=1)


store = memory_or_azurite(MemoryScheduleStore, TableScheduleStore)


@pytest.fixture
def unreachable_store(unreachable: StorageAccount) -> ScheduleStore:
    return TableScheduleStore(unreachable)


class TestScheduleStore(NamedResourceStoreSuite[Schedule]):
    missing = ScheduleNotFoundError

    def item(self, **changes: Any) -> Schedule:
        return a_schedule(**changes)


def due(store: ScheduleStore, moment: datetime) -> list[str]:
    return [ref.code for ref in store.due(moment)]


def due_at(moment: datetime | None, **changes: Any) -> Schedule:
    return a_schedule(state=ScheduleState(next_slot=moment), **changes)


def test_every_property_is_read_back_unchanged(store: ScheduleStore) -> None:
    letters = Random(1)
    codes = tuple("".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(20)) for _ in range(900))
    request = CsvExportRequestDto(mapping_code="x", filter=ClientFilter(manager_codes=codes, updated_since=NOON))
    state = ScheduleState(
        next_slot=NOON,
        waiting_slot=NOON - MINUTE,
        slot=NOON - 2 * MINUTE,
        starting=True,
        open=True,
        check_date=NOON + MINUTE / 1000,
        counts=True,
        watermark=NOON + timedelta(milliseconds=1),
        watermark_of="0" * 64,
        last_run_date=NOON,
        last_job_code=new_job_code(NOON),
    )
    schedule = a_schedule(name="Ä – “🙂” ' \" ;", request=request, overlap="queue", incremental=True, state=state)
    store.create(schedule)
    found = store.get(schedule.tenant, schedule.code)
    assert found == schedule
    assert type(found.created_date) is datetime


def test_due_schedules_of_all_tenants_are_found_the_longest_due_first(store: ScheduleStore) -> None:
    schedules = [due_at(NOON + minutes * MINUTE) for minutes in (1, -1, -60 * 24 * 400, 0)]
    for schedule in (*schedules, due_at(None)):
        store.create(schedule)
    third, second, first = (schedules[index].code for index in (3, 1, 2))
    assert due(store, NOON) == [first, second, third]
    assert due(store, NOON + MINUTE) == [first, second, third, schedules[0].code]


def test_a_schedule_is_due_at_its_slot_or_at_its_check_of_a_job(store: ScheduleStore) -> None:
    schedule = a_schedule(state=ScheduleState(next_slot=NOON + MINUTE, check_date=NOON))
    store.create(schedule)
    assert due(store, NOON) == [schedule.code]


def test_a_change_moves_the_moment_at_which_a_schedule_is_due(store: ScheduleStore) -> None:
    schedule = due_at(NOON)
    store.create(schedule)
    for moment in (NOON + MINUTE, NOON + 2 * MINUTE, None, NOON + MINUTE, NOON + MINUTE):
        store.change(schedule.tenant, schedule.code, lambda found, to=moment: found.with_state(next_slot=to))  # type: ignore[misc]
        assert due(store, NOON + MINUTE) == ([schedule.code] if moment == NOON + MINUTE else [])


def test_a_deleted_schedule_is_no_longer_due(store: ScheduleStore) -> None:
    schedule = due_at(NOON)
    store.create(schedule)
    store.delete(schedule.tenant, schedule.code, allow_all)
    assert due(store, NOON) == []


def test_a_schedule_that_cannot_be_created_is_not_due(store: ScheduleStore) -> None:
    schedule = due_at(NOON + MINUTE)
    store.create(schedule)
    store.create(replace(schedule, state=ScheduleState(next_slot=NOON)))
    assert due(store, NOON) == []


def test_after_concurrent_changes_a_schedule_is_due_exactly_once(store: ScheduleStore) -> None:
    schedule = due_at(NOON)
    store.create(schedule)

    def move(minutes: int) -> None:
        store.change(schedule.tenant, schedule.code, lambda found: found.with_state(next_slot=NOON + minutes * MINUTE))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]))
    found = store.get(schedule.tenant, schedule.code)
    assert found is not None
    assert found.due_date is not None
    assert due(store, found.due_date) == [schedule.code]
    assert due(store, found.due_date - MINUTE) == []


def test_a_change_ends_the_postponement_of_a_schedule(store: ScheduleStore) -> None:
    schedule, other = due_at(NOON), due_at(NOON)
    for each in (schedule, other):
        store.create(each)
    store.postpone(schedule.ref, NOON + MINUTE)
    store.postpone(a_schedule().ref, NOON)
    assert due(store, NOON) == [other.code]
    assert set(due(store, NOON + MINUTE)) == {schedule.code, other.code}
    assert store.get(schedule.tenant, schedule.code) == schedule
    store.change(schedule.tenant, schedule.code, lambda found: found.with_state(next_slot=NOON - MINUTE))
    assert due(store, NOON) == [schedule.code, other.code]


def test_an_unreadable_schedule_can_be_postponed(account: StorageAccount) -> None:
    name = f"schedules{uuid4().hex}"
    store, schedule = TableScheduleStore(account, name), due_at(NOON)
    store.create(schedule)
    table = account.tables.get_table_client(name)
    row = next(row for row in table.list_entities() if "state" in row)
    table.update_entity({**row, "state": "broken"})
    with pytest.raises(ValueError, match="Invalid JSON"):
        store.get(schedule.tenant, schedule.code)
    store.postpone(schedule.ref, NOON + MINUTE)
    assert due(store, NOON) == []
    assert due(store, NOON + MINUTE) == [schedule.code]


def test_a_schedule_without_its_due_row_can_be_changed_postponed_and_deleted(account: StorageAccount) -> None:
    name = f"schedules{uuid4().hex}"
    store, table = TableScheduleStore(account, name), account.tables.get_table_client(name)

    def lose_due_row(schedule: Schedule) -> None:
        for row in list(table.query_entities("RowKey ge 'due|' and RowKey lt 'due~'")):
            table.delete_entity(row)
        assert due(store, NOON + MINUTE) == []
        assert store.get(schedule.tenant, schedule.code) == schedule

    schedule = due_at(NOON)
    store.create(schedule)
    lose_due_row(schedule)
    store.postpone(schedule.ref, NOON + MINUTE)
    assert due(store, NOON + MINUTE) == [schedule.code]
    lose_due_row(schedule)
    for moment in (NOON + MINUTE, NOON + MINUTE / 2, None, NOON):
        schedule = store.change(
            schedule.tenant,
            schedule.code,
            lambda found, to=moment: found.with_state(next_slot=to),  # type: ignore[misc]
        )
        assert due(store, NOON + MINUTE) == ([schedule.code] if moment else [])
        lose_due_row(schedule)
    renamed = schedule.content.model_copy(update={"name": "Renamed"})
    schedule = store.change(schedule.tenant, schedule.code, lambda found: replace(found, content=renamed))
    assert due(store, NOON) == [schedule.code]
    lose_due_row(schedule)
    store.delete(schedule.tenant, schedule.code, allow_all)
    assert store.get(schedule.tenant, schedule.code) is None
    assert list(table.list_entities()) == []


def test_an_unreachable_store_raises_a_retryable_error_for_due_schedules(unreachable_store: ScheduleStore) -> None:
    with pytest.raises(StorageUnavailableError):
        due(unreachable_store, NOON)
    with pytest.raises(StorageUnavailableError):
        unreachable_store.postpone(a_schedule().ref, NOON)


@pytest.mark.parametrize("again", [False, True], ids=["no response", "sent again"])
def test_a_write_whose_response_is_lost_is_verified_by_its_write_token(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    store, schedule = TableScheduleStore(account, f"schedules{uuid4().hex}"), due_at(NOON)
    write = store._table.submit_transaction

    def lose_the_response(operations: Any) -> Any:
        write(operations)
        if again:
            return write(operations)
        raise ServiceResponseError("cut")

    monkeypatch.setattr(store._table, "submit_transaction", lose_the_response)
    read: list[Schedule] = []

    def move(found: Schedule) -> Schedule:
        read.append(found)
        return found.with_state(next_slot=NOON + MINUTE)

    assert store.create(schedule)
    store.change(schedule.tenant, schedule.code, move)
    assert read == [schedule]
    assert (due(store, NOON), due(store, NOON + MINUTE)) == ([], [schedule.code])


def test_a_damaged_schedule_is_logged_and_left_out_of_the_list(
    account: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"schedules{uuid4().hex}"
    row = assert_damage_hides_no_other(
        TableScheduleStore(account, name),
        [a_schedule(tenant="tenant") for _ in range(3)],
        account.tables.get_table_client(name),
    )
    assert f"kind=schedule partition={row['PartitionKey']} row={row['RowKey']}" in caplog.text
