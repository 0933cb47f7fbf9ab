"""A request for a snapshot: refused where there is none, estimated as what it costs, started as a run of its kind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from exports.jobs.states import JobStatus
from exports.ports.clients import SnapshotReading
from exports.request.body import CsvExportRequestDto
from exports.request.consistency import Consistency
from exports.request.estimate import WarningCode
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.steps.orchestrations import start_orchestration
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.resolve_spec import resolve_spec
from tests.support.builders import NOON
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, some_clients, two_columns

SNAPSHOT = CsvExportRequestDto(consistency=Consistency.SNAPSHOT)
SPEC = two_columns(consistency=Consistency.SNAPSHOT)


def resolve(services: MemoryServices, request: CsvExportRequestDto) -> Consistency | None:
    return resolve_spec(services, TENANT, request, SensitiveFields.ALLOWED).consistency


def test_a_source_without_snapshots_refuses_the_request_with_its_reason() -> None:
    services = a_services()
    services.clients.refusal = "There is none."
    with pytest.raises(InvalidSpecError) as refused:
        resolve(services, SNAPSHOT)
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [("/consistency", "There is none.")]
    assert resolve(services, CsvExportRequestDto()) is None


def test_the_default_may_be_named_and_changes_nothing() -> None:
    assert resolve(a_services(), CsvExportRequestDto(consistency=Consistency.PAGES)) is None
    assert resolve(a_services(), SNAPSHOT) is Consistency.SNAPSHOT


@pytest.mark.parametrize(
    ("rate", "warning"), [(10**7, WarningCode.SNAPSHOT_IS_SLOWER), (10, WarningCode.SNAPSHOT_TOO_LONG)]
)
def test_an_estimate_warns_of_what_a_snapshot_costs(rate: int, warning: WarningCode) -> None:
    services = a_services(some_clients(1_000), EXPORT_BYTES_PER_SECOND=rate)
    assert [each.code for each in estimate_export(services, TENANT, SPEC).warnings] == [warning]
    assert estimate_export(services, TENANT, two_columns()).warnings == ()


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (SnapshotReading(readers=3), "One process alone reads a snapshot."),
        (SnapshotReading(readers=1), "one page after another."),
        (
            SnapshotReading(readers=1, copied_bytes=3 * 10**9),
            "a copy of the database file, which may take 20",
        ),
    ],
    ids=["several readers", "one reader", "copied"],
)
def test_an_estimate_knows_how_the_source_reads_a_snapshot(reading: SnapshotReading, said: str) -> None:
    services = a_services(some_clients(1_000), EXPORT_BYTES_PER_SECOND=1_000)
    services.clients.reading = reading
    snapshot, ordinary = (estimate_export(services, TENANT, spec) for spec in (SPEC, two_columns()))
    (warning,) = snapshot.warnings
    assert said in warning.message
    assert snapshot.seconds > ordinary.seconds * 1.1 + reading.copied_bytes / 10**9
    assert (snapshot.rows, snapshot.bytes) == (ordinary.rows, ordinary.bytes)


def test_fewer_readers_take_longer() -> None:
    services = a_services(some_clients(1_000), EXPORT_BYTES_PER_SECOND=1_000)
    seconds = []
    for readers in (3, 1):
        services.clients.reading = SnapshotReading(readers)
        seconds.append(estimate_export(services, TENANT, SPEC).seconds)
    assert seconds[0] < seconds[1]


@pytest.mark.parametrize(("seconds", "warnings"), [(1, []), (1_000, [WarningCode.SNAPSHOT_TOO_LONG])])
def test_an_estimate_judges_a_snapshot_by_recent_ones(seconds: int, warnings: list[WarningCode]) -> None:
    services = a_services(some_clients(1_000))
    ended = {"status": JobStatus.COMPLETED, "settled_items": 1_000, "total_items": 1_000, "started_date": NOON}
    a_stored_job(services, spec=SPEC, completed_date=NOON + timedelta(seconds=seconds), **ended)
    assert [each.code for each in estimate_export(services, TENANT, SPEC).warnings] == warnings


@pytest.mark.parametrize(("spec", "is_snapshot"), [(SPEC, True), (two_columns(), None)])
def test_only_the_run_of_a_snapshot_says_that_it_is_one(spec: object, is_snapshot: bool | None) -> None:
    services, starter = a_services(), RecordingStarter()
    asyncio.run(start_orchestration(services, starter, a_stored_job(services, spec=spec)))
    assert starter.started[0][2].get("snapshot") == is_snapshot
