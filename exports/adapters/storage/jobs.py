"""Jobs in Table Storage: partition = tenant, row = job code. So a tenant's jobs are listed newest first."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from azure.data.tables import UpdateMode

from exports.adapters.storage.quotas import QUOTA_ROW, TableQuotas
from exports.adapters.storage.table_adapter import Entity, TableAdapter, any_of, if_version
from exports.errors import JobNotFoundError
from exports.jobs.job import Job
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus
from exports.request.spec import ExportSpec
from shared.row_codec import INT64, MOMENT, TEXTS, RowCodec, compressed_json
from shared.storage import StorageAccount

JOBS = RowCodec(
    Job,
    elsewhere=("tenant", "code", "version"),
    forms={
        "spec": compressed_json(ExportSpec, exclude_defaults=True),
        "total_items": INT64,
        "settled_items": INT64,
        "shown_items": INT64,
        "kept_items": INT64,
        "file_bytes": INT64,
        "downloaded_date": MOMENT.named("fetchedDate"),
        "absent_columns": TEXTS,
        "base_absent_columns": TEXTS,
    },
    always_present=("status", "attempt", "settled_pages", "settled_items"),
)


class TableJobStore(TableAdapter):
    """Implements `exports.ports.jobs.JobStore` on the table `exportjobs`."""

    _default_table = "exportjobs"

    def __init__(self, account: StorageAccount, table: str | None = None) -> None:
        super().__init__(account, table)
        self._quotas = TableQuotas(account, self._name)

    def require_room(self, tenant: str, quota: Quota, now: datetime) -> None:
        """See `JobStore.require_room`."""
        self._quotas.require_room(tenant, quota, now)

    def create(self, job: Job, quota: Quota | None = None) -> bool:
        """See `JobStore.create`."""
        if quota is None:
            return self._insert(_to_entity(job))
        creation = "create", _to_entity(job)
        return self._quotas.write(creation, job.code, quota, job.created_date) is not None

    def get(self, tenant: str, code: str) -> Job | None:
        """See `JobStore.get`."""
        found = self._find(tenant, code)
        return found and _from_entity(found)

    def exists(self, tenant: str, code: str) -> bool:
        """See `JobStore.exists`."""
        found = [row] if (row := self._find(tenant, code)) else []
        next(self._readable("job", found, _from_entity), None)  # logs the row if it is damaged
        return bool(found)

    def change(
        self,
        tenant: str,
        code: str,
        alter: Callable[[Job], Job],
        expected: Job | None = None,
        restart: tuple[Quota, datetime] | None = None,
    ) -> Job:
        """See `JobStore.change`.

        If `alter` changes nothing, no write verifies that `expected` is still the stored job. So the job is read then.
        """
        before = expected if expected and expected.version else None
        while True:
            is_read = before is None
            before = before or self._require(tenant, code)
            after = alter(before)
            if after != before:
                version = self._replace(before.version, after, restart)
                if version is not None:
                    return replace(after, version=version)
            elif is_read:
                return after
            before = None

    def _replace(self, version: str, job: Job, restart: tuple[Quota, datetime] | None) -> str | None:
        if restart is None:
            return self._replace_version(version, _to_entity(job))
        update = "update", _to_entity(job), {"mode": UpdateMode.REPLACE, **if_version(version)}
        return self._quotas.write(update, job.code, *restart)

    def _require(self, tenant: str, code: str) -> Job:
        found = self.get(tenant, code)
        if found is None:
            raise JobNotFoundError("There is no export with this code.")
        return found

    def purge(self, tenant: str, code: str) -> None:
        """See `JobStore.purge`."""
        with self._translate_failures():
            self._table.delete_entity(tenant, code)

    def list(
        self,
        tenant: str,
        limit: int,
        after: str | None = None,
        statuses: Collection[JobStatus] = (),
        created_by: str | None = None,
        schedule_code: str | None = None,
        between: tuple[str, str] | None = None,
    ) -> builtins.list[Job]:
        """See `JobStore.list`."""
        conditions = [f"PartitionKey eq @tenant and RowKey gt '{after or ''}' and RowKey lt '{QUOTA_ROW}'"]
        conditions += [any_of("status", statuses)] if statuses else []
        conditions += ["RowKey ge @first and RowKey le @last"] if between else []
        given = {"createdBy": created_by, "scheduleCode": schedule_code}
        texts = {name: text for name, text in given.items() if text is not None}
        query = " and ".join([*conditions, *(f"{name} eq @{name}" for name in texts)])
        texts |= dict(zip(("first", "last"), between, strict=True)) if between else {}
        with self._translate_failures():
            rows = self._table.query_entities(query, parameters={"tenant": tenant, **texts}, results_per_page=limit)
            return [*islice(self._readable("job", rows, _from_entity), limit)]

    def check(self) -> None:
        """Query the table for one row, so that a missing permission or a wrong setting shows."""
        with self._translate_failures():
            next(iter(self._table.query_entities("PartitionKey eq ''", results_per_page=1)), None)


def _to_entity(job: Job) -> Entity:
    return {"PartitionKey": job.tenant, "RowKey": job.code, **JOBS.write(job)}


def _from_entity(entity: Any) -> Job:
    return JOBS.read(entity, tenant=entity["PartitionKey"], code=entity["RowKey"], version=entity.metadata["etag"])
