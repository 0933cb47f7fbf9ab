"""A real view that gains or loses columns between an export and the changes since: no reader's file mixes both."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.jobs.job import Job
from exports.ports.clients import ClientSource
from exports.request.body import CsvExportRequestDto
from exports.request.fields import VIEW_COLUMNS
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.requests.request_export import ExportCommand, request_export
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.steps.snapshots.export_snapshot import export_snapshot
from exports.workflow.commands import ExportSnapshot, PlanOrExport, PlanPages
from tests.contract.client_stores import TENANT, SqlStore, client
from tests.support.builders import a_schedule
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.schedule_runs import complete_job, download_records, end_job, run_due_slot
from tests.support.steps import stored

COLUMNS = [{"csvHeader": field, "targetField": field} for field in ("Code", "Website")]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BYTES = 1_000_000


@pytest.fixture
def services(sqlite_store: SqlStore) -> MemoryServices:
    """Services in memory, but with a real database: three clients with a website, which the view does not show."""
    sqlite_store.put(*(client(f"C{n}", website="www.example.com", updated_at=LONG_AGO) for n in range(3)))
    leave_out(sqlite_store, "website")
    return replace(a_services(), clients=cast("Any", sqlite_store.source))


def leave_out(store: SqlStore, *columns: str) -> None:
    names = ", ".join(name for name in VIEW_COLUMNS if name not in columns)
    store.replace_view(f"SELECT {names} FROM client_records")


def request(services: MemoryServices, **body: Any) -> Job:
    wanted = CsvExportRequestDto.model_validate({"columnMappings": COLUMNS, **body})
    command = ExportCommand(TENANT, "me", wanted, SensitiveFields.ALLOWED)
    return asyncio.run(request_export(services, RecordingStarter(), command))


def faults(services: MemoryServices, **body: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSpecError) as caught:
        request(services, **body)
    return [(fault.pointer, fault.detail) for fault in caught.value.faults]


def export_at_once(services: MemoryServices, job: Job) -> None:
    plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=BYTES))


def export_by_pages(services: MemoryServices, job: Job) -> None:
    complete_job(services, job)


def export_in_a_snapshot(services: MemoryServices, job: Job) -> None:
    export_snapshot(services, ExportSnapshot(job=job.ref, target_bytes=BYTES))


@pytest.mark.parametrize("export", [export_at_once, export_by_pages, export_in_a_snapshot])
@pytest.mark.parametrize(("before", "after"), [(("website",), ()), ((), ("website",))], ids=["gained", "lost"])
def test_since_an_export_whose_view_had_other_columns_is_refused_with_their_names(
    services: MemoryServices, sqlite_store: SqlStore, before: tuple[str, ...], after: tuple[str, ...], export: Any
) -> None:
    leave_out(sqlite_store, *before)
    body = {"consistency": "snapshot"} if export is export_in_a_snapshot else {}
    export(services, base := request(services, **body))
    assert stored(services, base).absent_columns == before
    assert request(services, since=base.code).spec.since == base.code

    leave_out(sqlite_store, *after)

    ((pointer, detail),) = faults(services, since=base.code)
    assert (pointer, "gained or lost website" in detail, "export all clients" in detail) == ("/since", True, True)


def test_a_column_that_no_file_has_may_come_and_go(services: MemoryServices, sqlite_store: SqlStore) -> None:
    export_at_once(services, base := request(services))
    leave_out(sqlite_store, "website", "email")
    assert request(services, since=base.code).spec.since == base.code


def test_a_column_gained_before_the_changes_are_planned_fails_them(
    services: MemoryServices, sqlite_store: SqlStore
) -> None:
    export_at_once(services, base := request(services))
    changes = request(services, since=base.code)

    leave_out(sqlite_store)

    with pytest.raises(SourceMismatchError, match="gained or lost website"):
        plan_pages(services, PlanPages(job=changes.ref, target_bytes=BYTES))


def test_a_database_that_does_not_answer_leaves_the_decision_to_the_plan(
    services: MemoryServices, sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_at_once(services, base := request(services))
    leave_out(sqlite_store)

    def no_answer(_seconds: float) -> ClientSource:
        raise SourceUnavailableError("No answer.")

    with monkeypatch.context() as patched:
        patched.setattr(services.clients, "limited", no_answer)
        changes = request(services, since=base.code)

    with pytest.raises(SourceMismatchError, match="gained or lost website"):
        plan_pages(services, PlanPages(job=changes.ref, target_bytes=BYTES))


def test_an_incremental_schedule_exports_all_clients_again_once_the_view_has_changed(
    services: MemoryServices, sqlite_store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = a_schedule(tenant=TENANT, incremental=True, request={"columnMappings": COLUMNS})
    services.schedules.create(schedule)

    caplog.set_level(logging.INFO)

    def websites() -> list[str]:
        services.now.advance(hours=1)
        job = run_due_slot(services, schedule.ref)
        complete_job(services, job)
        return [row["Website"] for row in download_records(services, job) or ()]

    assert [websites(), websites()] == [[""] * 3, []]
    assert "schedule.restarted" not in caplog.text

    leave_out(sqlite_store)

    assert [websites(), websites()] == [["www.example.com"] * 3, []]
    leave_out(sqlite_store, "website")
    assert [websites(), websites()] == [[""] * 3, []]
    assert caplog.text.count("event=schedule.restarted") == 2
    assert "columns=website" in caplog.text


def test_a_scheduled_run_planned_after_a_change_of_the_view_fails_the_next_is_whole(
    services: MemoryServices, sqlite_store: SqlStore
) -> None:
    schedule = a_schedule(tenant=TENANT, incremental=True, request={"columnMappings": COLUMNS})
    services.schedules.create(schedule)
    complete_job(services, job := run_due_slot(services, schedule.ref))
    download_records(services, job)
    services.now.moment += timedelta(hours=1)
    changes = run_due_slot(services, schedule.ref)

    leave_out(sqlite_store)

    with pytest.raises(SourceMismatchError, match="gained or lost website"):
        plan_pages(services, PlanPages(job=changes.ref, target_bytes=BYTES))
    end_job(services, changes, "Failed")
    services.now.moment += timedelta(hours=1)
    complete_job(services, whole := run_due_slot(services, schedule.ref))
    assert [row["Website"] for row in download_records(services, whole) or ()] == ["www.example.com"] * 3
