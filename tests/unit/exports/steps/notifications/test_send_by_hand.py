"""Tests and repeats of a notification: sent at once, audited first, limited, and by the rules of real ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exports.errors import JobNotFoundError, NotNotifiedError, TooManySendsError
from exports.jobs.audit import AuditAction
from exports.jobs.job import Job
from exports.notifications.delivery import SendResult
from exports.notifications.sending_room import TRIES_OF_A_TENANT, Try
from exports.notifications.sends_by_hand import MOST_SENDS
from exports.notifications.target import Channel
from exports.notifications.view import DeliveryDto, NotificationTestDto
from exports.request.body import NotifyDto
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.schedules.body import SaveScheduleDto
from exports.steps.notifications.send_by_hand import list_deliveries, send_again, send_test
from exports.steps.schedules.save_schedules import create_schedule
from shared.lists import decode_token
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job

URL = "https://hooks.example/s3cret"
NOTIFY = NotifyDto(webhook_url=URL, email=("a@example.com",))
ACTOR = "key"


@pytest.fixture
def services() -> MemoryServices:
    """Services that can send webhooks and e-mail."""
    return replace(a_services(EXPORT_WEBHOOK_SECRET="m" * 32), mail=MemoryMailSender())


def mail_of(services: MemoryServices) -> MemoryMailSender:
    assert isinstance(services.mail, MemoryMailSender)
    return services.mail


def a_cancelled_job(services: MemoryServices, notify: NotifyDto | None = NOTIFY) -> Job:
    job = a_stored_job(services, notify=notify)
    return services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()))


def try_out(services: MemoryServices, **body: Any) -> list[tuple[Any, ...]]:
    request = NotificationTestDto.model_validate(body)
    answers = send_test(services, TENANT, ACTOR, request).data
    return [(each.channel, each.receiver, each.delivered, each.status, each.fault) for each in answers]


# --- tests


def test_a_test_goes_to_every_receiver_and_says_how_each_has_answered(services: MemoryServices) -> None:
    services.webhooks.answers = [SendResult(status=500)]

    assert try_out(services, webhookUrl=URL, email=["a@example.com"]) == [
        (Channel.WEBHOOK, "https://hooks.example", False, 500, None),
        (Channel.EMAIL, "a@example.com", True, 250, None),
    ]
    (posted,), ((_, message),) = services.webhooks.posted, mail_of(services).sent
    assert posted.headers["webhook-id"].startswith("msg_test_")
    assert posted.headers["webhook-id"] == message.event_id


def test_the_webhook_of_a_test_is_that_of_a_cancelled_job_with_the_property_test(services: MemoryServices) -> None:
    try_out(services, webhookUrl=URL)

    body = json.loads(services.webhooks.posted[0].body)
    assert (body["test"], body["status"], body["failure"]) == (True, "Cancelled", None)
    assert "downloadUrl" not in body
    assert services.jobs.get(TENANT, body["code"]) is None


@pytest.mark.parametrize("url", ["http://hooks.example/", "https://10.0.0.1/", "https://localhost/"])
def test_a_test_goes_only_where_a_real_notification_may_go(services: MemoryServices, url: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        try_out(services, webhookUrl=url, email=["a@other.example"])

    assert [fault.pointer for fault in refused.value.faults] == ["/webhookUrl", "/email/0"]
    assert (services.webhooks.posted, mail_of(services).sent) == ([], [])
    assert list(services.audit.entries(TENANT, services.now().date())) == []


def test_a_test_is_audited_without_path_query_and_name(services: MemoryServices) -> None:
    try_out(services, webhookUrl=URL, email=["a@example.com"])

    (entry,) = services.audit.entries(TENANT, services.now().date())
    assert (entry.action, entry.actor) == (AuditAction.NOTIFICATION_TESTED, ACTOR)
    assert entry.receivers == ("https://hooks.example", "mailto:example.com")
    assert entry.code == services.webhooks.posted[0].headers["webhook-id"]


def test_the_shortened_url_of_a_schedule_is_tested_with_its_stored_url(services: MemoryServices) -> None:
    body = SaveScheduleDto.model_validate(
        {"name": "Daily", "cron": "0 6 * * *", "request": {"notify": {"webhookUrl": URL}}}
    )
    schedule = create_schedule(services, TENANT, body, ACTOR, SensitiveFields.ALLOWED)
    assert schedule.request.notify is not None
    shown = schedule.request.notify.webhook_url

    try_out(services, webhookUrl=shown, scheduleCode=schedule.code)

    assert [posted.url for posted in services.webhooks.posted] == [URL]
    for code in (None, "0" * 20, "no code"):
        with pytest.raises(InvalidSpecError):
            try_out(services, webhookUrl=shown, scheduleCode=code)
    with pytest.raises(InvalidSpecError):
        try_out(services, webhookUrl="https://other.example/***", scheduleCode=schedule.code)
    request = NotificationTestDto(webhook_url=shown, schedule_code=schedule.code)
    with pytest.raises(InvalidSpecError):
        send_test(services, "other", ACTOR, request)


def test_beyond_the_limit_nothing_is_sent_and_the_caller_is_told_how_long_to_wait(services: MemoryServices) -> None:
    job = a_cancelled_job(services)
    for _ in range(MOST_SENDS):
        try_out(services, webhookUrl=URL)

    for act in (lambda: try_out(services, webhookUrl=URL), lambda: send_again(services, TENANT, job.code, ACTOR)):
        with pytest.raises(TooManySendsError) as refused:
            act()
        assert 0 < refused.value.retry_after_seconds <= 60
    assert len(services.webhooks.posted) == MOST_SENDS


def test_a_test_that_finds_no_room_is_not_sent_and_says_so(services: MemoryServices) -> None:
    for number in range(TRIES_OF_A_TENANT):
        assert services.sending.enter(Try(TENANT, f"https://{number}.example", "msg_1", 1)) is None

    assert try_out(services, webhookUrl=URL) == [(Channel.WEBHOOK, "https://hooks.example", False, None, "no-room")]
    assert services.webhooks.posted == []


def test_a_test_gives_its_room_back(services: MemoryServices) -> None:
    for _ in range(MOST_SENDS):
        ((_, _, delivered, _, _),) = try_out(services, webhookUrl=URL)
        assert delivered


# --- repeats


def test_sending_again_reaches_every_receiver_under_the_same_ids_and_is_logged(services: MemoryServices) -> None:
    job = a_cancelled_job(services)

    first = send_again(services, TENANT, job.code, ACTOR)
    second = send_again(services, TENANT, job.code, ACTOR)

    assert [(each.channel, each.number, each.delivered) for each in first.data] == [
        (Channel.WEBHOOK, 0, True),
        (Channel.EMAIL, 0, True),
    ]
    assert [each.event_id for each in first.data] == [each.event_id for each in second.data]
    assert len(list(services.deliveries.deliveries(TENANT, job.code))) == 4
    entries = list(services.audit.entries(TENANT, services.now().date()))
    assert {(entry.action, entry.code) for entry in entries} == {(AuditAction.NOTIFICATION_SENT_AGAIN, job.code)}


def test_only_an_ended_job_with_a_receiver_is_notified_again(services: MemoryServices) -> None:
    for job in (a_cancelled_job(services, None), a_stored_job(services, notify=NOTIFY)):
        with pytest.raises(NotNotifiedError):
            send_again(services, TENANT, job.code, ACTOR)
    with pytest.raises(JobNotFoundError):
        send_again(services, "other", a_cancelled_job(services).code, ACTOR)
    assert services.webhooks.posted == []


# --- the list


def test_the_list_of_tries_continues_where_the_previous_part_ended(services: MemoryServices) -> None:
    job = a_cancelled_job(services)
    services.webhooks.answers = [SendResult(status=500), SendResult(fault="timeout")]
    for _ in range(3):
        send_again(services, TENANT, job.code, ACTOR)
        services.now.advance(minutes=1)

    found: list[DeliveryDto] = []
    after = None
    while True:
        part = list_deliveries(services, TENANT, job.code, 4, after)
        found += part.data
        if part.continuation_token is None:
            break
        after = decode_token(part.continuation_token)

    assert [(each.receiver, each.status) for each in found if each.channel is Channel.WEBHOOK] == [
        ("https://hooks.example", 500),
        ("https://hooks.example", None),
        ("https://hooks.example", 204),
    ]
    assert len(found) == 6


def test_a_try_that_is_logged_between_two_answers_repeats_and_hides_no_other(services: MemoryServices) -> None:
    job = a_cancelled_job(services)
    for _ in range(2):
        send_again(services, TENANT, job.code, ACTOR)
        services.now.advance(minutes=1)
    whole = list_deliveries(services, TENANT, job.code, 25).data
    first = list_deliveries(services, TENANT, job.code, 2)

    earlier = next(services.deliveries.deliveries(TENANT, job.code)).model_copy(
        update={"moment": whole[0].sent_date - timedelta(minutes=1)}
    )
    services.deliveries.append(earlier)  # it began first, and ended late
    assert first.continuation_token is not None
    rest = list_deliveries(services, TENANT, job.code, 25, decode_token(first.continuation_token))
    assert (*first.data, *rest.data) == whole


def test_the_tries_of_another_tenant_are_not_listed(services: MemoryServices) -> None:
    with pytest.raises(JobNotFoundError):
        list_deliveries(services, "other", a_cancelled_job(services).code, 25)
