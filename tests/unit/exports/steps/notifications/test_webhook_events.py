"""The log tells how each try of a webhook ended, and once that a webhook is given up."""

from __future__ import annotations

import re

import pytest

from exports.notifications.delivery import SendResult
from tests.unit.exports.steps.notifications.test_send_webhook import a_failed_job, send, some_services

GONE, ERROR = SendResult(status=410, milliseconds=12), SendResult(status=500, milliseconds=12)
SILENT = SendResult(fault="timeout", milliseconds=5_000)


@pytest.mark.parametrize(
    ("answer", "number", "event", "error"),
    [
        (SendResult(status=204), 1, "webhook.delivered", None),
        (ERROR, 1, "webhook.retried", "status-500"),
        (SILENT, 2, "webhook.retried", "timeout"),
        (SILENT, 3, "webhook.undelivered", "timeout"),
        (GONE, 1, "webhook.undelivered", "status-410"),
    ],
)
def test_a_webhook_is_given_up_after_its_last_try_or_a_final_answer(
    answer: SendResult, number: int, event: str, error: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    services = some_services(EXPORT_WEBHOOK_RETRY_SECONDS="5 300")
    services.webhooks.answers = [answer]
    job = a_failed_job(services)
    send(services, job, number)
    (line,) = [message for message in caplog.messages if message.startswith("event=webhook.")]
    fields = dict(re.findall(r"(\w+)=(\S+)", line))
    assert (fields["event"], fields["job"], fields["number"]) == (event, job.code, str(number))
    assert fields.get("error") == error
    assert fields.get("answer") == (str(answer.status) if answer.status else None)
