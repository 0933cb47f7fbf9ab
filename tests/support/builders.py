"""Builders with defaults, so that a test names only the values that matter to it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.mappings.mapping import MappingContent, SavedMapping
from exports.request.body import CsvExportRequestDto
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import TargetField
from exports.request.spec import ExportSpec, SensitiveFields, make_spec
from exports.schedules.body import SaveScheduleDto, content_of
from exports.schedules.schedule import Schedule, new_schedule

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_numbers = itertools.count()


def a_spec(**changes: Any) -> ExportSpec:
    """Build a specification: every field of every client, unless `changes` says otherwise."""
    return ExportSpec(columns=ALL_COLUMNS).model_copy(update=changes)


def a_spec_of(
    request: CsvExportRequestDto,
    mappings: Mapping[str, Sequence[ColumnMapping]] | None = None,
    sensitive: SensitiveFields = SensitiveFields.ALLOWED,
) -> ExportSpec:
    """Resolve a request for a tenant.

    Args:
        mappings: The columns of the tenant's saved mappings, by code.
        sensitive: Whether sensitive fields are allowed; by default they are.
    """
    return make_spec(request, (mappings or {}).get, sensitive)


def a_job(**changes: Any) -> Job:
    """Build a queued job of a tenant of its own, created at noon."""
    tenant = f"tenant{next(_numbers)}"
    job = Job(tenant=tenant, code=new_job_code(NOON), spec=a_spec(), file_name="clients.csv", created_date=NOON)
    return replace(job, **changes)


def a_mapping(**changes: Any) -> SavedMapping:
    """Build a saved mapping with one column, of a tenant of its own."""
    number = next(_numbers)
    columns = (ColumnMapping(csv_header="Client", target_field=TargetField.NAME),)
    content = MappingContent(name="My columns", columns=columns)
    return replace(SavedMapping(f"tenant{number}", f"{number:020x}", content, NOON, NOON), **changes)


def a_schedule(**changes: Any) -> Schedule:
    """Build a saved schedule of a tenant of its own. By default it runs every day at half past one in UTC."""
    number = next(_numbers)
    body = {"name": "Daily", "cron": "30 13 * * *"} | {
        name: changes.pop(name) for name in SaveScheduleDto.model_fields if name in changes
    }
    content = content_of(SaveScheduleDto.model_validate(body), sensitive_fields=changes.pop("sensitive_fields", False))
    schedule = replace(new_schedule(f"tenant{number}", content, NOON), code=f"{number:020x}")
    return replace(schedule, **changes)
