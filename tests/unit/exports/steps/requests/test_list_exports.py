"""Lists of jobs: newest first, and without gaps or repeats when followed by continuation token."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from exports.jobs.codes import new_job_code
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.request.fields import ClientStatus
from exports.request.filters import ClientFilter
from exports.steps.requests import list_exports as step
from exports.steps.requests.list_exports import JobConditions, list_exports
from shared.lists import ListDto, decode_token
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import (
    READER,
    TENANT,
    a_planned_job,
    a_stored_job,
    cancel,
    get_export,
    some_clients,
    two_columns,
    write_pages,
)


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
    status = get_export(services, TENANT, job.code, READER)
    assert shown == status.model_copy(update={"request": None})
    assert status.request == job.spec
    assert shown.processed_items == 4


def test_a_list_can_be_filtered_by_status() -> None:
    services, codes = _some_jobs(3)
    job = services.jobs.get(TENANT, codes[1])
    assert job is not None
    cancel(services, job)
    wanted = JobConditions([JobStatus.CANCELLED, JobStatus.FAILED])
    (shown,) = list_exports(services, TENANT, 10, None, wanted).data
    assert shown.code == codes[1]


def test_a_list_has_no_job_of_another_tenant() -> None:
    services, _ = _some_jobs(2)
    assert list_exports(services, "other", 10, None).data == ()


def test_a_list_can_be_filtered_by_caller_and_by_schedule() -> None:
    services = a_services()
    by_ann, by_bo = (a_stored_job(services, created_by=name) for name in ("Ann", "Bo"))
    scheduled = a_stored_job(services, schedule_code="5" * 20)
    for wanted, job in (
        (JobConditions(created_by="Ann"), by_ann),
        (JobConditions(created_by="Bo"), by_bo),
        (JobConditions(schedule_code="5" * 20), scheduled),
    ):
        (shown,) = list_exports(services, TENANT, 10, None, wanted).data
        assert (shown.code, shown.created_by) == (job.code, job.created_by)
    assert list_exports(services, TENANT, 10, None, JobConditions(created_by="ann")).data == ()


def test_a_list_shows_who_asked_for_how_many_columns_of_which_clients() -> None:
    services = a_services()
    filter_ = ClientFilter(statuses=(ClientStatus.ACTIVE,))
    a_stored_job(services, created_by="Ann", mapping_name="VAT return", spec=two_columns(filter=filter_))
    (shown,) = list_exports(services, TENANT, 10, None).data
    assert (shown.created_by, shown.mapping_name, shown.column_count) == ("Ann", "VAT return", 2)
    assert shown.filter == filter_


@pytest.mark.parametrize("text", ["ANN", "vat R", "december", "straße"])
def test_a_search_finds_text_in_names_of_files_callers_and_mappings(text: str) -> None:
    services = a_services()
    a_stored_job(services)
    changes = {"created_by": "Annabel", "mapping_name": "VAT return", "file_name": "December STRASSE.csv"}
    wanted = a_stored_job(services, **changes)
    assert [job.code for job in list_exports(services, TENANT, 10, None, JobConditions(search=text)).data] == [
        wanted.code
    ]
    assert list_exports(services, TENANT, 10, None, JobConditions(search="nothing")).data == ()


def test_a_search_is_followed_to_its_end_without_gaps_or_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "_SEARCHED_AT_ONCE", 2)
    monkeypatch.setattr(step, "_MOST_SEARCHED", 4)
    services, codes = _some_jobs(15)
    wanted = [codes[place] for place in (0, 1, 2, 6, 14)]
    for code in wanted:
        services.jobs.change(TENANT, code, lambda job: replace(job, created_by="Ann"))
    for limit in (1, 2, 5, 100):
        found, after, answers = list[str](), None, 0
        while answers == 0 or after:
            answer = list_exports(services, TENANT, limit, after, JobConditions(search="ann"))
            found += [job.code for job in answer.data]
            assert len(answer.data) <= limit
            assert answer.has_more == (answer.continuation_token is not None)
            after = answer.continuation_token and decode_token(answer.continuation_token)
            answers += 1
        assert found == wanted


def test_one_answer_of_a_search_reads_a_thousand_jobs_at_most() -> None:
    services, codes = _some_jobs(1_200)
    answer = list_exports(services, TENANT, 10, None, JobConditions(search="nothing"))
    assert (answer.data, answer.has_more) == ((), True)
    assert decode_token(answer.continuation_token or "") == codes[999]
