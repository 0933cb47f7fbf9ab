"""Jobs in Table Storage: partition = tenant, row = job code. So a tenant's jobs are listed newest first."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from exports.adapters.storage.job_counts import JobCounts
from exports.adapters.storage.table_adapter import Entity, TableAdapter, readable
from exports.errors import JobNotFoundError
from exports.jobs.codes import first_code_before
from exports.jobs.job import Job
from exports.jobs.states import ACTIVE, JobStatus
from exports.ports.jobs import CountWindow
from exports.request.spec import ExportSpec
from shared.row_codec import INT64, MOMENT, RowCodec, compressed_json
from shared.storage import StorageAccount

_MOST_ROWS = 1000
"""The most rows that one response of the service holds."""

JOBS = RowCodec(
    Job,
    elsewhere=("tenant", "code", "version"),
    not_stored=("consistency",),  # the same text for every job
    forms={
        "spec": compressed_json(ExportSpec, exclude_defaults=True),
        "total_items": INT64,
        "settled_items": INT64,
        "file_bytes": INT64,
        "downloaded_date": MOMENT.named("fetchedDate"),
    },
    always_present=("status", "attempt", "settled_pages", "settled_items"),
)


class TableJobStore(TableAdapter):
    """Implements `exports.ports.jobs.JobStore` on the table `exportjobs`."""

    def __init__(self, account: StorageAccount, table: str = "exportjobs") -> None:
        super().__init__(account, table)
        self._counts = JobCounts()

    def create(self, job: Job) -> bool:
        """See `JobStore.create`."""
        return self._insert(_to_entity(job))

    def get(self, tenant: str, code: str) -> Job | None:
        """See `JobStore.get`."""
        found = self._find(tenant, code)
        return found and _from_entity(found)

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], expected: Job | None = None) -> Job:
        """See `JobStore.change`.

        If `alter` changes nothing, no write verifies that `expected` is still the stored job. So the job is read then.
        """
        before = expected if expected and expected.version else None
        while True:
            is_read = before is None
            before = before or self._require(tenant, code)
            after = alter(before)
            if after != before:
                version = self._replace_version(before.version, _to_entity(after))
                if version is not None:
                    return replace(after, version=version)
            elif is_read:
                return after
            before = None

    def _require(self, tenant: str, code: str) -> Job:
        found = self.get(tenant, code)
        if found is None:
            raise JobNotFoundError("There is no such job.")
        return found

    def purge(self, tenant: str, code: str) -> None:
        """See `JobStore.purge`."""
        with self._translate_failures():
            self._table.delete_entity(tenant, code)

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        """See `JobStore.list`."""
        rows = self._query(f"RowKey gt '{after or ''}'", tenant, statuses, results_per_page=limit)
        with self._translate_failures():
            return [*islice(readable("job", rows, _from_entity), limit)]

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        """See `JobStore.count`. Codes sort newest first, so one query reads only the rows that may count.

        Of the jobs of the other window it reads those that this process has not counted before (`JobCounts`).
        """
        oldest_active, oldest = first_code_before(active.since), first_code_before(created.since)
        counted = self._counts.find(tenant, oldest)
        condition = f"(RowKey le '{counted.until}' or RowKey le '{oldest_active}' and ({_any_of(ACTIVE)}))"
        size = min(active.at_most + created.at_most, _MOST_ROWS)
        rows = self._query(condition, tenant, (), results_per_page=size, select=["RowKey", "status"])
        actives = 0
        new: list[str] = []
        with self._translate_failures():
            for row in rows:
                actives += row["RowKey"] <= oldest_active and row["status"] in ACTIVE
                new += [row["RowKey"]] if row["RowKey"] <= counted.until else []
                if actives >= active.at_most or counted.jobs + len(new) >= created.at_most:
                    break
            else:
                self._counts.add(tenant, oldest, counted, new)
        return actives, counted.jobs + len(new)

    def _query(self, condition: str, tenant: str, statuses: Collection[JobStatus], **options: Any) -> Any:
        """Query a tenant's rows. `condition` may contain codes, which need no quoting, and no text of a caller."""
        query = f"PartitionKey eq @tenant and {condition}" + (f" and ({_any_of(statuses)})" if statuses else "")
        return self._table.query_entities(query, parameters={"tenant": tenant}, **options)

    def check(self) -> None:
        """Query the table for one row, so that a missing permission or a wrong setting shows."""
        with self._translate_failures():
            next(iter(self._table.query_entities("PartitionKey eq ''", results_per_page=1)), None)


def _any_of(statuses: Iterable[JobStatus]) -> str:
    return " or ".join(f"status eq '{status.value}'" for status in statuses)


def _to_entity(job: Job) -> Entity:
    return {"PartitionKey": job.tenant, "RowKey": job.code, **JOBS.write(job)}


def _from_entity(entity: Any) -> Job:
    return JOBS.read(entity, tenant=entity["PartitionKey"], code=entity["RowKey"], version=entity.metadata["etag"])
