"""What a deployment must be able to do. Each check uses the service as a caller would, and says what it has found."""

from __future__ import annotations

import csv
import io
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, NamedTuple

from pydantic import ValidationError

from exports.commands.smoke.service import Answer, NotApplicableError, Service, SmokeError, send
from exports.file.manifest import ManifestDto
from exports.file.verification.verify import verify

EXPORTS, SCHEDULES = "clients/export/csv", "clients/export/schedules"
NOBODY = "smoke: no client has this text"
_COLUMNS = [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]
"""Fields that every view has, and every key may read."""
_UNKNOWN_KEY = f"cx_smoketestnokey_{'x' * 43}"
_CANCEL_TRIES = 3
_HEAD_BYTES = 64 * 1024


@dataclass
class Run:
    """One run of the checks: the service, what the user asked for, and what the checks have found so far.

    Attributes:
        wait_seconds: How long an export may take.
        webhook_url: A receiver that gets a webhook; None: none is sent.
        made: Undoes what the checks have made, the last first.
    """

    service: Service
    wait_seconds: float
    webhook_url: str | None = None
    version: str | None = None
    a_code: str | None = None
    made: ExitStack = field(default_factory=ExitStack)

    def start(self, body: dict[str, Any], *, prefer: str | None = None) -> Any:
        """Start an export of two columns, and remove its file at the end of the run. Return the job."""
        body = {"columnMappings": _COLUMNS, **body}
        job = self.service.expect([201, 202], "POST", self.service.path(EXPORTS), body, prefer=prefer).json
        self.made.callback(self._discard, job)
        return job

    def export(self, body: dict[str, Any]) -> Any:
        """Run an export, and return its completed job."""
        job = self.service.wait(self.start(body), self.wait_seconds)
        if job["status"] != "Completed":
            why = (job.get("failure") or {}).get("message", "no reason given")
            message = f"The export {job['code']} ended as {job['status']}: {why}"
            raise SmokeError(message)
        return job

    def _discard(self, job: Any) -> None:
        """Cancel a job that still runs, and remove the file of one that has completed."""
        if self.service.call("DELETE", self.service.job_url(job)).status == 409:
            self.service.call("DELETE", self.service.job_url(job, "/file"))


class Check(NamedTuple):
    """A check. Its function returns what it has found. If an `essential` one fails, the later ones are not tried."""

    name: str
    run: Callable[[Run], str]
    essential: bool = False


def _health(run: Run) -> str:
    answer = run.service.call("GET", "/health")
    report = answer.json
    if not isinstance(report, dict) or "dependencies" not in report:
        message = f"/health answered {answer.problem}, and no report; is this the address of the service?"
        raise SmokeError(message)
    run.version = report.get("version")
    named = [(part["name"], part["status"], part.get("detail")) for part in report["dependencies"]]
    if sick := [f"{name}: {detail or status}" for name, status, detail in named if status != "Healthy"]:
        raise SmokeError(" ".join(sick))
    remarks = [f"{name}: {detail}" for name, _, detail in named if detail]
    return " ".join([f"{', '.join(name for name, *_ in named)} are healthy.", *remarks])


def _document(run: Run) -> str:
    info = run.service.expect([200], "GET", "/openapi.json").json["info"]
    if run.version is not None and info["version"] != run.version:
        message = f"/openapi.json is of version {info['version']}, and /health of {run.version}."
        raise SmokeError(message)
    return f"Version {info['version']}."


def _key(run: Run) -> str:
    answer = run.service.call("GET", run.service.path(f"{EXPORTS}?limit=1"))
    if answer.status in (401, 403):
        message = f"The service refuses the key: {answer.problem}"
        raise SmokeError(message)
    if answer.status != 200:
        message = f"The list of exports answered {answer.problem}"
        raise SmokeError(message)
    for key, name in (("", "no key"), (_UNKNOWN_KEY, "an unknown key")):
        refused = run.service.call("GET", run.service.path(EXPORTS), key=key)
        if refused.status not in (401, 429):
            message = f"A request with {name} was not refused: {refused.status}"
            raise SmokeError(message)
    return "The key is accepted; no key and an unknown one are refused."


def _whole(run: Run) -> str:
    job = run.export({})
    with tempfile.TemporaryFile() as file:
        said = _download_and_verify(run, job, file)
        file.seek(0)
        head = file.read(_HEAD_BYTES).decode("utf-8", errors="replace")
    rows = list(csv.reader(io.StringIO(head)))[1:2]
    run.a_code = rows[0][0] if rows else None
    return said


def _compressed(run: Run) -> str:
    with tempfile.TemporaryFile() as file:
        return _download_and_verify(run, run.export({"format": {"compression": "gzip"}}), file)


def _small(run: Run) -> str:
    if not run.a_code:
        raise NotApplicableError("The tenant has no clients. Name another tenant with --tenant.")
    job = run.export({"filter": {"search": run.a_code.lstrip("'")}})
    if not job["totalItems"]:
        message = f"An export of the client {run.a_code} has no clients."
        raise SmokeError(message)
    with tempfile.TemporaryFile() as file:
        return _download_and_verify(run, job, file)


def _empty(run: Run) -> str:
    job = run.export({"filter": {"search": NOBODY}})
    if job["totalItems"]:
        message = f"A filter that matches no client found {job['totalItems']:,} clients."
        raise SmokeError(message)
    with tempfile.TemporaryFile() as file:
        return _download_and_verify(run, job, file)


