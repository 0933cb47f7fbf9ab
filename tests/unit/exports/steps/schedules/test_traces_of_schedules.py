"""The job of a schedule has a trace of its own, to which its later steps belong."""

from __future__ import annotations

import pytest

from shared.telemetry import Exporter
from shared.telemetry_export import make_recorder
from tests.support.builders import a_schedule
from tests.support.fakes import a_services
from tests.support.otlp_collector import a_collector, recording
from tests.support.schedule_runs import run_due_slot


def test_the_trace_of_a_scheduled_job_begins_where_its_slot_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()
    schedule = a_schedule()
    services.schedules.create(schedule)
    with a_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        recorder = make_recorder(Exporter.OTLP, "1")
        with recording(recorder):
            job = run_due_slot(services, schedule.ref)
        recorder.close()
    (span,) = collector.spans
    assert span.name == "start_slot"
    assert job.ref.trace is not None
    assert job.ref.trace == job.trace_parent
    assert job.ref.trace.startswith(f"00-{span.trace}-{span.id}-")
    assert span.values == {"tenant": schedule.tenant, "schedule": schedule.code}
