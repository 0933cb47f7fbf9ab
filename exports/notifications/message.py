"""The message of a webhook: it reports the end of a job to the receiver."""

from __future__ import annotations

import json
from datetime import datetime

from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.view import NOT_SENT, CsvExportJobDto, show_job
from exports.request.columns import ALL_COLUMNS
from exports.request.spec import ExportSpec


def event_id(job: Job, email: int | None = None) -> str:
    """Return the id of a message about a job's end.

    It is the same in every try and replay, and another for another attempt, status or e-mail address.

    Args:
        email: Which of the e-mail addresses in `notify` gets the message, from 0; None: the message is the webhook.
    """
    ending = "" if email is None else f"_email{email + 1}"
    return f"msg_{job.code}_{job.attempt}_{job.status.value.lower()}{ending}"


def event_body(job: Job, processed_items: int) -> bytes:
    """Render an ended job as the receiver gets it: as the API shows it, but without `NOT_SENT`."""
    return _show(job, processed_items).model_dump_json(by_alias=True, exclude=NOT_SENT).encode()


def trial_body(tenant: str, now: datetime) -> bytes:
    """Render the webhook that a caller sends to see whether it arrives.

    It has the form of the webhook of a cancelled job, so that a receiver can parse it and has no file to fetch, and the
    property `test`. There is no job with its code.
    """
    job = Job(
        tenant=tenant,
        code=new_job_code(now),
        spec=ExportSpec(columns=ALL_COLUMNS[:1]),
        file_name="test.csv",
        created_date=now,
        status=JobStatus.CANCELLED,
        completed_date=now,
        file_removed=True,
    )
    shown = _show(job, 0).model_dump(mode="json", by_alias=True, exclude=NOT_SENT)
    return json.dumps({"test": True, **shown}).encode()


def _show(job: Job, processed_items: int) -> CsvExportJobDto:
    return show_job(job, processed_items, job.completed_date or job.created_date)
