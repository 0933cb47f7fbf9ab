"""Every event of the service reaches the log: the host drops no record, because each belongs to its invocation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.app_functions import timer_names
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
    assert {"source.unreached", "step.failed"} <= set(re.findall(r"event=([\w.]+)", noisy.log))
    assert dropped_records(noisy.log) == []