def _download_and_verify(run: Run, job: Any, file: BinaryIO) -> str:
    """Download the file of a completed job by its link, without a key, and check it against its manifest."""
    link = job.get("downloadUrl")
    if not link:
        message = f"The completed export {job['code']} has no link. Does the key have the scope exports:read?"
        raise SmokeError(message)
    _opened(send("GET", link, target=file), "The link")
    redirect = run.service.expect([302], "GET", run.service.job_url(job, "/download")).headers.get("location", "")
    _opened(send("HEAD", redirect), "The link of /download")
    manifest = _manifest(run.service.expect([200], "GET", run.service.job_url(job, "/manifest")))
    verdict = verify(_Downloaded(file), manifest)
    if not verdict.proved:
        raise SmokeError(" ".join(verdict.faults) or "The manifest does not prove the order of the pages.")
    if verdict.rows != job["totalItems"]:
        message = f"The file has {verdict.rows:,} clients, and the job says {job['totalItems']:,}."
        raise SmokeError(message)
    pages = f"{verdict.pages:,} page{'s' * (verdict.pages != 1)}"
    return f"{verdict.rows:,} clients, {verdict.bytes:,} bytes, {pages}: the file is proved by its manifest."


def _opened(answer: Answer, name: str) -> None:
    if answer.status != 200:
        message = f"{name} does not open the file: storage answered {answer.status}."
        raise SmokeError(message)


def _manifest(answer: Answer) -> ManifestDto:
    try:
        return ManifestDto.model_validate_json(answer.body)
    except ValidationError:
        raise SmokeError("The manifest is not one that this version can read.") from None


class _Downloaded:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.flush()
        self.size_bytes = os.fstat(file.fileno()).st_size

    def read(self, start: int, stop: int) -> bytes:
        self._file.seek(start)
        return self._file.read(stop - start)


def _cancel(run: Run) -> str:
    for _ in range(_CANCEL_TRIES):
        job = run.start({}, prefer="respond-async")
        answer = run.service.expect([200, 409], "DELETE", run.service.job_url(job))
        if answer.status == 200:
            shown = run.service.expect([200], "GET", run.service.job_url(job)).json
            if shown["status"] != "Cancelled" or shown["downloadUrl"]:
                message = f"The cancelled export {job['code']} is {shown['status']}."
                raise SmokeError(message)
            return "An export was cancelled at once, and has no link."
    raise NotApplicableError("Every export had ended before it could be cancelled; the tenant has few clients.")


def _remove(run: Run) -> str:
    job = run.export({"filter": {"search": NOBODY}})
    run.service.expect([200, 204], "DELETE", run.service.job_url(job, "/file"))
    if send("GET", job["downloadUrl"]).status == 200:
        raise SmokeError("A link still opens a file that was removed.")
    run.service.expect([410], "GET", run.service.job_url(job, "/download"))
    return "A removed file is gone at once, also for links that were given before."


def _webhook(run: Run) -> str:
    if run.webhook_url is None:
        raise NotApplicableError("Give a receiver with --webhook-url to have one sent.")
    job = run.export({"filter": {"search": NOBODY}, "notify": {"webhookUrl": run.webhook_url}})
    return f"Requested for the export {job['code']}; `python -m exports webhooks list` shows whether it arrived."


def _schedule(run: Run) -> str:
    slot = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    body = {
        "name": f"smoke test {slot:%Y-%m-%d %H:%M:%S.%f} {os.getpid()}",
        "cron": f"{slot.minute} {slot.hour} {slot.day} {slot.month} *",
        "request": {"columnMappings": _COLUMNS, "filter": {"search": NOBODY}},
    }
    answer = run.service.call("POST", run.service.path(SCHEDULES), body)
    if answer.status == 403:
        raise NotApplicableError("The key lacks the scope schedules:write.")
    if answer.status != 201:
        message = f"The schedule was not created: {answer.problem}"
        raise SmokeError(message)
    url = run.service.path(f"{SCHEDULES}/{answer.json['code']}")
    run.made.callback(run.service.call, "DELETE", url)
    job = _run_of_slot(run, url, slot)
    run.made.callback(run.service.call, "DELETE", run.service.job_url(job, "/file"))
    run.service.wait(run.service.expect([200], "GET", run.service.job_url(job)).json, run.wait_seconds)
    run.service.expect([204], "DELETE", url)
    run.service.expect([404], "GET", url)
    return f"Created, ran at {slot:%H:%M} UTC as the export {job['code']}, and deleted."


def _run_of_slot(run: Run, url: str, slot: datetime) -> Any:
    """Wait until the slot has started an export, and return its code."""
    deadline = time.monotonic() + (slot - datetime.now(UTC)).total_seconds() + run.wait_seconds
    while time.monotonic() < deadline:
        for shown in run.service.expect([200], "GET", f"{url}/runs").json["data"]:
            if shown["outcome"] != "Started":
                message = f"The slot started no export: {shown['outcome']}, {shown.get('reason')}"
                raise SmokeError(message)
            return {"code": shown["jobCode"]}
        time.sleep(2)
    message = f"The slot at {slot:%H:%M} UTC has started no export; does the timer `tick` run?"
    raise SmokeError(message)


CHECKS = (
    Check("health", _health, essential=True),
    Check("document", _document),
    Check("key", _key, essential=True),
    Check("whole", _whole, essential=True),
    Check("gzip", _compressed),
    Check("small", _small),
    Check("empty", _empty),
    Check("cancel", _cancel),
    Check("remove", _remove),
    Check("webhook", _webhook),
    Check("schedule", _schedule),
)
SLOW = frozenset({"schedule"})
"""Checks that take a minute or more."""
