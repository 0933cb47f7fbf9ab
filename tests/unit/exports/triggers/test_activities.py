"""Activities raise an error that a retry can cure, and return an error that it cannot."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from exports.errors import ExportError, KeyOrderError, SourceThrottledError, SourceUnavailableError
from exports.services import Services
from exports.triggers.activities import RunStep, export_activities, run_job_step, run_starting_step, run_step
from exports.workflow.commands import DiscardFile, WritePage
from exports.workflow.outcomes import Outcome, PageWritten
from shared.metering import meter_request
from shared.orchestration import Payload, wrap_command
from tests.support.builders import a_job
from tests.support.fakes import a_services

COMMAND = WritePage(job=a_job().ref, page=3)


def _run(outcome: Outcome | Exception, *, final_try: bool = False, run: RunStep[WritePage] = run_step) -> Payload:
    def step(_: Services, received: WritePage) -> Outcome:
        assert received == COMMAND
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    sent = json.loads(json.dumps(wrap_command(COMMAND, final_try=final_try)))
    return run(a_services, step, WritePage, sent)


def _rejected(error: ExportError, *, retryable: bool) -> dict[str, Any]:
    failure = {"code": error.code, "message": str(error), "retryable": retryable, "resumable": retryable}
    return {"kind": "Rejected", "failure": failure, "page": COMMAND.page}


def test_the_outcome_of_a_step_is_returned_as_json() -> None:
    travelled = _run(PageWritten(rows=1, bytes=2))
    cost = travelled.pop("cost")
    assert travelled == {"kind": "PageWritten", "rows": 1, "bytes": 2}
    assert cost["storageRequests"] == dict.fromkeys(
        ("blobWrite", "blobRead", "blobDelete", "tableWrite", "tableRead"), 0
    )


def test_the_outcome_of_a_step_contains_its_requests_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 100.0
    monkeypatch.setattr("shared.metering.time", SimpleNamespace(monotonic=lambda: seconds))

    def step(_: Services, __: WritePage) -> Outcome:
        nonlocal seconds
        seconds += 1.25
        for method, length in (("PUT", 100), ("GET", 0)):
            request = HttpRequest(method, "http://account/container/blob", headers={"Content-Length": str(length)})
            meter_request("blob", SimpleNamespace(http_request=request))
        return PageWritten(rows=1, bytes=2)

    sent = json.loads(json.dumps(wrap_command(COMMAND)))
    cost = run_step(a_services, step, WritePage, sent)["cost"]
    assert (cost["storageRequests"]["blobWrite"], cost["storageRequests"]["blobRead"]) == (1, 1)
    assert cost["bytesSent"] == 100
    assert cost["functionSeconds"] == 1.25


@pytest.mark.parametrize("final_try", [False, True])
def test_a_permanent_error_is_returned_at_once(final_try: bool) -> None:
    error = KeyOrderError("It does not add up.")
    assert _run(error, final_try=final_try) == _rejected(error, retryable=False)


def test_a_transient_error_is_raised_so_that_the_step_is_retried() -> None:
    with pytest.raises(SourceUnavailableError):
        _run(SourceUnavailableError("No answer."))


@pytest.mark.parametrize("seconds", [None, 2.5])
def test_throttling_is_returned_as_a_value(seconds: float | None) -> None:
    error = SourceThrottledError("No room.", seconds)
    assert _run(error) == {"kind": "Throttled", "retryAfterSeconds": seconds}
    assert _run(error, final_try=True) == _rejected(error, retryable=True)


def test_only_a_rejected_page_names_its_page() -> None:
    def step(_: Services, __: DiscardFile) -> Outcome:
        raise KeyOrderError("No.")

    sent = json.loads(json.dumps(wrap_command(DiscardFile(job=COMMAND.job))))
    assert "page" not in run_step(a_services, step, DiscardFile, sent)


def test_a_transient_error_in_the_final_try_is_returned() -> None:
    error = SourceUnavailableError("No answer.")
    assert _run(error, final_try=True) == _rejected(error, retryable=True)


@pytest.mark.parametrize("final_try", [False, True])
def test_an_unexpected_error_is_raised(final_try: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        _run(ZeroDivisionError(), final_try=final_try)


@pytest.mark.parametrize("final_try", [False, True])
def test_an_unexpected_error_fails_the_job_with_an_incident_number_after_two_tries(
    final_try: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rejected = _run(ZeroDivisionError("secret"), final_try=final_try, run=run_job_step)

    tries = [record for record in caplog.records if record.getMessage().startswith("event=step.")]
    failure = rejected["failure"]
    assert (rejected["kind"], rejected["page"], failure["code"]) == ("Rejected", COMMAND.page, "internal")
    assert (failure["retryable"], failure["resumable"]) == (False, False)
    assert len(tries) == 2
    (incident,) = re.findall(r"incident=(\w+)", tries[1].getMessage())
    assert failure["message"].endswith(f"{incident}.")
    assert "secret" not in failure["message"]


def test_an_unexpected_error_that_a_second_try_cures_is_not_seen() -> None:
    answers: list[Outcome | None] = [None, PageWritten(rows=1, bytes=2)]

    def step(_: Services, __: WritePage) -> Outcome:
        answer = answers.pop(0)
        if answer is None:
            raise ZeroDivisionError
        return answer

    sent = json.loads(json.dumps(wrap_command(COMMAND)))
    assert run_job_step(a_services, step, WritePage, sent)["kind"] == "PageWritten"


def test_a_transient_error_of_a_step_of_a_job_is_raised() -> None:
    with pytest.raises(SourceUnavailableError):
        _run(SourceUnavailableError("No answer."), run=run_job_step)


def test_a_failure_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    _run(KeyOrderError("It does not add up."))
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == (
        f"event=step.failed tenant={COMMAND.job.tenant} job={COMMAND.job.code} page=3 attempt=1 "
        "error=key-order final=true step=WritePage"
    )
    assert record.exc_info is not None


def test_activities_have_their_published_names() -> None:
    functions = export_activities(a_services)._function_builders
    names = {builder._function.get_user_function().__name__ for builder in functions}
    assert names == {
        "plan_or_export",
        "plan_pages",
        "export_snapshot",
        "begin_snapshot_again",
        "write_page",
        "record_progress",
        "commit_file",
        "record_outcome",
        "discard_file",
        "start_notification",
        "send_webhook",
    }


@pytest.mark.parametrize("final_try", [False, True])
def test_a_step_that_starts_orchestrations_is_retried_in_the_same_way(final_try: bool) -> None:
    error = SourceUnavailableError("No answer.")

    async def step(_: Services, client: str, received: WritePage) -> Outcome:
        assert (client, received) == ("client", COMMAND)
        raise error

    sent = json.loads(json.dumps(wrap_command(COMMAND, final_try=final_try)))
    run = run_starting_step(a_services, "client", step, WritePage, sent)
    if final_try:
        assert asyncio.run(run) == _rejected(error, retryable=True)
    else:
        with pytest.raises(SourceUnavailableError):
            asyncio.run(run)
