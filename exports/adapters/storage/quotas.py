"""Counts the jobs of each tenant exactly, in one row beside the tenant's jobs, which is written with them.

The row is in the same partition as the jobs. So a transaction that makes a job active also counts it, and its condition
on the row's version lets only one of several writers at once succeed. A job's end is not counted down: when the count
reaches the limit, the active jobs are counted again. So no crash leaves a count that stays wrong.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any

from azure.data.tables import TableTransactionError, UpdateMode
from cachetools import LRUCache

from exports.adapters.storage.table_adapter import Entity, TableAdapter, any_of, if_version
from exports.errors import QuotaExceededError, StorageUnavailableError
from exports.jobs.codes import first_code_before
from exports.jobs.quota import Quota, QuotaUse
from exports.jobs.states import ACTIVE
from shared.storage import StorageAccount
from shared.tables import Operation, is_own_write, with_write_token

QUOTA_ROW = "quota"
"""Key of the row of a tenant. The codes of all jobs are smaller."""

_ACTIVE_JOBS = any_of("status", ACTIVE)
_REFUSALS = (404, 409, 412)
_MOST_TRIES = 25
_LONGEST_PAUSE_SECONDS = 0.4
_MOST_TENANTS = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """The use that a version of the row holds; without a version, no row exists yet."""

    version: str | None
    use: QuotaUse


@dataclass(slots=True)
class _Tenant:
    """What this process knows of a tenant.

    Attributes:
        lock: Held while a job of the tenant is counted, so that the threads of one process do not refuse each other.
        is_shared: Whether another process has changed the row. Then it is read before it is relied on.
    """

    lock: Lock = field(default_factory=Lock)
    known: _Known | None = None
    is_shared: bool = False


class TableQuotas(TableAdapter):
    """The rows with the quotas of tenants, in the table of their jobs. Thread-safe."""

    def __init__(self, account: StorageAccount, table: str) -> None:
        super().__init__(account, table)
        self._tenants: LRUCache[str, _Tenant] = LRUCache(_MOST_TENANTS)
        self._lock = Lock()

    def require_room(self, tenant: str, quota: Quota, now: datetime) -> None:
        """See `JobStore.require_room`. Sends no request as long as this process alone starts jobs of the tenant."""
        state = self._state(tenant)
        with state.lock:
            if state.known and state.is_shared:
                before = state.known.version
                state.known = self._load(tenant, now)
                state.is_shared = state.known.version != before
            known = state.known = state.known or self._load(tenant, now)
            quota.require_day(known.use.on(now), now)
            state.known = self._with_room(tenant, quota, known)

    def write(self, operation: Operation, code: str, quota: Quota, now: datetime) -> str | None:
        """Write the row of a job, the first row of a transaction, and count the job as started in the second.

        Verifies ambiguous writes as `_insert` does.

        Args:
            now: When the job is started or resumed.

        Returns:
            The new version of the job's row, empty if the response was lost; None, and nothing was written, if the row
            is not in the expected state.

        Raises:
            QuotaExceededError: Nothing was written.
            StorageUnavailableError: Can be tried again.
        """
        verb, entity, *options = operation
        operation = verb, with_write_token(entity), *options
        state = self._state(entity["PartitionKey"])
        with state.lock:
            for tries in range(_MOST_TRIES):
                try:
                    version, is_settled = self._try(state, operation, code, quota, now)
                except (QuotaExceededError, StorageUnavailableError):
                    if tries and self._is_stored(operation[1]):
                        return ""
                    raise
                if is_settled:
                    return version
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.01 * 2**tries)))  # noqa: S311
        message = "Too many requests start exports of this tenant at the same time."
        raise StorageUnavailableError(message)

    def _try(
        self, state: _Tenant, operation: Operation, code: str, quota: Quota, now: datetime
    ) -> tuple[str | None, bool]:
        """Send the transaction once. Return what `write` returns, and whether that is settled."""
        tenant = operation[1]["PartitionKey"]
        known = state.known or self._load(tenant, now)
        known = _Known(known.version, known.use.on(now))
        quota.require_day(known.use, now)
        known = self._with_room(tenant, quota, known)
        use = known.use.add_started(code)
        state.known = None  # until it is known whether the write took effect
        try:
            with self._translate_failures():
                written = self._table.submit_transaction([operation, _writing(tenant, known.version, use)])
        except TableTransactionError as error:
            if error.status_code not in _REFUSALS:
                raise
            return self._after_refusal(state, error, operation)
        except StorageUnavailableError:
            if self._is_stored(operation[1]):
                return "", True
            raise
        state.known = _Known(str(written[1]["etag"]), use)
        return str(written[0]["etag"]), True

    def _after_refusal(
        self, state: _Tenant, error: TableTransactionError, operation: Operation
    ) -> tuple[str | None, bool]:
        """Find out which row has refused the transaction: the job's, or the one of the quota, which is tried again."""
        if error.index == 0:  # also if the response names no row
            entity, expected = operation[1], operation[2]["etag"] if len(operation) > 2 else None
            found = self._find(entity["PartitionKey"], entity["RowKey"])
            if is_own_write(found, entity):
                return "", True
            if (found and found.metadata["etag"]) != expected:
                return None, True
        state.is_shared = True
        return None, False

    def _with_room(self, tenant: str, quota: Quota, known: _Known) -> _Known:
        """Count the active jobs again if there seem to be too many, and require that there are not."""
        if known.use.active < quota.active:
            return known
        use = self._recount(tenant, known.use)
        quota.require_active(use.active)
        return _Known(known.version, use)

    def _recount(self, tenant: str, use: QuotaUse) -> QuotaUse:
        """Count the active jobs. Only a writer of the row makes a job active, so the count is right for its version."""
        codes = [code for code, _ in self._rows(tenant, f"RowKey le '{use.oldest}' and {_ACTIVE_JOBS}")]
        return QuotaUse(use.day, use.created, len(codes), max(codes, default=""))

    def _load(self, tenant: str, now: datetime) -> _Known:
        """Read the row. If there is none, as before the first job of this version, count the jobs, without resumes."""
        row = self._find(tenant, QUOTA_ROW)
        version = row.metadata["etag"] if row else None
        use = _use_of(row) if row else None
        return _Known(version, use or self._count(tenant, now))

    def _count(self, tenant: str, now: datetime) -> QuotaUse:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        oldest = first_code_before(midnight)
        rows = self._rows(tenant, f"(RowKey le '{oldest}' or RowKey lt '{QUOTA_ROW}' and {_ACTIVE_JOBS})")
        codes = [code for code, status in rows if status in ACTIVE]
        created = sum(code <= oldest for code, _ in rows)
        return QuotaUse(midnight.date(), created, len(codes), max(codes, default=""))

    def _rows(self, tenant: str, condition: str) -> list[tuple[str, str]]:
        query = f"PartitionKey eq @tenant and {condition}"
        with self._translate_failures():
            rows = self._table.query_entities(query, parameters={"tenant": tenant}, select=["RowKey", "status"])
            return [(row["RowKey"], row["status"]) for row in rows]

    def _state(self, tenant: str) -> _Tenant:
        with self._lock:
            state = self._tenants[tenant] = self._tenants.get(tenant) or _Tenant()
            return state


def _use_of(row: Any) -> QuotaUse | None:
    """Read a row; return None if it is damaged."""
    try:
        return QuotaUse(date.fromisoformat(row["day"]), int(row["created"]), int(row["active"]), str(row["oldest"]))
    except (KeyError, TypeError, ValueError):
        return None


def _writing(tenant: str, version: str | None, use: QuotaUse) -> Operation:
    """Return the operation that writes the row if it still has this version."""
    row: Entity = {"PartitionKey": tenant, "RowKey": QUOTA_ROW, "day": use.day.isoformat()}
    row |= {"created": use.created, "active": use.active, "oldest": use.oldest}
    if version is None:
        return "create", row
    return "update", row, {"mode": UpdateMode.REPLACE, **if_version(version)}
