"""What a receiver is sent, where it may be, and how its answers are understood."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.notifications.webhook import Sent, event_body, event_id, origin_of, secrets_of, why_refused
from tests.support.builders import NOON, a_job

FAILURE = Failure(code="interrupted", message="Why.", retryable=True, resumable=True)


def _completed() -> Job:
    return a_job(code="7ybq").begin(NOON).plan(3).complete(NOON, 3, 70, timedelta(hours=1))


def test_the_body_is_the_job_without_a_link() -> None:
    body = json.loads(event_body(_completed(), 3))
    assert "downloadUrl" not in body
    assert (body["code"], body["status"], body["processedItems"], body["fileSize"]) == ("7ybq", "Completed", 3, 70)
    assert body["completedDate"] == "2026-01-31T12:00:00.000Z"


def test_the_body_of_a_failed_job_says_why() -> None:
    body = json.loads(event_body(a_job().begin(NOON).fail(NOON, FAILURE), 0))
    assert body["failure"]["code"] == "interrupted"


def test_the_id_is_that_of_the_end_and_of_no_other() -> None:
    job = _completed()
    failed = a_job(code="7ybq").fail(NOON, FAILURE)
    again = failed.resume().fail(NOON, FAILURE)
    ids = [event_id(each) for each in (job, failed, again, a_job(code="7ybr").fail(NOON, FAILURE))]
    assert ids[0] == "msg_7ybq_1_completed"
    assert len(set(ids)) == 4
    assert not any("." in each for each in ids)


def test_path_and_query_of_a_url_are_not_shown() -> None:
    assert origin_of("https://hooks.example:8443/services/T0/B0/s3cret?key=s3cret") == "https://hooks.example:8443"


def test_every_master_gives_a_secret_the_present_one_first() -> None:
    masters = ("n" * 32, "o" * 32)
    both = secrets_of(masters, "tenant")
    assert both[0] == secrets_of(masters[:1], "tenant")[0]
    assert len(set(both)) == 2


# --- where it may go


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hooks.example.com/", None),
        ("https://93.184.216.34/", None),
        ("http://hooks.example.com/", "Use https."),
        ("https://127.0.0.1/", "public Internet"),
        ("https://2130706433/", "public Internet"),
        ("https://[::ffff:10.0.0.1]/", "public Internet"),
        ("https://169.254.169.254/metadata", "public Internet"),
        ("https://168.63.129.16/", "public Internet"),
        ("https://localhost/", "public Internet"),
        ("https://azurite/", "public Internet"),
        ("https://metadata.google.internal/", "public Internet"),
    ],
)
def test_what_is_plainly_not_public_is_refused_at_once(url: str, why: str | None) -> None:
    refused = why_refused(url, allow_private=False)
    assert refused is None if why is None else refused is not None and why in refused
    assert why_refused(url, allow_private=True) is None


# --- answers


@pytest.mark.parametrize(
    ("sent", "delivered", "final"),
    [
        (Sent(status=200), True, False),
        (Sent(status=204), True, False),
        (Sent(status=299), True, False),
        (Sent(status=199), False, False),
        (Sent(status=302), False, False),
        (Sent(status=404), False, False),
        (Sent(status=410), False, True),
        (Sent(status=500), False, False),
        (Sent(fault="timeout"), False, False),
        (Sent(fault="address-refused"), False, True),
    ],
)
def test_2xx_is_delivered_and_only_gone_and_a_refused_address_are_final(
    sent: Sent, delivered: bool, final: bool
) -> None:
    assert (sent.is_delivered, sent.is_final) == (delivered, final)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (503, "120", 120),
        (429, " 120 ", 120),
        (429, "Sat, 31 Jan 2026 12:02:00 GMT", 120),
        (429, "Sat, 31 Jan 2026 11:00:00 GMT", 0),
        (429, "-5", 0),
        (429, "soon", 0),
        (429, "", 0),
        (429, None, 0),
        (429, "9" * 400, 86_400),
        (429, "²", 0),
        (500, "120", 0),
    ],
)
def test_a_busy_receiver_is_left_alone_as_long_as_it_asks_for_within_a_day(
    status: int, header: str | None, seconds: float
) -> None:
    assert Sent(status=status, retry_after=header).retry_after_seconds(NOON) == seconds
