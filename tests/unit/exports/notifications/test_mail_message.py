"""The e-mail about the end of a job says how it ended, and holds no data of clients and no link to the file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.notifications.mail_message import end_message, trial_message
from exports.request.body import NotifyDto
from exports.request.filters import ClientFilter
from tests.support.builders import a_job

NOW = datetime(2026, 11, 23, 21, 34, 56, tzinfo=UTC)
SECRET = "s3cret"
FAILURE = Failure(code="rejected", message=f"Page 1, clients {SECRET} to Z.", retryable=False, resumable=True)


def some_job() -> Job:
    """A job in which every text of a caller or a client is a secret."""
    job = a_job(notify=NotifyDto(webhook_url=f"https://hooks.example/{SECRET}", email=("a@example.com",)))
    spec = job.spec.model_copy(update={"filter": ClientFilter(search=SECRET)})
    return replace(job, spec=spec, file_name=f"{SECRET}.csv", created_date=NOW).begin(NOW).plan(6_871)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_the_message_holds_no_text_of_a_caller_and_no_link_but_the_page(end: str) -> None:
    job = {
        "completed": some_job().complete(NOW, 6_871, 412_260, timedelta(days=1)),
        "failed": some_job().fail(NOW, FAILURE),
        "cancelled": some_job().cancel(NOW),
    }[end]

    message = end_message(job, "msg_1", NOW, "https://exports.example")

    assert message.subject == f"Client export {end}"
    assert SECRET not in message.text
    assert job.code in message.text
    links = [word for word in message.text.split() if "://" in word]
    assert links == ["https://exports.example/#history"]


def test_the_message_of_a_completed_job_tells_its_size_and_expiry() -> None:
    job = some_job().complete(NOW, 6_871, 412_260, timedelta(days=1))

    text = end_message(job, "msg_1", NOW, "").text

    assert "Clients:  6,871\n" in text
    assert "File:     412.3 kB\n" in text
    assert "Kept:     until 2026-11-24 21:34 UTC\n" in text
    assert text.endswith("To download the file, sign in to the service.\n")


def test_a_tenant_with_line_breaks_adds_no_line() -> None:
    message = trial_message("a\r\nBcc: b@example.com", "msg_1", NOW, "")

    assert "Tenant:   a??Bcc: b@example.com\n" in message.text
    assert "\r" not in message.text
