"""No field is lost in a row: every field of everything that is stored in tables is written and read back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from exports.adapters.storage.idempotency import RECORDS as IDEMPOTENCY_RECORDS
from exports.adapters.storage.jobs import JOBS
from exports.adapters.storage.mappings import MAPPINGS
from exports.adapters.storage.pages import RECORDS as PAGE_RECORDS
from exports.adapters.storage.runs import RUNS
from exports.adapters.storage.schedules import SCHEDULES
from exports.adapters.storage.watch import ATTEMPTS, DUE_ACTIONS
from exports.jobs.job import Job
from shared.row_codec import RowCodec
from tests.support.builders import a_job
from tests.support.every_field import field_names, with_every_field

CODECS: list[RowCodec[Any]] = [
    JOBS,
    MAPPINGS,
    SCHEDULES,
    RUNS,
    PAGE_RECORDS,
    IDEMPOTENCY_RECORDS,
    ATTEMPTS,
    DUE_ACTIONS,
]
OLDEST_ROW = {"status", "attempt", "spec", "fileName", "createdDate", "settledPages", "settledItems"}


@dataclass(frozen=True, slots=True)
class LaterJob(Job):
    """A job of a later version, which has one field more."""

    remark: str | None = None


def _elsewhere(codec: RowCodec[Any], item: object) -> dict[str, Any]:
    return {name: getattr(item, name) for name in codec.elsewhere}


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.model.__name__)
def test_every_field_comes_back_from_a_row(codec: RowCodec[Any]) -> None:
    item = with_every_field(codec.model)
    row = codec.write(item)
    found = codec.read(row, **_elsewhere(codec, item))
    assert {name: getattr(found, name) for name in field_names(codec.model)} == {
        name: getattr(item, name) for name in field_names(codec.model)
    }
    assert len(row) == len(field_names(codec.model)) - len(codec.elsewhere)


def test_a_field_that_is_added_to_a_job_is_stored_by_itself() -> None:
    codec: RowCodec[Any] = replace(JOBS, model=LaterJob)
    job = with_every_field(LaterJob)
    row = codec.write(job)
    assert row["remark"] == job.remark
    assert codec.read(row, **_elsewhere(codec, job)).remark == job.remark


def test_a_row_of_an_older_version_gets_the_defaults_of_later_fields() -> None:
    job = a_job()
    row = {name: value for name, value in JOBS.write(job).items() if name in OLDEST_ROW}
    assert JOBS.read(row, tenant=job.tenant, code=job.code) == job


@pytest.mark.parametrize("name", sorted(OLDEST_ROW))
def test_a_row_without_a_field_it_always_had_is_damaged(name: str) -> None:
    job = a_job()
    row = {key: value for key, value in JOBS.write(job).items() if key != name}
    with pytest.raises(KeyError, match=name):
        JOBS.read(row, tenant=job.tenant, code=job.code)


def test_the_properties_of_a_job_have_their_published_names() -> None:
    assert JOBS.write(with_every_field(Job)).keys() == OLDEST_ROW | {
        *("retries", "totalItems", "startedDate", "completedDate", "expiryDate", "fileBytes", "fileRemoved"),
        *("failure", "scheduleCode", "fetchedDate", "notify", "requestId", "traceParent"),
        *("createdBy", "mappingName", "shownItems", "keptItems", "snapshot", "absentColumns", "baseAbsentColumns"),
    }
