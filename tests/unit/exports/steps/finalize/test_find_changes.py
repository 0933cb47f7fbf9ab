"""An export since another one: its file and its manifest bring the file of the other export up to date."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.errors import SourceMismatchError, SourceUnavailableError, TooManyRemovedError
from exports.file.manifest import ManifestChanges, ManifestDto
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.body import CsvExportRequestDto
from exports.request.spec import SensitiveFields
from exports.steps.finalize import find_changes as step
from exports.steps.requests.make_job import make_job
from exports.steps.requests.resolve_spec import resolve_spec
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import stored
from tests.support.whole_jobs import export_whole

TENANT = "northwind"
DAY = timedelta(days=1)
COLUMNS = [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Client", "targetField": "Name"}]
ACTIVE = {"statuses": ["Active"]}


def services_of(*codes: str, **columns: Any) -> MemoryServices:
    """Return services whose clients last changed long ago, and of which none was deleted."""
    services = a_services(EXPORT_MAX_JOBS_PER_DAY=10_000)
    moment = services.now() - 9 * DAY
    services.clients.clients = [
        {"tenant": TENANT, "code": code, "name": f"Name of {code}", "status": "Active", "updated_at": moment, **columns}
        for code in codes
    ]
    services.clients.deletions = []
    return services


def export(services: MemoryServices, *, small_at_once: bool | None = True, **body: Any) -> Job:
    """Run an export to its end."""
    job = queue(services, **body)
    export_whole(services, job, small_at_once=small_at_once)
    return stored(services, job)


def queue(services: MemoryServices, **body: Any) -> Job:
    """Store the job of an export, none of whose steps have run."""
    request = CsvExportRequestDto.model_validate({"columnMappings": COLUMNS, **body})
    spec = resolve_spec(services, TENANT, request, SensitiveFields.ALLOWED)
    job = make_job(TENANT, spec, new_job_code(services.now()), services.now())
    services.jobs.create(job)
    return job


def rows_of(services: MemoryServices, job: Job) -> dict[str, str]:
    content = (services.files.read(job.file_path) or b"").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))[1:]
    found = {row[0]: row[1] for row in rows}
    assert len(found) == len(rows)
    return found


def changes_in(services: MemoryServices, job: Job) -> ManifestChanges | None:
    return ManifestDto.model_validate_json(services.files.load_manifest(job.ref)).changes


def change(services: MemoryServices, code: str, **columns: Any) -> None:
    """Change a client now, or make it if there is none."""
    found = next((client for client in services.clients.clients if client["code"] == code), {"code": code})
    others = [client for client in services.clients.clients if client["code"] != code]
    new = {"tenant": TENANT, "status": "Active", **found, **columns, "updated_at": services.now()}
    services.clients.clients = [*others, new]


def delete(services: MemoryServices, code: str) -> None:
    services.clients.clients = [client for client in services.clients.clients if client["code"] != code]
    assert services.clients.deletions is not None
    services.clients.deletions.append({"tenant": TENANT, "code": code, "deleted_at": services.now()})


def applied(services: MemoryServices, before: dict[str, str], job: Job) -> dict[str, str]:
    """Bring the rows of a file up to date, as the documentation says it."""
    changes = changes_in(services, job)
    assert changes is not None
    gone = {*(changes.deleted_codes or ()), *changes.left_codes}
    return {code: name for code, name in (before | rows_of(services, job)).items() if code not in gone}


@pytest.mark.parametrize("small_at_once", [True, False])
def test_an_export_since_another_has_changes_and_names_what_was_removed(small_at_once: bool) -> None:
    services = services_of("A", "B", "C", "D")
    first = export(services, filter=ACTIVE)
    services.now.moment += DAY
    change(services, "A", name="New name")
    change(services, "B", status="Inactive")
    delete(services, "C")

    second = export(services, filter=ACTIVE, since=first.code, small_at_once=small_at_once)

    assert second.status is JobStatus.COMPLETED
    assert rows_of(services, second) == {"A": "New name"}
    assert changes_in(services, second) == ManifestChanges(since=first.code, deleted_codes=("C",), left_codes=("B",))
    assert applied(services, rows_of(services, first), second) == {"A": "New name", "D": "Name of D"}


@pytest.mark.parametrize(
    ("seconds", "names"), [(0, ["plan_or_export"]), (3, ["plan_or_export", "write_page", "commit_file"])]
)
def test_after_a_slow_page_another_step_searches_removals_and_reads_nothing_again(
    seconds: int, names: list[str]
) -> None:
    services = services_of("A", "B", "C")
    first = export(services)
    services.now.moment += DAY
    change(services, "A", name="New name")
    delete(services, "B")
    services.clients.take_time = lambda _rows: services.now.advance(seconds=seconds)
    reads, job = services.clients.reads, queue(services, since=first.code)
    assert export_whole(services, job).names() == names
    assert services.clients.reads - reads == 2  # a sample and the page
    assert stored(services, job).status is JobStatus.COMPLETED
    assert rows_of(services, job) == {"A": "New name"}
    assert changes_in(services, job) == ManifestChanges(since=first.code, deleted_codes=("B",), left_codes=())


def test_the_manifest_says_nothing_of_removals_unless_the_request_names_a_start() -> None:
    services = services_of("A")
    moment = services.now().isoformat()
    document = services.files.load_manifest(export(services, filter={"updatedSince": moment}).ref)
    assert b'"changes"' not in document


def test_a_source_without_a_view_of_deleted_clients_says_that_it_cannot_tell() -> None:
    services = services_of("A", "B")
    services.clients.deletions = None
    first = export(services)
    services.now.moment += DAY
    second = export(services, since=first.code)
    assert changes_in(services, second) == ManifestChanges(since=first.code, deleted_codes=None, left_codes=())
    assert b'"deletedCodes":null' in services.files.load_manifest(second.ref)


@pytest.mark.parametrize("small_at_once", [True, False])
def test_a_job_that_cannot_list_all_removed_clients_fails_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, small_at_once: bool
) -> None:
    monkeypatch.setattr(step, "MAX_REMOVED_CODES", 1)
    services = services_of("A", "B", "C")
    first = export(services)
    services.now.moment += DAY
    delete(services, "A")
    assert export(services, since=first.code).status is JobStatus.COMPLETED
    delete(services, "B")

    failed = export(services, since=first.code, small_at_once=small_at_once)

    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.resumable) == ("too-many-removed", False)
    assert "Start an export of all clients, without since." in failed.failure.message
    assert services.files.read(failed.file_path) is None
    assert TooManyRemovedError.code == failed.failure.code


def test_a_source_that_does_not_answer_about_removals_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    services = services_of("A", "B")
    first = export(services)
    services.now.moment += DAY
    delete(services, "B")
    ask, tries = services.clients.removed_codes, 0

    def ask_twice(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise SourceUnavailableError("The client database did not answer.")
        return ask(*args)

    monkeypatch.setattr(services.clients, "removed_codes", ask_twice)
    second = export(services, since=first.code)
    assert (second.status, tries) == (JobStatus.COMPLETED, 2)
    assert changes_in(services, second) == ManifestChanges(since=first.code, deleted_codes=("B",), left_codes=())


def test_a_view_of_deleted_clients_that_cannot_be_used_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    services = services_of("A")
    first = export(services)

    def refuse(*_args: Any) -> Any:
        raise SourceMismatchError("The view deleted_clients of deleted clients lacks code.")

    monkeypatch.setattr(services.clients, "removed_codes", refuse)
    failed = export(services, since=first.code)
    assert failed.failure is not None
    assert failed.failure.code == "source-mismatch"
    assert services.files.read(failed.file_path) is None


@pytest.mark.parametrize(("margin_seconds", "is_found"), [(90_000, True), (86_400, False)])
def test_a_change_that_arrives_late_is_found_within_the_margin_only(margin_seconds: int, is_found: bool) -> None:
    services = services_of("A", "B")
    settings = services.settings.model_copy(update={"incremental_margin_seconds": margin_seconds})
    services = replace(services, settings=settings)
    stamped = services.now() - timedelta(hours=24, minutes=15)
    first = export(services)
    services.now.moment += timedelta(minutes=10)
    services.clients.clients[0] |= {"name": "From the next dump", "updated_at": stamped}

    second = export(services, since=first.code)

    assert rows_of(services, second) == ({"A": "From the next dump"} if is_found else {})


@pytest.mark.parametrize("most", [step.MAX_REMOVED_CODES, 0], ids=["few removed", "too many removed"])
@pytest.mark.parametrize("small_at_once", [True, False])
def test_a_source_replaced_before_it_names_removals_fails_the_job_until_a_resume(
    monkeypatch: pytest.MonkeyPatch, small_at_once: bool, most: int
) -> None:
    services = services_of("A", "B", "C")
    services.clients.data_generation = "the first file"
    first = export(services)
    services.now.moment += DAY
    delete(services, "B")
    ask = services.clients.removed_codes

    def replace_and_ask(*args: Any) -> Any:
        services.clients.data_generation = "the second file"
        return ask(*args)

    monkeypatch.setattr(services.clients, "removed_codes", replace_and_ask)
    monkeypatch.setattr(step, "MAX_REMOVED_CODES", most)
    failed = export(services, since=first.code, small_at_once=small_at_once)

    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.resumable) == ("source-replaced", True)
    assert services.files.read(failed.file_path) is None


CODES = st.sampled_from("ABCDEF")
STEPS = st.one_of(
    st.tuples(st.just("rename"), CODES, st.text("xyz", max_size=2)),
    st.tuples(st.just("status"), CODES, st.sampled_from(["Active", "Inactive"])),
    st.tuples(st.just("delete"), CODES, st.just("")),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 900)),
    st.tuples(st.just("export"), st.just(""), st.just("")),
)


def take(services: MemoryServices, step_: tuple[str, str, Any]) -> None:
    kind, code, value = step_
    if kind == "wait":
        services.now.moment += timedelta(seconds=value)
    elif kind == "rename":
        change(services, code, name=value)
    elif kind == "status":
        change(services, code, status=value)
    elif kind == "delete" and any(client["code"] == code for client in services.clients.clients):
        delete(services, code)


@given(st.lists(STEPS, max_size=25), st.sampled_from([{}, ACTIVE, {"search": "x"}]))
def test_changes_applied_to_a_file_give_the_next_full_file_exactly(
    steps: list[tuple[str, str, Any]], wanted: dict[str, Any]
) -> None:
    services = services_of("A", "B", "C", name="x")
    last = export(services, filter=wanted)
    rows = rows_of(services, last)
    for taken in [*steps, ("export", "", "")]:
        take(services, taken)
        if taken[0] == "export":
            last = export(services, filter=wanted, since=last.code)
            rows = applied(services, rows, last)
            assert rows == rows_of(services, export(services, filter=wanted))
