"""What every `ScheduleStore` promises."""

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
from tests.contract.named_resource_stores import NamedResourceStoreSuite, assert_what_is_damaged_hides_no_other, nothing
from tests.support.builders import NOON, a_schedule
from tests.support.fake_schedules import MemoryScheduleStore

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["memory", "azurite"])
def store(request: pytest.FixtureRequest) -> ScheduleStore:
    if request.param == "memory":
        return MemoryScheduleStore()
    return TableScheduleStore(request.getfixturevalue("account"), table=f"schedules{uuid4().hex}")


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


def test_everything_comes_back_as_it_was(store: ScheduleStore) -> None:
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


def test_those_that_are_due_are_found_across_tenants_the_longest_due_first(store: ScheduleStore) -> None:
    schedules = [due_at(NOON + minutes * MINUTE) for minutes in (1, -1, -60 * 24 * 400, 0)]
    for schedule in (*schedules, due_at(None)):
        store.create(schedule)
    third, second, first = (schedules[index].code for index in (3, 1, 2))
    assert due(store, NOON) == [first, second, third]
    assert due(store, NOON + MINUTE) == [first, second, third, schedules[0].code]


def test_it_is_due_for_its_slot_or_its_job_whichever_comes_first(store: ScheduleStore) -> None:
    schedule = a_schedule(state=ScheduleState(next_slot=NOON + MINUTE, check_date=NOON))
    store.create(schedule)
    assert due(store, NOON) == [schedule.code]


def test_a_change_moves_when_it_is_due(store: ScheduleStore) -> None:
    schedule = due_at(NOON)
    store.create(schedule)
    for moment in (NOON + MINUTE, NOON + 2 * MINUTE, None, NOON + MINUTE, NOON + MINUTE):
        store.change(schedule.tenant, schedule.code, lambda found, to=moment: found.with_state(next_slot=to))  # type: ignore[misc]
        assert due(store, NOON + MINUTE) == ([schedule.code] if moment == NOON + MINUTE else [])


def test_what_is_deleted_is_due_no_more(store: ScheduleStore) -> None:
    schedule = due_at(NOON)
    store.create(schedule)
    store.delete(schedule.tenant, schedule.code, nothing)
    assert due(store, NOON) == []


def test_a_schedule_that_cannot_be_created_is_not_due(store: ScheduleStore) -> None:
    schedule = due_at(NOON + MINUTE)
    store.create(schedule)
    store.create(replace(schedule, state=ScheduleState(next_slot=NOON)))
    assert due(store, NOON) == []


def test_whatever_happens_at_once_a_schedule_is_due_exactly_when_it_says(store: ScheduleStore) -> None:
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


def test_a_postponed_schedule_is_not_due_before_unless_it_is_changed(store: ScheduleStore) -> None:
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


def test_a_schedule_that_cannot_be_read_can_be_postponed(account: StorageAccount) -> None:
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


def test_a_store_that_does_not_answer_can_be_asked_again_what_is_due(unreachable_store: ScheduleStore) -> None:
    with pytest.raises(StorageUnavailableError):
        due(unreachable_store, NOON)
    with pytest.raises(StorageUnavailableError):
        unreachable_store.postpone(a_schedule().ref, NOON)


@pytest.mark.parametrize("again", [False, True], ids=["no answer", "sent again"])
def test_a_write_whose_answer_is_lost_is_known_as_ones_own(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    store, schedule = TableScheduleStore(account, f"schedules{uuid4().hex}"), due_at(NOON)
    write = store._table.submit_transaction

    def lose_the_answer(operations: Any) -> Any:
        write(operations)
        if again:
            return write(operations)
        raise ServiceResponseError("cut")

    monkeypatch.setattr(store._table, "submit_transaction", lose_the_answer)
    seen: list[Schedule] = []

    def move(found: Schedule) -> Schedule:
        seen.append(found)
        return found.with_state(next_slot=NOON + MINUTE)

    assert store.create(schedule)
    store.change(schedule.tenant, schedule.code, move)
    assert seen == [schedule]
    assert (due(store, NOON), due(store, NOON + MINUTE)) == ([], [schedule.code])


def test_a_damaged_schedule_hides_no_other_and_is_named_in_the_log(
    account: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"schedules{uuid4().hex}"
    row = assert_what_is_damaged_hides_no_other(
        TableScheduleStore(account, name),
        [a_schedule(tenant="tenant") for _ in range(3)],
        account.tables.get_table_client(name),
    )
    assert f"event=schedule.unreadable partition={row['PartitionKey']} row={row['RowKey']}" in caplog.text
