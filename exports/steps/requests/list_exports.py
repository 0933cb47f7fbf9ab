"""Step: list a tenant's jobs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.services import Services
from exports.steps.requests.get_export import present
from shared.lists import ListDto, encode_token, make_list

_SEARCHED_AT_ONCE = 100
_MOST_SEARCHED = 1_000
"""The most jobs that one request searches. The list continues after them, even if it has found none."""


@dataclass(frozen=True, slots=True)
class JobConditions:
    """Which jobs a list has: all conditions must hold.

    Attributes:
        statuses: Only jobs with one of these statuses; empty: with any.
        created_by: Only jobs of a caller with this name.
        schedule_code: Only jobs of this schedule.
        search: Only jobs with this text in their code, in the name of their file, of their caller or of their mapping.
            Upper and lower case are the same.
    """

    statuses: Collection[JobStatus] = ()
    created_by: str | None = None
    schedule_code: str | None = None
    search: str | None = None

    def has_text(self, job: Job) -> bool:
        """Return whether a job has the text that is searched."""
        wanted = (self.search or "").casefold()
        texts = (job.code, job.file_name, job.created_by or "", job.mapping_name or "")
        return any(wanted in text.casefold() for text in texts)


def list_exports(
    services: Services, tenant: str, limit: int, after: str | None, wanted: JobConditions = JobConditions()
) -> ListDto[CsvExportJobDto]:
    """List at most `limit` jobs, newest first, each without a link to its file.

    A search may end before it has found so many jobs. Then the list says that it continues.

    Args:
        after: The cursor: the code of the last job of the previous answer. The list continues after it.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    if wanted.search:
        return _search(services, tenant, limit, after, wanted)
    return _make_list(services, _read(services, tenant, limit + 1, after, wanted), limit)


def _search(
    services: Services, tenant: str, limit: int, after: str | None, wanted: JobConditions
) -> ListDto[CsvExportJobDto]:
    found: list[Job] = []
    for _ in range(_MOST_SEARCHED // _SEARCHED_AT_ONCE):
        jobs = _read(services, tenant, _SEARCHED_AT_ONCE, after, wanted)
        found += filter(wanted.has_text, jobs)
        if len(found) > limit or len(jobs) < _SEARCHED_AT_ONCE:
            return _make_list(services, found, limit)
        after = jobs[-1].code
    rest = {"has_more": True, "continuation_token": encode_token(after or "")}
    return _make_list(services, found, limit).model_copy(update=rest)


def _read(services: Services, tenant: str, limit: int, after: str | None, wanted: JobConditions) -> list[Job]:
    return services.jobs.list(tenant, limit, after, wanted.statuses, wanted.created_by, wanted.schedule_code)


def _make_list(services: Services, jobs: list[Job], limit: int) -> ListDto[CsvExportJobDto]:
    return make_list(jobs, lambda job: job.code, lambda job: present(services, job), limit)
