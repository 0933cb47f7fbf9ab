"""The published format of the payloads between orchestrators and activities.

Running jobs hold these documents in their history. A change here breaks them, unless it adds a field with a default.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from exports.jobs.cost import Cost
from exports.jobs.failures import Failure
from exports.jobs.job import JobRef
from exports.workflow import names
from exports.workflow.commands import (
    BeginSnapshotAgain,
    CommitFile,
    ExportJob,
    ExportSnapshot,
    ExportWave,
    Limits,
    PlanOrExport,
    PlanPages,
    Progress,
    RecordOutcome,
    RecordProgress,
    SendWebhook,
    StartNotification,
    WebhookDelivery,
    WritePage,
)
from exports.workflow.outcomes import (
    Done,
    PagesLost,
    PagesPlanned,
    PageWritten,
    Rejected,
    SnapshotLost,
    Stopped,
    Undelivered,
    WaveWritten,
    parse_outcome,
)
from shared.models import Model
from shared.orchestration import wrap_command
from shared.retry_policy import RetryPolicy

REF = JobRef(tenant="northwind", code="7zzz", attempt=2)
JOB = {"tenant": "northwind", "code": "7zzz", "attempt": 2}
FAILURE = Failure(code="file-mismatch", message="Why.", retryable=False, resumable=True)
FAILURE_JSON = {"code": "file-mismatch", "message": "Why.", "retryable": False, "resumable": True}
LIMITS_JSON: dict[str, Any] = {
    "wavePages": 64,
    "wavesPerExecution": 50,
    "targetBytes": 6291456,
    "retry": {"tries": 7, "firstPauseSeconds": 1.0, "longestPauseSeconds": 60.0},
}

COST_JSON = {
    "storageRequests": {"blobWrite": 0, "blobRead": 0, "blobDelete": 0, "tableWrite": 0, "tableRead": 0},
    "bytesSent": 120,
    "functionSeconds": 0.25,
}

COMMANDS: list[tuple[Model, dict[str, Any]]] = [
    (ExportJob(job=REF), {"job": JOB, "limits": LIMITS_JSON, "progress": None, "notify": False}),
    (
        ExportJob(job=REF, progress=Progress(pages=9, next_page=4, rows=40, bytes=400)),
        {
            "job": JOB,
            "limits": LIMITS_JSON,
            "progress": {"pages": 9, "nextPage": 4, "rows": 40, "bytes": 400, "losses": 0},
            "notify": False,
        },
    ),
    (ExportWave(job=REF, limits=Limits(), start=0, stop=4), {"job": JOB, "limits": LIMITS_JSON, "start": 0, "stop": 4}),
    (
        ExportJob(job=REF, small_at_once=True),
        {"job": JOB, "limits": LIMITS_JSON, "progress": None, "notify": False, "smallAtOnce": True},
    ),
    (
        ExportJob(job=REF, snapshot=True),
        {"job": JOB, "limits": LIMITS_JSON, "progress": None, "notify": False, "snapshot": True},
    ),
    (ExportSnapshot(job=REF, target_bytes=1024), {"job": JOB, "targetBytes": 1024}),
    (BeginSnapshotAgain(job=REF), {"job": JOB}),
    (PlanPages(job=REF, target_bytes=1024), {"job": JOB, "targetBytes": 1024}),
    (PlanOrExport(job=REF, target_bytes=1024), {"job": JOB, "targetBytes": 1024}),
    (WritePage(job=REF, page=3), {"job": JOB, "page": 3}),
    (RecordProgress(job=REF, pages=4, rows=40), {"job": JOB, "pages": 4, "rows": 40}),
    (CommitFile(job=REF, pages=4, rows=40, bytes=400), {"job": JOB, "pages": 4, "rows": 40, "bytes": 400}),
    (
        CommitFile(job=REF, pages=4, rows=40, bytes=400, cost=Cost(bytes_sent=120, function_seconds=0.25)),
        {"job": JOB, "pages": 4, "rows": 40, "bytes": 400, "cost": COST_JSON},
    ),
    (RecordOutcome(job=REF, rows=40, bytes=400), {"job": JOB, "rows": 40, "bytes": 400, "failure": None}),
    (RecordOutcome(job=REF, failure=FAILURE), {"job": JOB, "rows": 0, "bytes": 0, "failure": FAILURE_JSON}),
    (
        RecordOutcome(job=REF, failure=FAILURE, page=3),
        {"job": JOB, "rows": 0, "bytes": 0, "failure": FAILURE_JSON, "page": 3},
    ),
    (
        ExportWave(job=REF, limits=Limits(retry=RetryPolicy(patience_seconds=60)), start=0, stop=4, in_flight=2),
        {
            "job": JOB,
            "limits": {**LIMITS_JSON, "retry": {**LIMITS_JSON["retry"], "patienceSeconds": 60.0}},
            "start": 0,
            "stop": 4,
            "inFlight": 2,
        },
    ),
    (StartNotification(job=REF), {"job": JOB}),
    (
        WebhookDelivery(job=REF, pauses_seconds=(5, 300)),
        {"job": JOB, "pausesSeconds": [5.0, 300.0], "retry": LIMITS_JSON["retry"]},
    ),
    (SendWebhook(job=REF, number=3), {"job": JOB, "number": 3}),
]
OUTCOMES: list[tuple[Model, dict[str, Any]]] = [
    (PagesPlanned(pages=4, rows=40), {"kind": "PagesPlanned", "pages": 4, "rows": 40}),
    (
        PagesPlanned(pages=4, rows=40, wave_pages=8),
        {"kind": "PagesPlanned", "pages": 4, "rows": 40, "wavePages": 8},
    ),
    (
        PagesPlanned(pages=1, rows=40, retry_after_seconds=2.5),
        {"kind": "PagesPlanned", "pages": 1, "rows": 40, "retryAfterSeconds": 2.5},
    ),
    (Done(wave_pages=8), {"kind": "Done", "wavePages": 8}),
    (PageWritten(rows=10, bytes=100), {"kind": "PageWritten", "rows": 10, "bytes": 100}),
    (
        PageWritten(rows=10, bytes=100, cost=Cost(bytes_sent=120, function_seconds=0.25)),
        {"kind": "PageWritten", "rows": 10, "bytes": 100, "cost": COST_JSON},
    ),
    (WaveWritten(rows=40, bytes=400), {"kind": "WaveWritten", "rows": 40, "bytes": 400}),
    (PagesLost(next_page=2, rows=20, bytes=200), {"kind": "PagesLost", "nextPage": 2, "rows": 20, "bytes": 200}),
    (SnapshotLost(), {"kind": "SnapshotLost"}),
    (SnapshotLost(retries=1), {"kind": "SnapshotLost", "retries": 1}),
    (Done(), {"kind": "Done"}),
    (Stopped(), {"kind": "Stopped"}),
    (Rejected(failure=FAILURE), {"kind": "Rejected", "failure": FAILURE_JSON}),
    (Rejected(failure=FAILURE, page=0), {"kind": "Rejected", "failure": FAILURE_JSON, "page": 0}),
    (WaveWritten(rows=40, bytes=400, in_flight=3), {"kind": "WaveWritten", "rows": 40, "bytes": 400, "inFlight": 3}),
    (
        Undelivered(final=True, retry_after_seconds=7),
        {"kind": "Undelivered", "final": True, "retryAfterSeconds": 7.0},
    ),
]


def _name(value: object) -> str | None:
    return type(value).__name__ if isinstance(value, Model) else ""


@pytest.mark.parametrize(("payload", "document"), COMMANDS + OUTCOMES, ids=_name)
def test_a_payload_is_written_as_published(payload: Model, document: dict[str, Any]) -> None:
    assert payload.model_dump(mode="json", by_alias=True) == document


@pytest.mark.parametrize(("payload", "document"), COMMANDS, ids=_name)
def test_a_published_command_is_parsed(payload: Model, document: dict[str, Any]) -> None:
    assert type(payload).model_validate(document) == payload


@pytest.mark.parametrize(("outcome", "document"), OUTCOMES, ids=_name)
def test_a_published_outcome_is_parsed(outcome: Model, document: dict[str, Any]) -> None:
    assert parse_outcome(document) == outcome


def test_the_oldest_documents_are_still_parsed() -> None:
    assert ExportJob.model_validate({"job": JOB}) == ExportJob(job=REF)
    assert RecordOutcome.model_validate({"job": JOB, "rows": 1, "bytes": 2}).failure is None


@pytest.mark.parametrize("value", [None, {}, {"kind": "Other"}, {"kind": "PageWritten"}, "Done"])
def test_a_value_that_no_step_returns_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        parse_outcome(value)


def test_functions_have_their_published_durable_names() -> None:
    found = {name: value for name, value in vars(names).items() if name.isupper() and not name.startswith("_")}
    assert found == {
        "EXPORT_JOB": "export_job",
        "EXPORT_WAVE": "export_wave",
        "PLAN_OR_EXPORT": "plan_or_export",
        "PLAN_PAGES": "plan_pages",
        "EXPORT_SNAPSHOT": "export_snapshot",
        "BEGIN_SNAPSHOT_AGAIN": "begin_snapshot_again",
        "WRITE_PAGE": "write_page",
        "RECORD_PROGRESS": "record_progress",
        "COMMIT_FILE": "commit_file",
        "RECORD_OUTCOME": "record_outcome",
        "DISCARD_FILE": "discard_file",
        "START_NOTIFICATION": "start_notification",
        "WEBHOOK_DELIVERY": "webhook_delivery",
        "SEND_WEBHOOK": "send_webhook",
    }


def test_an_activity_receives_its_command_in_the_published_envelope() -> None:
    assert wrap_command(WritePage(job=REF, page=3), final_try=False) == {
        "order": {"job": JOB, "page": 3},
        "finalTry": False,
    }
