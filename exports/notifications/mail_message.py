"""The e-mail that reports the end of a job.

It holds no data of clients and no text of a caller: no name of a file, mapping or schedule, no filter, and no text of a
failure, which may name the code of a client. It holds no link to the file. Its only link leads to the UI, where the
reader must sign in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from shared.text import printable

_HEADINGS = {
    JobStatus.COMPLETED: "An export of clients has completed.",
    JobStatus.FAILED: "An export of clients has failed. There is no file.",
    JobStatus.CANCELLED: "An export of clients was cancelled. There is no file.",
}
_NEXT_STEPS = {
    JobStatus.COMPLETED: "To download the file, sign in",
    JobStatus.FAILED: "To see why, and what to do, sign in",
    JobStatus.CANCELLED: "To resume it, or to start another one, sign in",
}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class MailMessage:
    """A message in plain text.

    Attributes:
        event_id: The same in every try to deliver the message, so that mail servers recognize a repeat.
        moment: When this try is made.
    """

    event_id: str
    moment: datetime
    subject: str
    text: str


def end_message(job: Job, event_id: str, moment: datetime, public_url: str) -> MailMessage:
    """Write the message that reports how a job has ended.

    Args:
        public_url: Address at which people reach the service; empty: the message names none.
    """
    lines = [_HEADINGS[job.status], "", *_facts(job), "", f"{_NEXT_STEPS[job.status]}{_where(public_url)}"]
    return MailMessage(event_id, moment, f"Client export {job.status.value.lower()}", _join(lines))


def trial_message(tenant: str, event_id: str, moment: datetime, public_url: str) -> MailMessage:
    """Write the message that a caller sends to see whether e-mail arrives."""
    lines = [
        "This is a test. A caller who may export clients has asked for it.",
        "",
        f"Tenant:   {printable(tenant)}",
        "",
        "If the exports of this tenant name your address, you get a message like this one when they end.",
        f"To change that, sign in{_where(public_url)}",
    ]
    return MailMessage(event_id, moment, "Client export: test of the notification", _join(lines))


def _facts(job: Job) -> list[str]:
    facts = [f"Tenant:   {printable(job.tenant)}", f"Export:   {job.code}", f"Started:  {_minute(job.created_date)}"]
    if job.completed_date is not None:
        facts.append(f"Ended:    {_minute(job.completed_date)}")
    if job.status is JobStatus.COMPLETED and job.total_items is not None:
        facts.append(f"Clients:  {job.total_items:,}")
    if job.file_bytes is not None:
        facts.append(f"File:     {_size(job.file_bytes)}")
    if job.expiry_date is not None:
        facts.append(f"Kept:     until {_minute(job.expiry_date)}")
    return facts


def _where(public_url: str) -> str:
    return f": {public_url}/#history" if public_url else " to the service."


def _join(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _size(size_bytes: int) -> str:
    value, unit = float(size_bytes), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.{1 if unit else 0}f} {_UNITS[unit]}"
