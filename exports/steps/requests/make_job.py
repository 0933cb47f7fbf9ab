"""Builds a new job from a resolved specification."""

from __future__ import annotations

from datetime import datetime

from exports.file.file_names import clean_file_name
from exports.jobs.job import Job
from exports.request.body import NotifyDto
from exports.request.spec import ExportSpec
from shared.request_ids import current_request
from shared.telemetry import trace_parent


def make_job(tenant: str, spec: ExportSpec, code: str, now: datetime, notify: NotifyDto | None = None) -> Job:
    """Build a new job; nothing is stored yet.

    The file gets the name that the caller asked for. Without one, the name is made from the tenant and the time.
    """
    requested, extension = spec.format.file_name or "", spec.format.extension
    file_name = clean_file_name(requested, extension) or f"clients-{tenant}-{now:%Y%m%d-%H%M%S}{extension}"
    return Job(
        tenant=tenant,
        code=code,
        spec=spec,
        file_name=file_name,
        created_date=now,
        notify=notify,
        request_id=current_request(),
        trace_parent=trace_parent(),
    )
