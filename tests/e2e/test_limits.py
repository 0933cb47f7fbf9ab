"""Quotas and expiry, on a system that allows one active export and three exports a day, and keeps files 15 seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.http_client import Response, request
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, System, running_system, sample_database
from tests.support.waiting import leave_midnight_behind

KEEP_SECONDS = 15
"""Long enough for a slow machine to use the link of a file that has just been completed."""
LIMITS = {
    "EXPORT_MAX_ACTIVE_JOBS": "1",
    "EXPORT_MAX_JOBS_PER_DAY": "3",
    "EXPORT_KEEP_HOURS": str(KEEP_SECONDS / 3600),
    "EXPORT_BLOCK_BYTES": "65536",
    "EXPORT_WAVE_PAGES": "1",
}
SMALL = {"filter": {"search": "no client is called this"}}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("narrow")
    with running_system(directory, sample_database(directory, 20_000), LIMITS) as running:
        yield running


def assert_refused(response: Response, longest_seconds: int) -> None:
    assert_problem(response, 429, "quota-exceeded")
    assert 1 <= int(response.headers["retry-after"]) <= longest_seconds


def test_the_quotas_of_active_jobs_and_jobs_per_day_are_enforced(narrow: System) -> None:
    leave_midnight_behind()
    running = narrow.start_async()
    assert_refused(narrow.start_export(SMALL), 60)
    assert_refused(narrow.start_export(SMALL, idempotency_key="one"), 60)
    assert narrow.start_export(SMALL, HARBOUR, prefer="wait=60").status == 201, "another tenant is not affected"

    assert narrow.call("DELETE", running).status == 200
    second = narrow.start_export(SMALL, idempotency_key="one", prefer="wait=60")
    assert second.status == 201, "the cancelled job no longer counts, and the refused key may be used again"
    assert narrow.start_export(SMALL, prefer="wait=60").status == 201

    refused = narrow.start_export(SMALL)
    assert_refused(refused, 86_400)
    assert "tomorrow" in refused.json["detail"]
    assert narrow.start_export(SMALL, idempotency_key="one").json["code"] == second.json["code"]
    assert len(narrow.call("GET", f"/tenants/{NORTHWIND}{EXPORT}").json["data"]) == 3
    assert narrow.start_export(SMALL, HARBOUR, prefer="wait=60").status == 201


def test_after_the_expiry_date_file_and_manifest_are_410_and_links_fail(narrow: System) -> None:
    started = narrow.start_export(SMALL, HARBOUR)
    location, link, job = started.headers["location"], started.json["downloadUrl"], started.json
    assert request("GET", link).status == 200
    tag = narrow.call("GET", location).headers["etag"]

    time.sleep(max(0, (datetime.fromisoformat(job["expiryDate"]) - datetime.now(UTC)).total_seconds()) + 0.01)

    for part in ("download", "manifest"):
        assert_problem(narrow.call("GET", f"{location}/{part}"), 410, "expired")
    assert request("GET", link).status == 403
    shown = narrow.call("GET", location, if_none_match=tag)
    assert shown.status == 200, "the missing link is a change of the job"
    assert (shown.json["status"], shown.json["downloadUrl"]) == ("Completed", None)
    assert shown.json["fileSize"] == job["fileSize"]
