"""Resolving a request refuses webhooks that the service could not or must not call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from exports.request.body import CsvExportRequestDto
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.steps.requests.request_export import ExportCommand, request_export
from exports.steps.requests.resolve_spec import resolve_spec
from shared.problems import Fault
from tests.support.fake_durable import RecordingStarter
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.fakes import a_services

SECRET: dict[str, Any] = {"EXPORT_WEBHOOK_SECRET": "m" * 32}
COLUMN = {"csvHeader": "Client", "targetField": "Name"}


def _request(url: str = "https://hooks.example/s3cret", **more: Any) -> CsvExportRequestDto:
    return CsvExportRequestDto.model_validate({"notify": {"webhookUrl": url}, **more})


def _faults(request: CsvExportRequestDto, **settings: Any) -> list[Fault]:
    with pytest.raises(InvalidSpecError) as raised:
        resolve_spec(a_services(**settings), "tenant", request, SensitiveFields.ALLOWED)
    return list(raised.value.faults)


def test_notify_without_a_configured_secret_names_the_missing_setting() -> None:
    (fault,) = _faults(_request())
    assert fault.pointer == "/notify/webhookUrl"
    assert "EXPORT_WEBHOOK_SECRET" in fault.detail


def test_email_without_a_mail_server_names_the_missing_setting() -> None:
    (fault,) = _faults(CsvExportRequestDto.model_validate({"notify": {"email": ["a@example.com"]}}))
    assert fault.pointer == "/notify/email"
    assert "EXPORT_SMTP_HOST" in fault.detail


def test_each_address_of_a_domain_that_is_not_allowed_is_a_fault() -> None:
    services = replace(a_services(), mail=MemoryMailSender("example.com"))
    request = CsvExportRequestDto.model_validate(
        {"notify": {"email": ["a@example.com", "b@Example.COM", "c@other.example", "d@sub.example.com"]}}
    )
    with pytest.raises(InvalidSpecError) as raised:
        resolve_spec(services, "tenant", request, SensitiveFields.ALLOWED)
    assert [fault.pointer for fault in raised.value.faults] == ["/notify/email/2", "/notify/email/3"]


@pytest.mark.parametrize("url", ["http://hooks.example/", "https://10.0.0.1/", "https://localhost/"])
def test_a_webhook_url_that_is_not_public_is_a_fault(url: str) -> None:
    assert [fault.pointer for fault in _faults(_request(url), **SECRET)] == ["/notify/webhookUrl"]


def test_the_shortened_url_that_a_schedule_shows_is_no_receiver_of_an_export() -> None:
    (fault,) = _faults(_request("https://hooks.example/***"), **SECRET)
    assert (fault.pointer, fault.code) == ("/notify/webhookUrl", "hidden-url")


def test_the_development_setting_allows_any_webhook_url() -> None:
    settings: dict[str, Any] = {**SECRET, "EXPORT_WEBHOOK_ALLOW_PRIVATE": True}
    resolve_spec(a_services(**settings), "tenant", _request("http://localhost:8080/"), SensitiveFields.ALLOWED)


def test_a_bad_webhook_url_is_reported_together_with_all_other_faults() -> None:
    faults = _faults(_request("https://10.0.0.1/", columnMappings=[COLUMN, COLUMN]), **SECRET)
    assert [fault.pointer for fault in faults] == [
        "/columnMappings/1/csvHeader",
        "/columnMappings/1/targetField",
        "/notify/webhookUrl",
    ]


def test_the_webhook_url_is_stored_in_the_job_and_shown_nowhere_else() -> None:
    services, starter = a_services(**SECRET), RecordingStarter()
    command = ExportCommand("tenant", "me", _request(), SensitiveFields.ALLOWED)

    job = asyncio.run(request_export(services, starter, command))

    assert job.notify is not None
    assert job.notify.webhook_url == "https://hooks.example/s3cret"
    assert "s3cret" not in job.spec.model_dump_json()
    assert "s3cret" not in repr(job)
    ((_, _, payload),) = starter.started
    assert payload["notify"] is True
    assert "s3cret" not in str(payload)
    assert "s3cret" not in str(services.audit.all)


def test_a_request_without_notify_starts_a_job_that_sends_no_webhook() -> None:
    services, starter = a_services(), RecordingStarter()
    command = ExportCommand("tenant", "me", CsvExportRequestDto(), SensitiveFields.ALLOWED)
    assert asyncio.run(request_export(services, starter, command)).notify is None
    assert starter.started[0][2]["notify"] is False
