"""Incremental exports lose no change, even if transactions commit late and exports fail or are cancelled.

A simulated writer sets `updated_at` of a client and commits the change later, but within the margin. At the end, a
reader who applies the files in the order of their exports must have the last state of every client.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.errors import RefusedError
from exports.jobs.job import Job
from exports.mappings.mapping import SavedMapping
from exports.request.body import CsvExportRequestDto
from exports.request.columns import ColumnMapping
from exports.request.filters import ClientFilter
from exports.schedules.schedule import Schedule
from exports.steps.requests.resume_export import resume_export
from tests.support.builders import NOON, a_mapping, a_schedule
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.schedule_runs import (
    complete_job,
    download_records,
    end_job,
    fire_timer,
    run_due_slot,
    stored_schedule,
)
from tests.support.steps import some_clients, stored

MARGIN = timedelta(seconds=300)
CODE_AND_NAME = {
    "columnMappings": [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]
}


class InterruptedExportError(Exception):
    """The export is interrupted here."""


@dataclass
class Writer:
    """Changes clients, each in a transaction that may stay open for a while. A client has at most one open transaction.

    Attributes:
        open: The time stamp and the new name of every uncommitted change, by the code of its client.
    """

    services: MemoryServices
    margin: timedelta = MARGIN
    open: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    count: int = 0

    def stamp(self, code: str) -> None:
        """Open a transaction that gives the client a new name and the current time as `updated_at`."""
        if code not in self.open:
            self.count += 1
            self.open[code] = (self.services.now(), f"Name {self.count}")

    def commit(self, code: str) -> None:
        """Commit the open transaction of the client, if it has one."""
        if (change := self.open.pop(code, None)) is not None:
            clients = [client for client in self.services.clients.clients if client["code"] != code]
            tenant = self.services.clients.clients[0]["tenant"]
            clients.append({"tenant": tenant, "code": code, "name": change[1], "updated_at": change[0]})
            self.services.clients.clients = clients

    def pass_time(self, seconds: int) -> None:
        """Let time pass. Commits every transaction that would otherwise stay open for longer than the margin."""
        end = self.services.now() + timedelta(seconds=seconds)
        for code, (stamped, _) in sorted(self.open.items(), key=lambda item: item[1]):
            if stamped + self.margin <= end:
                self.services.now.moment = max(self.services.now(), stamped + self.margin)
                self.commit(code)
        self.services.now.moment = end

    def names(self) -> dict[str, str]:
        return {client["code"]: client["name"] for client in self.services.clients.clients}


def an_incremental_schedule(margin: int = 300, clients: int = 6, **changes: Any) -> tuple[MemoryServices, Schedule]:
    """Store a schedule, incremental by default, and clients that last changed long before it began."""
    schedule = a_schedule(**{"incremental": True, "request": CODE_AND_NAME, **changes})
    unchanged = [
        {**client, "updated_at": NOON - timedelta(days=9)} for client in some_clients(clients, schedule.tenant)
    ]
    services = a_services(
        unchanged, EXPORT_INCREMENTAL_MARGIN_SECONDS=margin, EXPORT_MAX_JOBS_PER_DAY=10_000, EXPORT_KEEP_HOURS=1
    )
    services.schedules.create(schedule)
    return services, schedule


@dataclass
class Reader:
    """Downloads files, though not always all of them or in time, and applies them in the order of their exports."""

    services: MemoryServices
    files: dict[datetime, list[dict[str, Any]]] = field(default_factory=dict)

    def download(self, job: Job) -> None:
        if (file := download_records(self.services, job)) is not None:
            self.files[job.created_date] = file

    def names(self) -> dict[str, str]:
        return {row["Code"]: row["Name"] for _, file in sorted(self.files.items()) for row in file}


class Scenario:
    """Plays events on a schedule, a writer and a reader. Each event is a method of the same name."""

    def __init__(self) -> None:
        self.services, self.schedule = an_incremental_schedule()
        self.writer, self.reader = Writer(self.services), Reader(self.services)
        self.stamp, self.commit, self.pass_time = self.writer.stamp, self.writer.commit, self.writer.pass_time
        self.jobs: list[Job] = []

    def run(self, outcome: str) -> None:
        end_job(self.services, self._start_job(), outcome)

    def run_slowly(self, codes: list[str]) -> None:
        """Run an export to its end while clients change."""
        self._run_while_clients_change(self._start_job(), codes, steps=1_000)

    def interrupt(self, codes: list[str]) -> None:
        """Run an export while clients change. It fails after a few steps, unless it has ended by then."""
        job = self._start_job()
        self._run_while_clients_change(job, codes, steps=3)
        if not stored(self.services, job).status.is_terminal:
            end_job(self.services, job, "Failed")

    def resume(self, _: None) -> None:
        """A caller resumes the last job, if it can be resumed, and the job completes."""
        for job in self.jobs[-1:]:
            with suppress(RefusedError):
                resumed = asyncio.run(resume_export(self.services, RecordingStarter(), job.tenant, job.code, "me"))
                complete_job(self.services, resumed)
                fire_timer(self.services)

    def download(self, back: int) -> None:
        """The reader downloads the file of the last job (1), of the one before (2), and so on."""
        for job in self.jobs[-back:][:1]:
            self.reader.download(job)

    def rename(self, _: None) -> None:
        update_schedule(self.services, self.schedule, name=f"Renamed {self.services.now()}")

    def _start_job(self) -> Job:
        self.pass_time(1)  # no two slots fall on the same moment
        self.jobs.append(run_due_slot(self.services, self.schedule.ref))
        return self.jobs[-1]

    def _run_while_clients_change(self, job: Job, codes: list[str], steps: int) -> None:
        """Run a job while clients change between its steps. Reading takes longer than the margin.

        Args:
            codes: The clients that change between every two steps.
            steps: After so many steps the export is interrupted.
        """
        left = iter(range(steps))

        def meanwhile() -> None:
            for code in codes:
                self.commit(code)
                self.stamp(code)
            self.pass_time(200)
            if next(left, None) is None:
                raise InterruptedExportError

        with suppress(InterruptedExportError):
            complete_job(self.services, job, meanwhile)


CODES = st.sampled_from([f"C{number:04d}" for number in range(1, 9)])
SOME_CODES = st.lists(CODES, max_size=3)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("stamp"), CODES),
        st.tuples(st.just("commit"), CODES),
        st.tuples(st.just("pass_time"), st.integers(0, 900)),
        st.tuples(st.just("run"), st.sampled_from(["Completed", "Completed", "Failed", "Cancelled"])),
        st.tuples(st.sampled_from(["run_slowly", "interrupt"]), SOME_CODES),
        st.tuples(st.just("download"), st.sampled_from([1, 1, 1, 2, 3])),
        st.tuples(st.sampled_from(["rename", "resume"]), st.none()),
    ),
    max_size=40,
)
END = [("pass_time", 600), ("run", "Completed"), ("download", 1)]


@given(EVENTS)
def test_no_change_is_lost_despite_late_commits_failures_and_missed_downloads(
    events: list[tuple[str, Any]],
) -> None:
    scenario = Scenario()
    for event, value in [*events, *END]:
        getattr(scenario, event)(value)
    assert scenario.writer.names().items() <= scenario.reader.names().items()


@pytest.mark.parametrize(("margin", "is_found"), [(300, True), (60, True), (59, False), (0, False)])
def test_late_commits_are_found_only_within_the_margin(margin: int, is_found: bool) -> None:
    services, schedule = an_incremental_schedule(margin)
    writer, reader = Writer(services), Reader(services)

    def run() -> None:
        job = run_due_slot(services, schedule.ref)
        end_job(services, job, "Completed")
        reader.download(job)

    run()
    writer.stamp("C0003")
    writer.pass_time(60)
    run()
    writer.commit("C0003")
    writer.pass_time(1)
    run()
    assert (reader.names()["C0003"] == "Name 1") is is_found


def rows_of_next_run(services: MemoryServices, schedule: Schedule, outcome: str = "Completed") -> int:
    """Let an hour pass and run the export; return the number of clients in its file, or -1 if there is no file."""
    services.now.advance(hours=1)
    job = run_due_slot(services, schedule.ref)
    end_job(services, job, outcome)
    return len(download_records(services, job) or ()) if outcome == "Completed" else -1


def test_a_run_exports_only_clients_changed_since_the_last_successful_run() -> None:
    services, schedule = an_incremental_schedule()
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


def test_a_full_schedule_exports_all_clients_every_time() -> None:
    services, schedule = an_incremental_schedule(incremental=False)
    assert [rows_of_next_run(services, schedule) for _ in range(3)] == [6, 6, 6]


def test_changes_in_a_file_that_was_not_downloaded_are_in_the_next_file() -> None:
    services, schedule = an_incremental_schedule()
    writer = Writer(services)
    assert rows_of_next_run(services, schedule) == 6
    for code in ("C0001", "C0002", "C0003"):
        writer.stamp(code)
        writer.commit(code)
        services.now.advance(hours=1)
        end_job(services, run_due_slot(services, schedule.ref), "Completed")
    assert rows_of_next_run(services, schedule) == 3
    assert rows_of_next_run(services, schedule) == 0


def test_a_schedule_stops_waiting_for_a_download_once_the_file_expires() -> None:
    services, schedule = an_incremental_schedule()
    end_job(services, run_due_slot(services, schedule.ref), "Completed")
    for _ in range(5):
        services.now.advance(minutes=14)
        fire_timer(services)
    state = stored_schedule(services, schedule.ref).state
    assert (state.open, state.check_date, state.watermark) == (False, None, None)


def update_schedule(services: MemoryServices, schedule: Schedule, **changes: Any) -> None:
    content = schedule.content.model_copy(update=changes)
    services.schedules.change(schedule.tenant, schedule.code, lambda now: now.update(content, services.now()))


def changed_request(schedule: Schedule, **changes: Any) -> CsvExportRequestDto:
    return schedule.content.request.model_copy(update=changes)


def columns_of(schedule: Schedule) -> tuple[ColumnMapping, ...]:
    return schedule.content.request.column_mappings or ()


def test_changing_the_request_exports_all_clients_again() -> None:
    services, schedule = an_incremental_schedule()
    assert rows_of_next_run(services, schedule) == 6
    update_schedule(services, schedule, name="Renamed", cron="0 9 * * *")
    assert rows_of_next_run(services, schedule) == 0
    update_schedule(services, schedule, request=changed_request(schedule, column_mappings=columns_of(schedule)[:1]))
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]


def test_a_job_running_while_the_request_changes_sets_no_watermark() -> None:
    services, schedule = an_incremental_schedule()
    services.now.advance(hours=1)
    job = run_due_slot(services, schedule.ref)
    update_schedule(
        services,
        schedule,
        request=changed_request(schedule, filter=ClientFilter(updated_since=NOON - timedelta(days=30))),
    )
    end_job(services, job, "Completed")
    assert rows_of_next_run(services, schedule) == 6


def test_changing_the_columns_of_the_mapping_exports_all_clients_again() -> None:
    services, schedule = an_incremental_schedule()
    mapping = a_mapping(tenant=schedule.tenant)
    services.mappings.create(mapping)
    update_schedule(
        services, schedule, request=changed_request(schedule, column_mappings=None, mapping_code=mapping.code)
    )
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]

    def add_a_column(found: SavedMapping) -> SavedMapping:
        return replace(found, content=found.content.model_copy(update={"columns": columns_of(schedule)}))

    services.mappings.change(mapping.tenant, mapping.code, add_a_column)
    assert [rows_of_next_run(services, schedule) for _ in range(2)] == [6, 0]


def test_the_watermark_moves_soon_after_the_job_ends() -> None:
    services, schedule = an_incremental_schedule()
    job = run_due_slot(services, schedule.ref)
    end_job(services, job, "Completed")
    download_records(services, job)
    services.now.advance(minutes=1)
    fire_timer(services)
    state = stored_schedule(services, schedule.ref).state
    assert (state.watermark, state.open, state.check_date) == (NOON, False, None)
