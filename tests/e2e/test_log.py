"""Every event of the service reaches the log: the host drops no record, because each belongs to its invocation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

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
    settings = {
        "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
        "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
        "EXPORT_RETRY_TRIES": "2",
    }
    with running_system(directory, BAD, settings, healthy=False) as running:
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
