"""Lists of jobs: newest first, and without gaps or repeats when followed by continuation token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exports.jobs.codes import new_job_code
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.steps.requests.get_export import get_export
from exports.steps.requests.list_exports import list_exports
from shared.lists import ListDto, decode_token
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import READER, TENANT, a_planned_job, a_stored_job, cancel, some_clients, write_pages


def _some_jobs(count: int) -> tuple[MemoryServices, list[str]]:
    """Store jobs created a second apart; return their codes, newest first."""
    services = a_services()
    moments = [NOON + timedelta(seconds=second) for second in range(count)]
    jobs = [a_stored_job(services, code=new_job_code(moment), created_date=moment) for moment in moments]
    return services, [job.code for job in jobs[::-1]]


def _follow(services: MemoryServices, limit: int) -> list[ListDto[CsvExportJobDto]]:
    """Follow the list to its end; return all responses."""
    responses, after = list[ListDto[CsvExportJobDto]](), None
    while not responses or responses[-1].has_more:
        responses.append(list_exports(services, TENANT, limit, after))
        token = responses[-1].continuation_token
        after = token and decode_token(token)
    return responses


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_following_a_list_to_its_end_gives_every_job_once_newest_first(limit: int) -> None:
    services, codes = _some_jobs(6)
    responses = _follow(services, limit)
    assert [job.code for response in responses for job in response.data] == codes
    assert len(responses) == -(-6 // limit)


def test_the_last_response_of_a_list_has_no_continuation_token() -> None:
    services, _ = _some_jobs(4)
    *_, before, last = _follow(services, 2)
    assert (before.has_more, last.has_more, last.continuation_token) == (True, False, None)


def test_without_jobs_the_list_is_one_empty_response() -> None:
    assert _follow(a_services(), 10) == [ListDto(data=(), limit=10, has_more=False)]


def test_jobs_created_while_a_list_is_followed_cause_no_gaps_or_repeats() -> None:
    services, codes = _some_jobs(4)
    first = list_exports(services, TENANT, 2, None)
    later = NOON + timedelta(hours=1)
    a_stored_job(services, code=new_job_code(later), created_date=later)
    second = list_exports(services, TENANT, 2, decode_token(first.continuation_token or ""))
    assert [job.code for job in (*first.data, *second.data)] == codes


def test_a_list_shows_a_job_exactly_as_its_own_status_does() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    (shown,) = list_exports(services, TENANT, 10, None).data
    assert shown == get_export(services, TENANT, job.code, READER)
    assert shown.processed_items == 4


def test_a_list_can_be_filtered_by_status() -> None:
    services, codes = _some_jobs(3)
    job = services.jobs.get(TENANT, codes[1])
    assert job is not None
    cancel(services, job)
    (shown,) = list_exports(services, TENANT, 10, None, [JobStatus.CANCELLED, JobStatus.FAILED]).data
    assert shown.code == codes[1]


def test_a_list_has_no_job_of_another_tenant() -> None:
    services, _ = _some_jobs(2)
    assert list_exports(services, "other", 10, None).data == ()
