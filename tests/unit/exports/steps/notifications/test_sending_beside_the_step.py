"""A try that takes long goes on beside its step. The step is called again for the result, or makes the try later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.sending_room import HANGS_BEFORE_REST
from exports.steps.notifications import one_try
from exports.steps.notifications.send_webhook import ASK_AGAIN_SECONDS, send_webhook
from exports.workflow.commands import SendWebhook
from exports.workflow.outcomes import Done, Undelivered
from shared.outbound import TIMEOUT_SECONDS
from tests.support.fake_webhooks import MemoryWebhookSender
from tests.support.fakes import MemoryServices
from tests.support.waiting import wait_until
from tests.unit.exports.steps.notifications.test_send_webhook import a_failed_job, some_services

UNDER_WAY = Undelivered(ask_again_seconds=ASK_AGAIN_SECONDS, under_way=True)
HUNG = SendResult(fault="timeout", milliseconds=5000)


class HeldSender(MemoryWebhookSender):
    """A sender whose receivers do not answer before `release`."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        result = super().post(url, body, headers)
        assert self.released.wait(60)
        return result


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryServices]:
    """Services with a `HeldSender`, for steps that do not wait."""
    monkeypatch.setattr(one_try, "ATTENDED_SECONDS", 0)
    found = some_services()
    sender = HeldSender()
    object.__setattr__(found, "webhooks", sender)
    yield found
    sender.released.set()
    wait_until(lambda: not found.sending._inside)


def send(services: MemoryServices, job: Job, number: int = 1, *, begun: bool = False, postponed: int = 0) -> object:
    command = SendWebhook(job=job.ref, number=number, begun=begun or None, postponed=postponed or None)
    return send_webhook(services, command)


def release(services: MemoryServices) -> None:
    """Let the receivers answer, and wait until all tries have ended."""
    assert isinstance(services.webhooks, HeldSender)
    services.webhooks.released.set()
    wait_until(lambda: not services.sending._inside)


def logged(services: MemoryServices, job: Job) -> list[Delivery]:
    return list(services.deliveries.deliveries(job.tenant, job.code))


def rest(services: MemoryServices, job: Job) -> None:
    """Let the receiver hang until it rests."""
    services.webhooks.answers = [HUNG] * HANGS_BEFORE_REST
    release(services)
    for number in range(HANGS_BEFORE_REST):
        send(services, job, number + 1)
        wait_until(lambda: not services.sending._inside)


def test_the_step_does_not_wait_for_a_receiver_that_takes_long(services: MemoryServices) -> None:
    job = a_failed_job(services)
    assert send(services, job) == UNDER_WAY
    assert logged(services, job) == []


