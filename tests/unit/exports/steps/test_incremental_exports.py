"""Incremental exports lose no change: whatever is committed late, fails or is cancelled meanwhile.

A made-up writer stamps clients and commits them later, but within the margin. At the end, the files in the order of
their exports must tell the last state of every client.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.errors import RefusedError
from exports.jobs import Job
from exports.mappings import SavedMapping
from exports.requests import ClientFilter, ColumnMapping, CsvExportRequestDto
from exports.schedules import Schedule
from exports.states import JobStatus
from exports.steps.resume_export import resume_export
from tests.support.builders import NOON, a_mapping, a_schedule
from tests.support.fakes import MemoryServices, RecordingStarter, a_services
from tests.support.running import complete, end, file_of, found, let_slot_come, tick
from tests.support.steps import some_clients, stored

MARGIN = timedelta(seconds=300)
CODE_AND_NAME = {
    "columnMappings": [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]
}


class BrokenError(Exception):
    """An export breaks here."""


@dataclass
class Writer:
    """Changes clients, each in a transaction that may be open for a while. Of a client only one is open."""

    services: MemoryServices
    margin: timedelta = MARGIN
    open: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    count: int = 0

    def stamp(self, code: str) -> None:
        if code not in self.open:
            self.count += 1
            self.open[code] = (self.services.now(), f"Name {self.count}")

    def commit(self, code: str) -> None:
        if (change := self.open.pop(code, None)) is not None:
            clients = [client for client in self.services.clients.clients if client["code"] != code]
            tenant = self.services.clients.clients[0]["tenant"]
            clients.append({"tenant": tenant, "code": code, "name": change[1], "updated_at": change[0]})
            self.services.clients.clients = clients

    def pass_time(self, seconds: int) -> None:
        """Time passes; no transaction stays open for longer than the margin."""
        end = self.services.now() + timedelta(seconds=seconds)
        for code, (stamped, _) in sorted(self.open.items(), key=lambda item: item[1]):
            if stamped + self.margin <= end:
                self.services.now.moment = max(self.services.now(), stamped + self.margin)
                self.commit(code)
        self.services.now.moment = end

    def names(self) -> dict[str, str]:
        return {client["code"]: client["name"] for client in self.services.clients.clients}


def begun(margin: int = 300, clients: int = 6, **changes: Any) -> tuple[MemoryServices, Schedule]:
    schedule = a_schedule(**{"incremental": True, "request": CODE_AND_NAME, **changes})
    started = [{**client, "updated_at": NOON - timedelta(days=9)} for client in some_clients(clients, schedule.tenant)]
    services = a_services(started, EXPORT_INCREMENTAL_MARGIN_SECONDS=margin, EXPORT_MAX_JOBS_PER_DAY=10_000)
    services.schedules.create(schedule)
    return services, schedule


def told(services: MemoryServices, jobs: list[Job]) -> dict[str, str]:
    """What a reader of all files knows, in the order of their exports."""
    known: dict[str, str] = {}
    for job in jobs:
        if stored(services, job).status is JobStatus.COMPLETED:
            known |= {row["Code"]: row["Name"] for row in file_of(services, job)}
    return known


CODES = st.sampled_from([f"C{number:04d}" for number in range(1, 9)])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("stamp"), CODES),
        st.tuples(st.just("commit"), CODES),
        st.tuples(st.just("pass"), st.integers(0, 900)),
        st.tuples(st.just("run"), st.sampled_from(["Completed", "Completed", "Failed", "Cancelled"])),
        st.tuples(st.just("slow run"), st.lists(CODES, max_size=3)),
        st.tuples(st.just("broken run"), st.lists(CODES, max_size=3)),
        st.tuples(st.just("rename"), st.none()),
        st.tuples(st.just("resume"), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(EVENTS)
def test_no_change_is_lost_whatever_is_committed_late_or_ends_badly(events: list[tuple[str, Any]]) -> None:
    services, schedule = begun()
    writer, jobs = Writer(services), list[Job]()
    for event, value in [*events, ("pass", 600), ("run", "Completed")]:
        if event == "stamp":
            writer.stamp(value)
        elif event == "commit":
            writer.commit(value)
        elif event == "pass":
            writer.pass_time(value)
        elif event == "rename":
            rename(services, schedule)
        elif event == "resume":
            resume_last(services, jobs)
        else:
            writer.pass_time(1)  # no two slots are at the same moment
            jobs.append(let_slot_come(services, schedule.ref))
            if event == "run":
                end(services, jobs[-1], value)
            else:
                run_slowly(services, jobs[-1], writer, value, breaks=event == "broken run")
    assert writer.names().items() <= told(services, jobs).items()


def rename(services: MemoryServices, schedule: Schedule) -> None:
    content = schedule.content.model_copy(update={"name": f"Renamed {services.now()}"})
    services.schedules.change(schedule.tenant, schedule.code, lambda now: now.update(content, services.now()))


def resume_last(services: MemoryServices, jobs: list[Job]) -> None:
    """Somebody lets a job that failed or was cancelled go on, and it completes."""
    if jobs:
        try:
            job = asyncio.run(resume_export(services, RecordingStarter(), jobs[-1].tenant, jobs[-1].code, "me"))
        except RefusedError:
            return
        complete(services, job)
        tick(services)


def run_slowly(services: MemoryServices, job: Job, writer: Writer, codes: list[str], *, breaks: bool) -> None:
    """Clients change while an export reads, which takes longer than the margin; it completes, or fails part way."""
    steps = iter(range(3 if breaks else 1_000))

    def meanwhile() -> None:
        for code in codes:
            writer.commit(code)
            writer.stamp(code)
        writer.pass_time(200)
        if next(steps, None) is None:
            raise BrokenError

    with suppress(BrokenError):
        complete(services, job, meanwhile)
    if breaks and not stored(services, job).status.is_terminal:
        end(services, job, "Failed")


@pytest.mark.parametrize(("margin", "is_told"), [(300, True), (60, True), (59, False), (0, False)])
def test_it_is_the_margin_that_finds_what_was_committed_late(margin: int, is_told: bool) -> None:
    services, schedule = begun(margin)
    writer = Writer(services)
    jobs = [let_slot_come(services, schedule.ref)]
    end(services, jobs[0], "Completed")
    writer.stamp("C0003")
    writer.pass_time(60)
    jobs.append(let_slot_come(services, schedule.ref))
    end(services, jobs[1], "Completed")
    writer.commit("C0003")
    writer.pass_time(1)
    jobs.append(let_slot_come(services, schedule.ref))
    end(services, jobs[2], "Completed")
    assert (told(services, jobs)["C0003"] == "Name 1") is is_told


def rows_of_next_run(services: MemoryServices, schedule: Schedule, how: str = "Completed") -> int:
    """Let another hour pass and a run end; how many clients are in its file."""
    services.now.advance(hours=1)
    job = let_slot_come(services, schedule.ref)
    end(services, job, how)
    return len(file_of(services, job)) if how == "Completed" else -1


def test_a_run_exports_only_what_changed_since_the_last_that_succeeded() -> None:
    services, schedule = begun()
    writer = Writer(services)
    assert rows_of_next_run(services, schedule) == 6
    assert rows_of_next_run(services, schedule) == 0
    for code in ("C0001", "C0009"):
        writer.stamp(code)
        writer.commit(code)
    assert rows_of_next_run(services, schedule, "Failed") == -1
    assert rows_of_next_run(services, schedule, "Cancelled") == -1
    assert rows_of_next_run(services, schedule) == 2
    assert rows_of_next_run(services, schedule) == 0


def test_a_full_schedule_exports_all_every_time() -> None:
    services, schedule = begun(incremental=False)
    assert [rows_of_next_run(services, schedule) for _ in range(3)] == [6, 6, 6]


def put(services: MemoryServices, schedule: Schedule, **changes: Any) -> None:
    content = schedule.content.model_copy(update=changes)
    services.schedules.change(schedule.tenant, schedule.code, lambda now: now.update(content, services.now()))


def requesting(schedule: Schedule, **changes: Any) -> CsvExportRequestDto:
    return schedule.content.request.model_copy(update=changes)


def columns_of(schedule: Schedule) -> tuple[ColumnMapping, ...]:
    return schedule.content.request.column_mappings or ()


def test_another_request_exports_all_again() -> None:
    services, schedule = begun()
    assert rows_of_next_run(services, schedule) == 6
    put(services, schedule, name="Renamed", cron="0 9 * * *")
    assert rows_of_next_run(services, schedule) == 0
    put(services, schedule, request=requesting(schedule, column_mappings=columns_of(schedule)[:1]))
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]


def test_a_job_that_ran_while_the_request_was_changed_does_not_count() -> None:
    services, schedule = begun()
    services.now.advance(hours=1)
    job = let_slot_come(services, schedule.ref)
    put(services, schedule, request=requesting(schedule, filter=ClientFilter(updated_since=NOON - timedelta(days=30))))
    end(services, job, "Completed")
    assert rows_of_next_run(services, schedule) == 6


def test_other_columns_in_the_mapping_export_all_again() -> None:
    services, schedule = begun()
    mapping = a_mapping(tenant=schedule.tenant)
    services.mappings.create(mapping)
    put(services, schedule, request=requesting(schedule, column_mappings=None, mapping_code=mapping.code))
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]

    def add_a_column(found: SavedMapping) -> SavedMapping:
        return replace(found, content=found.content.model_copy(update={"columns": columns_of(schedule)}))

    services.mappings.change(mapping.tenant, mapping.code, add_a_column)
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]


def test_a_job_is_counted_soon_after_its_end_so_that_its_row_may_be_gone_when_the_next_slot_comes() -> None:
    services, schedule = begun()
    end(services, let_slot_come(services, schedule.ref), "Completed")
    services.now.advance(minutes=1)
    tick(services)
    state = found(services, schedule.ref).state
    assert (state.watermark, state.open, state.check_date) == (NOON, False, None)
