"""An export since another one: which clients it holds, and which exports it may start from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from exports.jobs.codes import new_job_code
from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.request.body import CsvExportRequestDto
from exports.request.spec import ExportSpec, InvalidSpecError, SensitiveFields
from exports.steps.requests.resolve_spec import resolve_spec
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services

TENANT = "northwind"
MARGIN = timedelta(seconds=300)
COLUMNS = [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Client", "targetField": "Name"}]
ACTIVE = {"statuses": ["Active"]}


def resolve(services: MemoryServices, tenant: str = TENANT, **body: Any) -> ExportSpec:
    request = CsvExportRequestDto.model_validate({"columnMappings": COLUMNS, **body})
    return resolve_spec(services, tenant, request, SensitiveFields.ALLOWED)


def faults(services: MemoryServices, tenant: str = TENANT, **body: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSpecError) as caught:
        resolve(services, tenant, **body)
    return [(fault.pointer, fault.detail) for fault in caught.value.faults]


def export(services: MemoryServices, end: str = "complete", created: datetime = NOON, **body: Any) -> str:
    """Store a job that has ended so, and return its code."""
    job = Job(TENANT, new_job_code(created), resolve(services, **body), "clients.csv", created)
    later = created + timedelta(hours=1)
    if end != "queued":
        job = job.begin(later)
    if end == "complete":
        job = job.complete(later, 1, 10, timedelta(hours=1))
    if end == "fail":
        job = job.fail(later, INTERRUPTED)
    if end == "cancel":
        job = job.cancel(later)
    services.jobs.create(job)
    return job.code


def test_an_export_since_another_begins_where_that_was_created_less_the_margin() -> None:
    services = a_services()
    code = export(services, filter=ACTIVE)

    spec = resolve(services, filter=ACTIVE, since=code)

    assert (spec.filter.updated_since, spec.since) == (NOON - MARGIN, code)
    assert spec.filter.model_copy(update={"updated_since": None}) == resolve(services, filter=ACTIVE).filter


def test_an_export_since_one_that_ended_with_an_earlier_moment_begins_there() -> None:
    services = a_services()
    until = NOON - timedelta(days=30)
    code = export(services, filter={"updatedUntil": until.isoformat()})
    assert resolve(services, since=code).filter.updated_since == until - MARGIN


@pytest.mark.parametrize("offset", ["+00:00", "+14:00", "-14:00"])
def test_an_export_never_begins_before_the_first_moment_of_a_filter(offset: str) -> None:
    services = a_services()
    spec = resolve(services, since=export(services, filter={"updatedUntil": f"0002-01-01T00:00:00{offset}"}))
    assert ExportSpec.model_validate_json(spec.model_dump_json(by_alias=True)) == spec


def test_exports_since_each_other_form_a_chain() -> None:
    services = a_services()
    first = export(services)
    second = export(services, created=NOON + timedelta(days=1), since=first)
    assert resolve(services, since=second).filter.updated_since == NOON + timedelta(days=1) - MARGIN


def test_another_format_and_a_file_that_is_gone_do_not_matter() -> None:
    services = a_services()
    code = export(services)
    services.now.moment = NOON + timedelta(days=3)
    assert resolve(services, since=code, format={"preset": "xlsx"}).since == code


@pytest.mark.parametrize("code", ["x", "7ybqttn9kg0pf1x6vfw644k23d", "a'b/c#d"])
def test_an_unknown_export_is_pointed_at(code: str) -> None:
    ((pointer, detail),) = faults(a_services(), since=code)
    assert (pointer, detail.startswith("There is no export with this code.")) == ("/since", True)


def test_an_export_of_another_tenant_is_as_unknown_as_one_that_never_was() -> None:
    services = a_services()
    code = export(services)
    assert faults(services, "harbour", since=code) == faults(services, since="x")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("queued", "still running. Wait for its end"),
        ("begin", "still running. Wait for its end"),
        ("fail", "is Failed, so it has no file. Resume it"),
        ("cancel", "is Cancelled, so it has no file. Resume it"),
    ],
)
def test_an_export_that_is_not_completed_is_refused_with_what_to_do(end: str, words: str) -> None:
    services = a_services()
    ((pointer, detail),) = faults(services, since=export(services, end))
    assert pointer == "/since"
    assert words in detail


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"columnMappings": COLUMNS[:1]}, "other columns"),
        ({"columnMappings": COLUMNS[::-1]}, "other columns"),
        ({"columnMappings": [COLUMNS[0], {**COLUMNS[1], "csvHeader": "Name"}]}, "other columns"),
        ({"filter": ACTIVE}, "another filter"),
        ({"filter": {"search": "x"}}, "another filter"),
    ],
)
def test_an_export_of_other_columns_or_clients_is_refused(other: dict[str, Any], words: str) -> None:
    services = a_services()
    ((pointer, detail),) = faults(services, since=export(services, **other))
    assert pointer == "/since"
    assert words in detail


def test_since_beside_updated_since_is_refused() -> None:
    services = a_services()
    ((pointer, detail),) = faults(services, since=export(services), filter={"updatedSince": NOON.isoformat()})
    assert (pointer, "not both" in detail) == ("/since", True)


def test_an_end_before_the_export_that_since_names_is_refused() -> None:
    services = a_services()
    code = export(services)
    ((pointer, _),) = faults(services, since=code, filter={"updatedUntil": (NOON - MARGIN).isoformat()})
    assert pointer == "/filter/updatedUntil"
    until = NOON - MARGIN + timedelta(milliseconds=1)
    assert resolve(services, since=code, filter={"updatedUntil": until.isoformat()}).filter.updated_until == until


def test_every_fault_of_a_request_is_named_beside_that_of_since() -> None:
    notify = {"webhookUrl": "https://hooks.example/x"}
    assert [found for found, _ in faults(a_services(), since="x", notify=notify)] == ["/since", "/notify/webhookUrl"]


def test_since_is_looked_at_only_if_columns_format_and_filter_have_no_fault() -> None:
    services, until = a_services(), {"updatedSince": NOON.isoformat(), "updatedUntil": NOON.isoformat()}
    wrong: dict[str, dict[str, Any]] = {
        "/format/compression": {"format": {"preset": "xlsx", "compression": "gzip"}},
        "/filter/updatedUntil": {"filter": until},
        "/mappingCode": {"mappingCode": "x", "columnMappings": None},
    }
    for place, body in wrong.items():
        assert [found for found, _ in faults(services, since="x", **body)] == [place]
