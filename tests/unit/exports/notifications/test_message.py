"""The message that a webhook sends to its receiver."""

from __future__ import annotations

import json
from datetime import timedelta

from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.notifications.message import event_body, event_id
from tests.support.builders import NOON, a_job

FAILURE = Failure(code="interrupted", message="Why.", retryable=True, resumable=True)


def _completed() -> Job:
    return a_job(code="7ybq").begin(NOON).plan(3).complete(NOON, 3, 70, timedelta(hours=1))


def test_the_body_is_the_job_without_its_download_link() -> None:
    body = json.loads(event_body(_completed(), 3))
    assert "downloadUrl" not in body
    assert (body["code"], body["status"], body["processedItems"], body["fileSize"]) == ("7ybq", "Completed", 3, 70)
    assert body["completedDate"] == "2026-01-31T12:00:00.000Z"


def test_the_body_of_a_failed_job_contains_the_failure() -> None:
    body = json.loads(event_body(a_job().begin(NOON).fail(NOON, FAILURE), 0))
    assert body["failure"]["code"] == "interrupted"


def test_every_end_of_a_job_has_an_id_of_its_own() -> None:
    job = _completed()
    failed = a_job(code="7ybq").fail(NOON, FAILURE)
    again = failed.resume().fail(NOON, FAILURE)
    ids = [event_id(each) for each in (job, failed, again, a_job(code="7ybr").fail(NOON, FAILURE))]
    assert ids[0] == "msg_7ybq_1_completed"
    assert len(set(ids)) == 4
    assert not any("." in each for each in ids)
