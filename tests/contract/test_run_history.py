"""The contract of `RunHistory`, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from exports.adapters.storage.runs import TableRunHistory
from exports.errors import StorageUnavailableError
from exports.jobs.codes import slot_job_code
from exports.ports.schedules import RunHistory
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import ScheduleRef
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON
from tests.support.fake_schedules import MemoryRunHistory

HERE = ScheduleRef("tenant", "0" * 20)
HOUR = timedelta(hours=1)


runs = memory_or_azurite(MemoryRunHistory, TableRunHistory)


def a_run(slot: datetime = NOON, outcome: RunOutcome = RunOutcome.SKIPPED, **changes: Any) -> ScheduleRun:
    key = slot_job_code("tenant/schedule", slot)
    values: dict[str, Any] = {"tenant": HERE.tenant, "schedule_code": HERE.code, "noted_date": NOON} | changes
    return ScheduleRun(key=key, slot=slot, outcome=outcome, **values)


def test_a_run_is_read_back_unchanged(runs: RunHistory) -> None:
    run = a_run(outcome=RunOutcome.MISSED, reason="Ä “🙂”", until=NOON + HOUR, job_code="7" * 26)
    runs.record(run)
    (found,) = runs.list(HERE, 10)
    assert found == run
    assert type(found.slot) is datetime


def test_runs_are_listed_newest_first_and_the_list_goes_on_after_a_key(runs: RunHistory) -> None:
    recorded = [a_run(NOON + hours * HOUR) for hours in (2, 0, 3, 1)]
    for run in recorded:
        runs.record(run)
    newest, *rest = sorted(recorded, key=lambda run: run.slot, reverse=True)
    assert runs.list(HERE, 1) == [newest]
    assert runs.list(HERE, 10, newest.key) == rest


def test_runs_of_another_schedule_or_tenant_are_not_shown(runs: RunHistory) -> None:
    runs.record(a_run())
    for other in (ScheduleRef("tenant", "1" * 20), ScheduleRef("other", HERE.code)):
        assert runs.list(other, 10) == []


def test_the_first_run_of_a_slot_is_kept_unless_another_one_has_started(runs: RunHistory) -> None:
    first, other = a_run(reason="first"), a_run(outcome=RunOutcome.FAILED, reason="other")
    runs.record(first)
    runs.record(other)
    assert runs.list(HERE, 10) == [first]
    started = a_run(outcome=RunOutcome.STARTED)
    runs.record(started)
    runs.record(other)
    assert runs.list(HERE, 10) == [started]


def test_old_runs_or_all_runs_can_be_removed(runs: RunHistory) -> None:
    recorded = [a_run(NOON + hours * HOUR) for hours in range(130)]
    for run in recorded:
        runs.record(run)
    runs.forget(HERE, NOON + 120 * HOUR)
    assert runs.list(HERE, 500) == recorded[:119:-1]
    runs.forget(HERE)
    runs.forget(HERE)
    assert runs.list(HERE, 10) == []


@pytest.mark.parametrize(
    "use",
    [lambda runs: runs.record(a_run()), lambda runs: runs.list(HERE, 1), lambda runs: runs.forget(HERE)],
    ids=["record", "list", "forget"],
)
def test_an_unreachable_history_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[RunHistory], object]
) -> None:
    with pytest.raises(StorageUnavailableError):
        use(TableRunHistory(unreachable))


def test_a_damaged_run_is_logged_and_left_out_of_the_list(
    account: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"runs{uuid4().hex}"
    runs = TableRunHistory(account, name)
    first, damaged, third = (a_run(NOON + hours * HOUR) for hours in range(3))
    for run in (first, damaged, third):
        runs.record(run)
    table = account.tables.get_table_client(name)
    row = next(row for row in table.list_entities() if row["RowKey"] == damaged.key)
    table.update_entity({**row, "outcome": "Lost"})

    assert runs.list(HERE, 2) == [third, first]
    assert f"kind=run partition={row['PartitionKey']} row={damaged.key}" in caplog.text