def test_the_result_is_asked_for_when_the_try_must_have_ended() -> None:
    """A timer of the real Durable extension may fire a second early."""
    assert ASK_AGAIN_SECONDS - 1 > TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (SendResult(status=204), Done()),
        (HUNG, Undelivered()),
        (SendResult(status=410), Undelivered(final=True)),
        (SendResult(status=503, retry_after="90"), Undelivered(retry_after_seconds=90)),
    ],
)
def test_the_next_call_finds_the_result_of_the_try(
    services: MemoryServices, answer: SendResult, outcome: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    services.webhooks.answers = [answer]
    job = a_failed_job(services)
    send(services, job)
    release(services)

    assert caplog.text == ""
    assert send(services, job, begun=True) == outcome
    assert len(services.webhooks.posted) == 1
    assert caplog.text.count("event=webhook.") == 1


def test_a_try_that_is_under_way_is_not_made_twice(services: MemoryServices) -> None:
    job = a_failed_job(services)
    assert [send(services, job), send(services, job), send(services, job, begun=True)] == [UNDER_WAY] * 3
    release(services)
    assert len(services.webhooks.posted) == 1


def test_a_try_whose_process_ended_is_made_again(services: MemoryServices) -> None:
    job = a_failed_job(services)
    release(services)
    send(services, job, begun=True)
    wait_until(lambda: len(services.webhooks.posted) == 1)


def test_a_try_that_could_not_be_logged_beside_its_step_is_made_again(services: MemoryServices) -> None:
    job = a_failed_job(services)

    def fail_once() -> None:
        services.deliveries.before_append = lambda: None
        raise StorageUnavailableError("Table Storage did not answer.")

    services.deliveries.before_append = fail_once
    send(services, job)
    release(services)
    send(services, job, begun=True)
    release(services)

    assert send(services, job, begun=True) == Done()
    assert len({posted.headers["webhook-id"] for posted in services.webhooks.posted}) == 1
    assert len(services.webhooks.posted) == 2


def test_a_try_that_cannot_read_its_job_frees_its_room(
    services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise StorageUnavailableError("Table Storage did not answer.")

    job = a_failed_job(services)
    monkeypatch.setattr(one_try, "processed_items", fail)
    with pytest.raises(StorageUnavailableError):
        send(services, job)
    assert not services.sending._inside


def test_only_one_try_is_waited_for(services: MemoryServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second step must not wait. It would wait here for a minute, longer than the test may take."""
    monkeypatch.setattr(one_try, "ATTENDED_SECONDS", 60)
    first, second = a_failed_job(services), a_failed_job(services)
    waiting = threading.Thread(target=send, args=(services, first))
    waiting.start()
    wait_until(lambda: services.sending.attention._value == 0)

    assert send(services, second) == UNDER_WAY
    release(services)
    waiting.join()
    assert len(logged(services, first)) == 1


def test_a_receiver_that_did_not_answer_its_last_try_is_not_waited_for(
    services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.webhooks.answers = [HUNG]
    job = a_failed_job(services)
    send(services, job)
    release(services)
    services.webhooks.released.clear()  # type: ignore[attr-defined]
    monkeypatch.setattr(one_try, "ATTENDED_SECONDS", 60)

    assert send(services, job, 2) == UNDER_WAY


def test_a_try_for_a_receiver_that_rests_is_made_after_the_rest(services: MemoryServices) -> None:
    job = a_failed_job(services)
    rest(services, job)

    outcomes = [send(services, job, 4, postponed=postponed) for postponed in (0, 1)]

    assert not services.sending._inside
    assert len(services.webhooks.posted) == HANGS_BEFORE_REST
    for outcome in outcomes:
        assert isinstance(outcome, Undelivered)
        assert outcome.ask_again_seconds is not None
        assert (outcome.final, outcome.under_way) == (False, None)
        assert 15 < outcome.ask_again_seconds < 15 + 40 * 1.25 + 1
    assert [(each.number, each.fault) for each in logged(services, job)[3:]] == [(4, "resting")]


def test_a_try_without_room_is_made_later_after_growing_pauses(services: MemoryServices) -> None:
    jobs = [a_failed_job(services) for _ in range(3)]
    for job in jobs[:2]:
        send(services, job)

    pauses = []
    for postponed in (0, 3, 30):
        outcome = send(services, jobs[2], postponed=postponed)
        assert isinstance(outcome, Undelivered)
        pauses.append(outcome.ask_again_seconds)

    assert pauses == [pytest.approx(pause, rel=0.26) for pause in (2, 16, 1800)]
    assert [each.fault for each in logged(services, jobs[2])] == ["no-room"]


def test_a_postponed_try_is_made_under_its_number_when_there_is_room(services: MemoryServices) -> None:
    jobs = [a_failed_job(services) for _ in range(3)]
    for job in jobs:
        send(services, job)
    release(services)

    send(services, jobs[2], postponed=1)
    wait_until(lambda: len(logged(services, jobs[2])) == 2)

    assert [(each.number, each.fault, each.status) for each in logged(services, jobs[2])] == [
        (1, "no-room", None),
        (1, None, 204),
    ]


def test_a_webhook_that_is_given_up_is_in_the_log_and_sends_nothing(
    services: MemoryServices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    job = a_failed_job(services)
    command = SendWebhook(job=job.ref, number=len(services.settings.webhook_retry_seconds) + 1, given_up=True)

    assert send_webhook(services, command) == Undelivered(final=True)

    assert services.webhooks.posted == []
    assert [each.fault for each in logged(services, job)] == ["given-up"]
    assert "event=webhook.undelivered" in caplog.text


def test_a_webhook_that_arrived_meanwhile_is_not_given_up(services: MemoryServices) -> None:
    job = a_failed_job(services)
    release(services)
    send(services, job)
    wait_until(lambda: logged(services, job))
    assert send_webhook(services, SendWebhook(job=job.ref, number=10, given_up=True)) == Done()


def test_a_webhook_that_arrived_by_other_means_is_not_sent_after_a_rest(services: MemoryServices) -> None:
    job = a_failed_job(services)
    rest(services, job)
    services.sending._hangs.clear()
    send(services, job, 0)
    wait_until(lambda: len(logged(services, job)) == HANGS_BEFORE_REST + 1)

    assert send(services, job, 4, postponed=1) == Done()
    assert len(services.webhooks.posted) == HANGS_BEFORE_REST + 1


def test_a_try_that_gets_no_thread_leaves_its_room_to_others(
    services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        send(services, a_failed_job(services))
    assert not services.sending._inside
