"""Of sixty requests at the same moment to two worker processes, exactly as many start a job as the quotas allow."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.http_client import Response
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, System, running_system, sample_database
from tests.support.waiting import leave_midnight_behind

ACTIVE, A_DAY, AT_ONCE = 5, 8, 60
SETTINGS = {
    "EXPORT_MAX_ACTIVE_JOBS": str(ACTIVE),
    "EXPORT_MAX_JOBS_PER_DAY": str(A_DAY),
    # so that no job ends before all requests have been answered
    "EXPORT_BLOCK_BYTES": "65536",
    "EXPORT_WAVE_PAGES": "1",
}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("simultaneous")
    with running_system(directory, sample_database(directory, 40_000), SETTINGS) as running:
        yield running


def _start_at_once(system: System, tenant: str) -> list[Response]:
    ready = Barrier(AT_ONCE)

    def start(_: int) -> Response:
        ready.wait(60)
        return system.start_export(tenant=tenant, prefer="respond-async")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(start, range(AT_ONCE)))


def _accepted(answers: list[Response]) -> list[str]:
    """Check that every other answer is a 429 of the quota; return the URLs of the jobs that were started."""
    assert {answer.status for answer in answers} == {202, 429}
    for answer in answers:
        if answer.status == 429:
            assert_problem(answer, 429, "quota-exceeded")
            assert int(answer.headers["retry-after"]) >= 1
    return [answer.headers["location"] for answer in answers if answer.status == 202]


@pytest.mark.parametrize("tenant", [NORTHWIND, pytest.param(HARBOUR, marks=pytest.mark.thorough)])
def test_of_sixty_simultaneous_requests_exactly_the_quota_starts(narrow: System, tenant: str) -> None:
    leave_midnight_behind()
    first = _accepted(_start_at_once(narrow, tenant))
    assert len(first) == ACTIVE
    assert all(narrow.job(location)["status"] in ("Queued", "InProgress") for location in first)
    for location in first:
        assert narrow.call("DELETE", location).status == 200

    second = _accepted(_start_at_once(narrow, tenant))
    assert len(second) == A_DAY - ACTIVE
    for location in second:
        assert narrow.call("DELETE", location).status == 200

    listed = narrow.call("GET", f"/tenants/{tenant}{EXPORT}?limit=100").json["data"]
    assert len(listed) == A_DAY
