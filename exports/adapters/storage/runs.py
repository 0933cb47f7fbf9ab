"""Runs of schedules in Table Storage: partition = tenant and schedule, row = key of the run, newest first."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from azure.data.tables import UpdateMode

from exports.adapters.storage.table_adapter import Entity, TableAdapter
from exports.jobs.codes import first_code_before
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import ScheduleRef
from shared.row_codec import RowCodec

RUNS = RowCodec(ScheduleRun, elsewhere=("tenant", "schedule_code", "key"))


class TableRunHistory(TableAdapter):
    """Implements `exports.ports.schedules.RunHistory` on the table `scheduleruns`."""

    _default_table = "scheduleruns"

    def record(self, run: ScheduleRun) -> None:
        """See `RunHistory.record`. The insert is conditional; only a run that has started replaces another one."""
        row = _to_entity(run)
        if run.outcome is not RunOutcome.STARTED:
            self._insert(row)
            return
        with self._translate_failures():
            self._table.upsert_entity(row, UpdateMode.REPLACE)

    def list(self, ref: ScheduleRef, limit: int, after: str | None = None) -> builtins.list[ScheduleRun]:
        """See `RunHistory.list`."""
        with self._translate_failures():
            rows = self._query(ref, f"RowKey gt '{after or ''}'", results_per_page=limit)
            return [*islice(self._readable("run", rows, partial(_from_entity, ref)), limit)]

    def forget(self, ref: ScheduleRef, before: datetime | None = None) -> None:
        """See `RunHistory.forget`."""
        condition = f"RowKey gt '{first_code_before(before)}'" if before else ""
        self._remove_rows(_partition(ref), condition)

    def _query(self, ref: ScheduleRef, condition: str, **options: Any) -> Iterator[Any]:
        query = f"PartitionKey eq @partition and {condition}"
        return iter(self._table.query_entities(query, parameters={"partition": _partition(ref)}, **options))


def _partition(ref: ScheduleRef) -> str:
    return f"{ref.tenant}|{ref.code}"


def _to_entity(run: ScheduleRun) -> Entity:
    partition = _partition(ScheduleRef(run.tenant, run.schedule_code))
    return {"PartitionKey": partition, "RowKey": run.key, **RUNS.write(run)}


def _from_entity(ref: ScheduleRef, row: Any) -> ScheduleRun:
    return RUNS.read(row, tenant=ref.tenant, schedule_code=ref.code, key=row["RowKey"])
