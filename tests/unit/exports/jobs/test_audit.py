"""Audit entries: they record the actor, the action, columns and filters, and hold no client data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from exports.jobs.audit import AuditAction, AuditEntry, audit_entry
from exports.jobs.job import Job
from exports.request.columns import ColumnMapping
from exports.request.fields import ClientStatus
from exports.request.filters import ClientFilter
from tests.support.builders import NOON, a_job, a_spec
from tests.support.steps import two_columns


def _entry(job: Job, action: AuditAction = AuditAction.STARTED) -> AuditEntry:
    return audit_entry(action, "me", job, NOON)


@pytest.mark.parametrize("action", AuditAction)
def test_an_entry_records_the_actor_the_action_the_job_and_the_moment(action: AuditAction) -> None:
    job = a_job()
    entry = _entry(job, action)
    assert (entry.tenant, entry.code, entry.actor, entry.action, entry.moment) == (
        job.tenant,
        job.code,
        "me",
        action,
        NOON,
    )


def test_an_entry_lists_fields_in_column_order_without_the_callers_headers() -> None:
    columns = tuple(
        ColumnMapping(csv_header=f"Our {column.target_field}", target_field=column.target_field)
        for column in two_columns().columns[::-1]
    )
    entry = _entry(a_job(spec=a_spec(columns=columns)))
    assert entry.fields == ("Name", "Code")
    assert "Our" not in entry.model_dump_json()


def test_an_entry_shows_the_filter_as_in_a_request_without_defaults() -> None:
    filter_ = ClientFilter(manager_codes=("M1",), statuses=(ClientStatus.ACTIVE,), updated_since=NOON)
    assert _entry(a_job(spec=a_spec(filter=filter_))).filter == {
        "managerCodes": ["M1"],
        "statuses": ["Active"],
        "updatedSince": "2026-01-31T12:00:00.000Z",
    }
    assert _entry(a_job()).filter == {}


def test_an_entry_of_an_export_since_another_shows_what_was_given_and_what_follows() -> None:
    filter_ = ClientFilter(statuses=(ClientStatus.ACTIVE,), updated_since=NOON)
    entry = _entry(a_job(spec=a_spec(filter=filter_, since="exp_1")))
    shown = json.loads(entry.model_dump_json(by_alias=True))
    assert shown["filter"] == {"statuses": ["Active"]}
    assert (shown["since"], shown["changedSince"]) == ("exp_1", "2026-01-31T12:00:00.000Z")
    assert AuditEntry.model_validate(shown) == entry


def test_an_entry_without_since_names_no_moment_that_follows_from_it() -> None:
    entry = _entry(a_job(spec=a_spec(filter=ClientFilter(updated_since=NOON))))
    assert not {"since", "changedSince"} & json.loads(entry.model_dump_json(by_alias=True)).keys()


@pytest.mark.parametrize("search", ["Ada Lovelace", "x", " "])
def test_an_entry_hides_the_search_text(search: str) -> None:
    entry = _entry(a_job(spec=a_spec(filter=ClientFilter(search=search))))
    assert entry.filter == {"search": "(given)"}


def test_an_entry_has_rows_and_bytes_when_they_are_known() -> None:
    assert (_entry(a_job()).rows, _entry(a_job()).bytes) == (None, None)
    completed = a_job().begin(NOON).complete(NOON, 10, 2_000, timedelta(hours=1))
    assert (_entry(completed).rows, _entry(completed).bytes) == (10, 2_000)


def test_an_entry_is_written_in_utc_and_read_back_unchanged() -> None:
    moment = datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    entry = audit_entry(AuditAction.STARTED, "me", a_job(), moment)
    text = entry.model_dump_json(by_alias=True)
    assert json.loads(text)["moment"] == "2026-01-31T23:00:00.000Z"
    assert AuditEntry.model_validate_json(text) == entry
    assert AuditEntry.model_validate_json(text).moment.tzinfo == UTC
