"""Collects the final state of a run: jobs and files through the service, blobs and rows directly from storage."""

from __future__ import annotations

import json
from typing import Any

from exports.file.manifest import ManifestDto
from exports.file.verification.verify import verify
from exports.jobs.job import JobRef
from tests.chaos.requests import body_of
from tests.chaos.rig import Rig
from tests.chaos.timeline import FinalJob, ReceivedWebhook, SlotRun, Timeline
from tests.support.http_client import request
from tests.support.proofs import InMemory
from tests.support.receiver import ReceivedRequest
from tests.support.system import EXPORT

_SLOT_CHECK_SECONDS = 61.0
"""If a process died after it stored the job of a slot, the schedule checks that slot again after a minute."""

_LAST_TICKS = 3
"""So many that the sweep, which reads some jobs a time, has covered all of them."""

_IDLE_SECONDS, _IDLE_TIMEOUT_SECONDS = 0.3, 40.0
Blobs = dict[str, bool]
"""Whether a blob is readable, by its name. Otherwise it consists only of staged blocks."""


def collect(rig: Rig, timeline: Timeline) -> None:
    """Wait until the rig is idle, then add the final state of the run to its timeline."""
    rig.wait_until_idle(_IDLE_SECONDS, _IDLE_TIMEOUT_SECONDS)
    rig.jump_clock(_SLOT_CHECK_SECONDS)
    for _ in range(_LAST_TICKS):  # for late work
        rig.fire()
        rig.wait_until_idle(_IDLE_SECONDS, _IDLE_TIMEOUT_SECONDS)
    timeline.job_writes = list(rig.storage.proxy.record.job_writes)
    rows = {row["RowKey"]: row for row in _all_rows(rig, "exportjobs")}
    blobs = _blobs(rig)
    codes = {write.code for write in timeline.job_writes}
    timeline.jobs = [_final(rig, rows[code], blobs) for code in sorted(codes) if code in rows]
    timeline.webhooks = [webhook for webhook in map(_webhook, list(rig.receiver.received)) if webhook.code in codes]
    timeline.slots = _slots(rig)
    timeline.scheduled = [code for code, row in rows.items() if row.get("scheduleCode")]
    timeline.orphans = [*_orphaned_blobs(blobs, rows), *_orphaned_rows(rig, rows), *_still_watched(rig, codes, rows)]


def _final(rig: Rig, row: dict[str, Any], blobs: Blobs) -> FinalJob:
    tenant, code = row["PartitionKey"], row["RowKey"]
    path = f"/tenants/{tenant}{EXPORT}/{code}"
    shown = rig.system.call("GET", path).json
    manifest = rig.system.call("GET", f"{path}/manifest")
    link = request("GET", shown["downloadUrl"]) if shown["downloadUrl"] else None
    file = link.body if link and link.status == 200 else None
    content = manifest.json if manifest.status == 200 else None
    own = {name.partition(f"/{code}/")[2]: readable for name, readable in blobs.items() if f"/{code}/" in name}
    return FinalJob(
        tenant=tenant,
        code=code,
        body=body_of(row["fileName"]),
        attempt=row["attempt"],
        shown=shown,
        file=file,
        manifest=content,
        verify_faults=_verify_faults(file, content),
        download_status=302 if link else rig.system.call("GET", f"{path}/download").status,
        manifest_status=manifest.status,
        published=frozenset(name for name, readable in own.items() if readable),
        staged=frozenset(name for name, readable in own.items() if not readable),
        orchestrations=_orchestrations(rig, code, row["attempt"]),
    )


def _webhook(request: ReceivedRequest) -> ReceivedWebhook:
    body = json.loads(request.body)
    return ReceivedWebhook(request.headers["webhook-id"], body["code"], body["status"], "downloadUrl" in body)


def _slots(rig: Rig) -> list[SlotRun]:
    """Return all runs of the schedule."""
    runs: list[SlotRun] = []
    following = ""
    while True:
        answer = rig.system.call("GET", f"{rig.schedule_path}/runs?limit=100{following}").json
        runs += [SlotRun(run["slotDate"], run["outcome"], run.get("jobCode")) for run in answer["data"]]
        if not answer["hasMore"]:
            return runs
        following = f"&continuationToken={answer['continuationToken']}"


def _verify_faults(file: bytes | None, manifest: Any) -> tuple[str, ...]:
    if file is None or manifest is None:
        return ()
    return verify(InMemory(file), ManifestDto.model_validate(manifest)).faults


def _orchestrations(rig: Rig, code: str, attempts: int) -> dict[int, str]:
    found = {}
    for attempt in range(1, attempts + 1):
        response = rig.system.call("GET", f"/runtime/webhooks/durabletask/instances/{code}-{attempt}")
        if response.status in (200, 202):
            found[attempt] = response.json["runtimeStatus"]
    return found


def _blobs(rig: Rig) -> Blobs:
    container = rig.storage.account.blobs.get_container_client("exports")
    readable = {blob.name for blob in container.list_blobs()}
    return {blob.name: blob.name in readable for blob in container.list_blobs(include=["uncommittedblobs"])}


def _all_rows(rig: Rig, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in rig.storage.account.tables.get_table_client(table).list_entities()]


def _orphaned_blobs(blobs: Blobs, rows: dict[str, Any]) -> list[str]:
    return [f"the blob {name} belongs to no job" for name in blobs if _job_code(name) not in rows]


def _job_code(blob: str) -> str | None:
    job = JobRef.of_blob(blob)
    return job.code if job else None


def _orphaned_rows(rig: Rig, rows: dict[str, Any]) -> list[str]:
    partitions = {row["PartitionKey"] for row in _all_rows(rig, "exportpages")}
    return [f"page rows of {name} belong to no job" for name in partitions if name.rpartition("|")[2] not in rows]


def _still_watched(rig: Rig, codes: set[str], rows: dict[str, Any]) -> list[str]:
    """Find jobs of the run in the watch index. An ended job must not be in it.

    A start or an attempt that was never stored may stay in it for a quarter of an hour: its entry is written first.
    """
    active = [row["RowKey"].split("|") for row in _all_rows(rig, "exportwatch") if row["PartitionKey"] == "active"]
    watched = {code for _, code, attempt in active if code in rows and int(attempt) <= rows[code]["attempt"]}
    return [f"{code} is still watched" for code in sorted(codes & watched)]
