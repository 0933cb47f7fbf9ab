"""The scheduled export of the app settings: what it may export."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import azure.functions as func
import pytest

from exports.fields import SENSITIVE_FIELDS
from exports.jobs import Job
from exports.triggers.schedule_timer import schedule_timer
from tests.support.fakes import RecordingStarter, a_services

TENANT = "tenant"


class Timer(func.TimerRequest):
    """A timer without a record of when it was due."""

    @property
    def past_due(self) -> bool:
        return False


def _scheduled(request: dict[str, Any]) -> Job:
    """The job of a timer that fires once."""
    services = a_services(
        EXPORT_SCHEDULE_TENANT=TENANT, EXPORT_SCHEDULE_REQUEST=json.dumps(request), EXPORT_WEBHOOK_SECRET="m" * 32
    )
    (builder,) = schedule_timer(lambda: services)._function_builders
    asyncio.run(builder._function.get_user_function().client_function(Timer(), RecordingStarter()))
    (job,) = services.jobs.all()
    return job


def test_whoever_the_request_names_is_notified() -> None:
    url = "https://hooks.example/"
    job = _scheduled({"notify": {"webhookUrl": url}})
    assert job.notify is not None
    assert job.notify.webhook_url == url


def test_a_full_export_leaves_sensitive_fields_out_and_says_so() -> None:
    spec = _scheduled({}).spec
    assert SENSITIVE_FIELDS.isdisjoint(column.target_field for column in spec.columns)
    assert set(spec.omitted_fields) == SENSITIVE_FIELDS


@pytest.mark.parametrize(
    "request_",
    [{"columnMappings": [{"csvHeader": "NI", "targetField": "NiNumber"}]}, {"mappingCode": "individual-clients"}],
    ids=["columns", "mapping"],
)
def test_a_sensitive_field_that_is_named_is_exported(request_: dict[str, Any]) -> None:
    spec = _scheduled(request_).spec
    assert not SENSITIVE_FIELDS.isdisjoint(column.target_field for column in spec.columns)
    assert spec.omitted_fields == ()
