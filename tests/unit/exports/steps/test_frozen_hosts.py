"""A host that was frozen while it stored an attempt, and then dies, leaves no attempt that nobody watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.resume_export import resume_export
from exports.steps.snapshots.begin_snapshot_again import begin_snapshot_again
from exports.workflow.commands import BeginSnapshotAgain
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import MemoryServices
from tests.support.steps import TENANT, stored
from tests.support.watched_jobs import Crash, a_system, crash, run_watchdog, start, watched_attempts

MINUTES_FROZEN = 17
Begin = Callable[[MemoryServices, MemoryOrchestrationClient], None]


def begin_first(services: MemoryServices, client: MemoryOrchestrationClient) -> None:
    start(services, client)


def begin_resumed(services: MemoryServices, client: MemoryOrchestrationClient) -> None:
    (job,) = services.jobs.all()
    asyncio.run(resume_export(services, client, TENANT, job.code, "me"))


def begin_retried(services: MemoryServices, client: MemoryOrchestrationClient) -> None:
    (job,) = services.jobs.all()
    asyncio.run(begin_snapshot_again(services, client, BeginSnapshotAgain(job=job.ref)))


@pytest.mark.parametrize("stopped", ["neither clock", "now", "clock"])
@pytest.mark.parametrize(
    ("begin", "method"), [(begin_first, "create"), (begin_resumed, "change"), (begin_retried, "change")]
)
def test_an_attempt_is_watched_although_its_host_was_frozen_before_it_stored_it(
    begin: Begin, method: str, stopped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile, the watchdog on another host gives up the entry. One of the clocks may stop while the host does."""
    services, client = a_system()
    if begin is not begin_first:
        job = start(services, client)
        if begin is begin_resumed:
            cancel_export(services, TENANT, job.code, "me")
    store = getattr(services.jobs, method)

    def store_after_freeze(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        moment, seconds = services.now.moment, services.clock.seconds
        run_watchdog(services, client, times=MINUTES_FROZEN)
        services.now.moment = moment if stopped == "now" else services.now.moment
        services.clock.seconds = seconds if stopped == "clock" else services.clock.seconds
        return store(*arguments, **named)

    client.before_start = crash
    monkeypatch.setattr(services.jobs, method, store_after_freeze)
    with suppress(Crash):
        begin(services, client)
    client.before_start = lambda: None
    (job,) = services.jobs.all()
    assert (job.code, job.attempt) in watched_attempts(services)

    run_watchdog(services, client, times=5)
    assert [instance for _, instance, _ in client.started][-1] == stored(services, job).ref.instance_id
