"""A service that cannot reach its clients: webhook and smoke test say so, and every event of it reaches the log.

The host drops no record, because each belongs to its invocation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.test_smoke import failed_lines, smoke
from tests.e2e.test_webhooks import DEVELOPMENT, as_sent, body_with_webhook, verified
from tests.support.app_functions import timer_names
from tests.support.event_calls import ROWS, events_of
from tests.support.leaks import dropped_records
from tests.support.receiver import a_receiver
from tests.support.system import System, running_system

BAD = "sqlite:////nowhere/at/all.sqlite"


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that cannot reach its clients, so that its steps, its health check and its threads log failures."""
    directory = tmp_path_factory.mktemp("noisy")
    settings = {**DEVELOPMENT, "EXPORT_RETRY_TRIES": "2"}
    with running_system(directory, BAD, settings, healthy=False, workers=1) as running:
        yield running


def test_no_record_of_jobs_webhooks_timers_and_health_is_lost(noisy: System) -> None:
    """A job that fails logs in activities, its webhook in a thread, and the watchdog in the threads that it awaits."""
    with a_receiver() as receiver:
        body = {"notify": {"webhookUrl": receiver.url}}
        job = noisy.wait(noisy.start_async(body))
        receiver.wait_for(1)
    assert job["status"] == "Failed"
    assert noisy.call("GET", "/health").status == 503
    for timer in timer_names():
        noisy.call("POST", f"/admin/functions/{timer}", key=None)
    noisy.wait_until(lambda: "event=watch.ended" in noisy.log)
    events = list(events_of(noisy.log))
    names = {event["event"] for event in events}
    assert {"source.unreached", "step.failed", "job.started", "job.ended", "webhook.delivered", "watch.ended"} <= names
    assert dropped_records(noisy.log) == []


def test_every_line_of_an_event_is_as_documented(noisy: System) -> None:
    noisy.wait(noisy.start_async())
    for event in events_of(noisy.log):
        assert set(event) <= {"event", "request", *ROWS[event["event"]][1]}, event


def test_a_request_is_found_in_its_answers_and_in_all_events_of_its_job(noisy: System) -> None:
    answer = noisy.start_export(prefer="respond-async", x_request_id="of-the-caller.1")
    job = noisy.wait(answer.headers["location"])
    other = noisy.call("GET", f"{answer.headers['location']}/download", x_request_id="not sane")
    assert answer.headers["x-request-id"] == "of-the-caller.1"
    assert other.status == 409
    assert re.fullmatch("[0-9a-f]{32}", other.headers["x-request-id"])
    assert other.json["requestId"] == other.headers["x-request-id"]
    events = [event for event in events_of(noisy.log) if event.get("job") == job["code"]]
    assert {"job.started", "step.failed", "job.ended"} == {event["event"] for event in events}
    assert {event["request"] for event in events} == {"of-the-caller.1"}
    assert [event["status"] for event in events if event["event"] == "job.ended"] == ["Failed"]


def test_the_webhook_of_a_failed_job_has_the_reason(noisy: System) -> None:
    with a_receiver() as receiver:
        job = noisy.wait(noisy.start_async(body_with_webhook(receiver)))
        (received,) = receiver.wait_for(1)

    assert verified(received) == as_sent(job)
    assert (job["status"], job["failure"]["code"]) == ("Failed", "source-refused")


def test_a_database_that_is_gone_fails_in_one_line(noisy: System) -> None:
    done = smoke(noisy.url, "--quick")
    assert done.code == 1
    (line,) = failed_lines(done)
    assert "health" in line
    assert "clients: " in line
    assert "Traceback" not in done.out + done.err
