"""The moments of a filter: what is checked, counted and previewed is what a stored job and its plan export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.adapters.storage.jobs import JOBS
from exports.file.plan import PagePlan
from exports.request.body import CsvExportRequestDto
from exports.request.filters import ClientFilter
from exports.request.idempotency import hash_of_body
from exports.request.spec import ExportSpec
from tests.support.builders import NOON, a_job, a_spec, a_spec_of

MICROSECONDS = st.integers(0, 999_999).map(lambda each: NOON + timedelta(microseconds=each))


def _stored(spec: ExportSpec) -> ExportSpec:
    """Return the specification as pages read it: written with the job, and again with the plan."""
    job = a_job(spec=spec)
    read = JOBS.read(JOBS.write(job), tenant=job.tenant, code=job.code, version="")
    plan = PagePlan(spec=read.spec, total_rows=1, starts=())
    return PagePlan.model_validate_json(plan.model_dump_json(by_alias=True)).spec


@given(MICROSECONDS, MICROSECONDS)
def test_a_job_and_its_plan_keep_the_moments_of_a_filter_exactly(since: datetime, until: datetime) -> None:
    spec = a_spec(filter=ClientFilter(updated_since=since, updated_until=until))
    assert _stored(spec) == spec


def test_a_period_shorter_than_a_millisecond_is_one_in_a_stored_job_too() -> None:
    moments = {"updatedSince": "2026-01-31T09:00:00.1231Z", "updatedUntil": "2026-01-31T09:00:00.1239Z"}
    wanted = _stored(a_spec_of(CsvExportRequestDto.model_validate({"filter": moments}))).filter
    assert wanted.updated_since == datetime(2026, 1, 31, 9, 0, 0, 123_100, tzinfo=UTC)
    assert wanted.updated_until == datetime(2026, 1, 31, 9, 0, 0, 123_900, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00.000Z"),
        ("2026-01-31T09:00:00.123Z", "2026-01-31T09:00:00.123Z"),
        ("2026-01-31T09:00:00.123400Z", "2026-01-31T09:00:00.123400Z"),
        ("2026-01-31T09:00:00.1234567Z", "2026-01-31T09:00:00.123456Z"),
    ],
)
def test_a_filter_shows_microseconds_only_if_it_has_any(given_: str, shown: str) -> None:
    moments = {"updatedSince": given_, "updatedUntil": given_}
    shown_filter = ClientFilter.model_validate(moments).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert shown_filter == {"updatedSince": shown, "updatedUntil": shown}


def test_requests_that_differ_by_a_microsecond_are_different_requests() -> None:
    moments = ("2026-01-31T09:00:00.123456Z", "2026-01-31T09:00:00.123457Z")
    hashes = {
        hash_of_body(CsvExportRequestDto.model_validate({"filter": {"updatedUntil": moment}})) for moment in moments
    }
    assert len(hashes) == 2
