"""Audit entries: who did what with which columns and filters, and no client data."""

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
def test_an_entry_says_who_did_what_with_which_job_and_when(action: AuditAction) -> None:
    job = a_job()
    entry = _entry(job, action)
    assert (entry.tenant, entry.code, entry.actor, entry.action, entry.moment) == (
        job.tenant,
        job.code,
        "me",
        action,
        NOON,
    )


def test_an_entry_names_the_fields_in_column_order_and_no_header_of_the_callers() -> None:
    columns = tuple(
        ColumnMapping(csv_header=f"Our {column.target_field}", target_field=column.target_field)
        for column in two_columns().columns[::-1]
    )
    entry = _entry(a_job(spec=a_spec(columns=columns)))
    assert entry.fields == ("Name", "Code")
    assert "Our" not in entry.model_dump_json()


def test_the_filter_is_shown_as_in_a_request_without_what_was_not_given() -> None:
    wanted = ClientFilter(manager_codes=("M1",), statuses=(ClientStatus.ACTIVE,), updated_since=NOON)
    assert _entry(a_job(spec=a_spec(filter=wanted))).filter == {
        "managerCodes": ["M1"],
        "statuses": ["Active"],
        "updatedSince": "2026-01-31T12:00:00.000Z",
    }
    assert _entry(a_job()).filter == {}


@pytest.mark.parametrize("search", ["Ada Lovelace", "x", " "])
def test_a_text_that_was_searched_for_is_only_said_to_be_there(search: str) -> None:
    entry = _entry(a_job(spec=a_spec(filter=ClientFilter(search=search))))
    assert entry.filter == {"search": "(given)"}


def test_rows_and_bytes_are_there_when_they_are_known() -> None:
    assert (_entry(a_job()).rows, _entry(a_job()).bytes) == (None, None)
    completed = a_job().begin(NOON).complete(NOON, 10, 2_000, timedelta(hours=1))
    assert (_entry(completed).rows, _entry(completed).bytes) == (10, 2_000)


def test_an_entry_is_told_in_utc_and_read_back_as_it_was() -> None:
    moment = datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    entry = audit_entry(AuditAction.STARTED, "me", a_job(), moment)
    text = entry.model_dump_json(by_alias=True)
    assert json.loads(text)["moment"] == "2026-01-31T23:00:00.000Z"
    assert AuditEntry.model_validate_json(text) == entry
    assert AuditEntry.model_validate_json(text).moment.tzinfo == UTC
