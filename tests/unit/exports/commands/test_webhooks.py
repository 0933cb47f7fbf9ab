"""The command `python -m exports webhooks`."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from exports import __main__ as commands
from exports.commands import webhooks
from exports.errors import StorageUnavailableError
from exports.jobs.audit import AuditAction
from exports.jobs.job import Job
from exports.notifications.delivery import SendResult
from exports.request.body import NotifyDto
from exports.steps.notifications.send_webhook import send_webhook
from exports.workflow.commands import SendWebhook
from shared.standard_webhooks import derive_secret
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job

MASTER = "m" * 32
NOTIFY = NotifyDto(webhook_url="https://hooks.example/s3cret")


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> MemoryServices:
    """The services that the command uses."""
    memory = a_services(EXPORT_WEBHOOK_SECRET=f"{MASTER} {'o' * 32}")
    monkeypatch.setattr(webhooks, "open_services", lambda _: memory)
    return memory


def _a_cancelled_job(services: MemoryServices, notify: NotifyDto | None = NOTIFY) -> Job:
    job = a_stored_job(services, notify=notify)
    return services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()))


def _run(*arguments: str, tenant: str = TENANT) -> int:
    return commands.main(["webhooks", arguments[0], "--tenant", tenant, *arguments[1:]])


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_printed_secret_of_a_tenant_is_the_current_one(
    services: MemoryServices, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("secret") == 0
    assert capsys.readouterr().out == f"{derive_secret(MASTER, TENANT)}\n"


def test_tries_are_listed_as_json_lines(services: MemoryServices, capsys: pytest.CaptureFixture[str]) -> None:
    job, other = _a_cancelled_job(services), _a_cancelled_job(services)
    services.webhooks.answers = [SendResult(status=500, milliseconds=3)]
    for each, number in ((job, 1), (job, 2), (other, 1)):
        send_webhook(services, SendWebhook(job=each.ref, number=number))

    assert _run("list", "--code", job.code) == 0
    first, second = _lines(capsys)
    assert (first["number"], first["status"], first["milliseconds"]) == (1, 500, 3)
    assert (second["number"], second["status"], second["origin"]) == (2, 204, "https://hooks.example")
    assert _run("list") == 0
    assert len(_lines(capsys)) == 3


def test_tries_of_another_tenant_are_not_listed(services: MemoryServices, capsys: pytest.CaptureFixture[str]) -> None:
    send_webhook(services, SendWebhook(job=_a_cancelled_job(services).ref, number=1))
    assert _run("list", tenant="other") == 0
    assert capsys.readouterr().out == ""


def test_a_replay_sends_even_a_delivered_webhook_again_with_its_id_and_is_logged(
    services: MemoryServices, capsys: pytest.CaptureFixture[str]
) -> None:
    job = _a_cancelled_job(services)
    send_webhook(services, SendWebhook(job=job.ref, number=1))

    assert _run("replay", "--code", job.code) == 0

    assert capsys.readouterr().out == "The receiver accepted the webhook: 204, after 0 ms.\n"
    first, second = services.webhooks.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [each.number for each in services.deliveries.deliveries(TENANT, job.code)] == [1, 0]
    (entry,) = services.audit.all
    assert (entry.action, entry.actor, entry.code) == (AuditAction.NOTIFICATION_SENT_AGAIN, "command", job.code)
    assert entry.receivers == ("https://hooks.example",)


@pytest.mark.parametrize(
    ("result", "reason"),
    [(SendResult(status=500, milliseconds=4), "500, after 4 ms"), (SendResult(fault="timeout"), "timeout")],
)
def test_a_replay_that_the_receiver_does_not_accept_fails_with_the_result(
    services: MemoryServices, capsys: pytest.CaptureFixture[str], result: SendResult, reason: str
) -> None:
    services.webhooks.answers = [result]
    assert _run("replay", "--code", _a_cancelled_job(services).code) == 1
    message = capsys.readouterr().err
    assert reason in message
    assert "s3cret" not in message


def test_a_replay_that_is_not_possible_is_refused_with_its_reason(
    services: MemoryServices, capsys: pytest.CaptureFixture[str]
) -> None:
    running = a_stored_job(services, notify=NOTIFY)
    for code, reason in (
        ("nope", "no job nope"),
        (_a_cancelled_job(services, notify=None).code, "without notify"),
        (running.code, "is Queued"),
    ):
        assert _run("replay", "--code", code) == 1
        assert reason in capsys.readouterr().err
    assert services.webhooks.posted == []


def test_a_job_of_another_tenant_is_not_replayed(services: MemoryServices) -> None:
    assert _run("replay", "--code", _a_cancelled_job(services).code, tenant="other") == 1
    assert services.webhooks.posted == []


@pytest.mark.parametrize("action", [["secret"], ["replay"]])
def test_without_a_secret_the_command_names_the_missing_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], action: list[str]
) -> None:
    memory = a_services()
    monkeypatch.setattr(webhooks, "open_services", lambda _: memory)
    code = _a_cancelled_job(memory).code
    assert _run(*action, *(["--code", code] if action == ["replay"] else [])) == 1
    assert "EXPORT_WEBHOOK_SECRET" in capsys.readouterr().err


def test_a_replay_of_e_mail_alone_needs_the_mail_server_and_no_webhook_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_mail, without = replace(a_services(), mail=MemoryMailSender()), a_services()
    for memory, code, said in ((with_mail, 0, "The mail server accepted the e-mail"), (without, 1, "EXPORT_SMTP_")):
        monkeypatch.setattr(webhooks, "open_services", partial(lambda memory, _: memory, memory))
        job = _a_cancelled_job(memory, NotifyDto(email=("a@example.com",)))
        assert _run("replay", "--code", job.code) == code
        printed = "".join(capsys.readouterr())
        assert said in printed
        assert "EXPORT_WEBHOOK_SECRET" not in printed


def test_a_missing_or_wrong_storage_setting_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPORT_STORAGE", raising=False)
    assert _run("list") == 1
    assert capsys.readouterr().err == "Name the storage account: set EXPORT_STORAGE, or give --storage.\n"
    wrong = "AccountName=x;s3cret=1"
    assert _run("list", "--storage", wrong) == 1
    monkeypatch.setenv("EXPORT_STORAGE", wrong)
    assert _run("list") == 1
    for message in capsys.readouterr().err.splitlines():
        assert "EXPORT_STORAGE" in message
        assert "s3cret" not in message


def test_storage_that_does_not_answer_is_reported_in_one_line(
    services: MemoryServices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise StorageUnavailableError("Table Storage did not answer.")

    monkeypatch.setattr(services.deliveries, "deliveries", fail)
    assert _run("list") == 1
    told = capsys.readouterr().err
    assert (told.startswith("Table Storage did not answer. Check that EXPORT_STORAGE"), told.count("\n")) == (True, 1)
