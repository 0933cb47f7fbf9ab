"""Jobs in Table Storage: partition = tenant, row = job code, so a tenant's jobs list newest first."""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from azure.data.tables import EdmType, EntityProperty

from exports.adapters.storage.table_adapter import TableAdapter, answering, plain_moment, readable
from exports.errors import JobNotFoundError
from exports.jobs.codes import first_code_before
from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.jobs.states import ACTIVE, JobStatus
from exports.ports.jobs import CountWindow
from exports.request.body import NotifyDto
from exports.request.spec import ExportSpec
from shared.storage import StorageAccount

Entity = dict[str, Any]
_MOST_ROWS = 1000
"""Of one answer of the service."""


class TableJobStore(TableAdapter):
    """Implements `exports.ports.jobs.JobStore` on the table `exportjobs`."""

    def __init__(self, account: StorageAccount, table: str = "exportjobs") -> None:
        super().__init__(account, table)

    def create(self, job: Job) -> bool:
        """See `JobStore.create`."""
        return self._insert(_to_entity(job))

    def get(self, tenant: str, code: str) -> Job | None:
        """See `JobStore.get`."""
        found = self._find(tenant, code)
        return found and _from_entity(found)

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], seen: Job | None = None) -> Job:
        """See `JobStore.change`. Where nothing is to be written, what was seen before proves nothing: it is read."""
        before = seen if seen and seen.version else None
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
        with answering():
            self._table.delete_entity(tenant, code)

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        """See `JobStore.list`."""
        rows = self._query(f"RowKey gt '{after or ''}'", tenant, statuses, results_per_page=limit)
        with answering():
            return [*islice(readable("job", rows, _from_entity), limit)]

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        """See `JobStore.count`. Codes sort newest first, so only the rows that may count are read, by one query."""
        oldest_active, oldest = first_code_before(active.since), first_code_before(created.since)
        condition = f"(RowKey le '{oldest}' or RowKey le '{oldest_active}' and ({_any_of(ACTIVE)}))"
        size = min(active.at_most + created.at_most, _MOST_ROWS)
        rows = self._query(condition, tenant, (), results_per_page=size, select=["RowKey", "status"])
        actives = all_created = 0
        with answering():
            for row in rows:
                actives += row["RowKey"] <= oldest_active and row["status"] in ACTIVE
                all_created += row["RowKey"] <= oldest
                if actives >= active.at_most or all_created >= created.at_most:
                    break
        return actives, all_created

    def _query(self, condition: str, tenant: str, statuses: Collection[JobStatus], **options: Any) -> Any:
        """Query a tenant's rows; `condition` must be made of codes, which need no quoting."""
        query = f"PartitionKey eq @tenant and {condition}" + (f" and ({_any_of(statuses)})" if statuses else "")
        return self._table.query_entities(query, parameters={"tenant": tenant}, **options)

    def check(self) -> None:
        """Ask the table for a row, so that a missing right or a wrong setting shows."""
        with answering():
            next(iter(self._table.query_entities("PartitionKey eq ''", results_per_page=1)), None)


def _any_of(statuses: Iterable[JobStatus]) -> str:
    return " or ".join(f"status eq '{status.value}'" for status in statuses)


def _to_entity(job: Job) -> Entity:
    """Write a job as a row; the specification is compressed because a text property ends at 32 Ki characters."""
    values = {
        "PartitionKey": job.tenant,
        "RowKey": job.code,
        "status": job.status.value,
        "attempt": job.attempt,
        "retries": job.retries,
        "spec": zlib.compress(job.spec.model_dump_json(by_alias=True, exclude_defaults=True).encode()),
        "fileName": job.file_name,
        "createdDate": job.created_date,
        "startedDate": job.started_date,
        "completedDate": job.completed_date,
        "expiryDate": job.expiry_date,
        "totalItems": _int64(job.total_items),
        "settledPages": job.settled_pages,
        "settledItems": _int64(job.settled_items),
        "fileBytes": _int64(job.file_bytes),
        "fileRemoved": job.file_removed,
        "failure": job.failure and job.failure.model_dump_json(by_alias=True),
        "scheduleCode": job.schedule_code,
        "fetchedDate": job.fetched_date,
        "notify": job.notify and job.notify.model_dump_json(by_alias=True),
    }
    return {name: value for name, value in values.items() if value is not None}


def _from_entity(entity: Any) -> Job:
    failure, notify = entity.get("failure"), entity.get("notify")
    return Job(
        tenant=entity["PartitionKey"],
        code=entity["RowKey"],
        spec=ExportSpec.model_validate_json(zlib.decompress(entity["spec"])),
        file_name=entity["fileName"],
        created_date=plain_moment(entity["createdDate"]),
        status=JobStatus(entity["status"]),
        attempt=entity["attempt"],
        retries=entity.get("retries", 0),
        total_items=_number(entity.get("totalItems")),
        settled_pages=entity["settledPages"],
        settled_items=_number(entity["settledItems"]) or 0,
        started_date=_moment_or_none(entity.get("startedDate")),
        completed_date=_moment_or_none(entity.get("completedDate")),
        expiry_date=_moment_or_none(entity.get("expiryDate")),
        file_bytes=_number(entity.get("fileBytes")),
        file_removed=entity.get("fileRemoved", False),
        failure=Failure.model_validate_json(failure) if failure else None,
        schedule_code=entity.get("scheduleCode"),
        fetched_date=_moment_or_none(entity.get("fetchedDate")),
        notify=NotifyDto.model_validate_json(notify) if notify else None,
        version=entity.metadata["etag"],
    )


def _int64(value: int | None) -> EntityProperty | None:
    return None if value is None else EntityProperty(value, EdmType.INT64)


def _number(value: Any) -> int | None:
    number: int | None = value.value if isinstance(value, EntityProperty) else value
    return number


def _moment_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else plain_moment(value)
