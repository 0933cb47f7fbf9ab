"""The metrics of steps: a failed try counts as a retry only if it is made again."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from exports.errors import ExportError, SourceMismatchError, SourceThrottledError, SourceUnavailableError
from exports.services import Services
from exports.triggers.activities import run_step
from exports.workflow.commands import WritePage
from exports.workflow.outcomes import Outcome
from shared.orchestration import wrap_command
from shared.telemetry import Exporter
from shared.telemetry_export import make_recorder
from tests.support.builders import a_job
from tests.support.fakes import a_services
from tests.support.otlp_collector import a_collector, recording


def _fail(error: ExportError, *, final_try: bool) -> None:
    def step(_: Services, __: WritePage) -> Outcome:
        raise error

    command = WritePage(job=a_job().ref, page=3)
    sent = json.loads(json.dumps(wrap_command(command, final_try=final_try)))
    with suppress(ExportError):
        run_step(a_services, step, WritePage, sent)


def test_only_failed_tries_that_are_made_again_count_as_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        recorder = make_recorder(Exporter.OTLP, "1")
        with recording(recorder):
            for _ in range(2):
                _fail(SourceUnavailableError("No answer."), final_try=False)
            _fail(SourceThrottledError("Too busy.", 3), final_try=False)
            _fail(SourceUnavailableError("No answer."), final_try=True)
            _fail(SourceMismatchError("It does not add up."), final_try=False)
        recorder.close()
    by_error = {values: sent for (_, name, values), sent in collector.sums.items() if name == "export.retries"}
    assert by_error == {
        "error=source-unavailable,step=WritePage": 2,
        "error=source-throttled,step=WritePage": 1,
    }
    assert collector.totals()["export.page.seconds.count"] == 5
