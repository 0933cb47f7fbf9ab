"""The operations of the service, as steps without I/O."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from client_export.downloads import Download, PartFile, Target
from client_export.errors import (
    ConflictError,
    ExportCancelledError,
    ExportFailedError,
    FileMismatchError,
    ServiceUnreachableError,
    WaitTimeoutError,
)
from client_export.lookups import FilterValues, Me, Preview
from client_export.models import Estimate, Job, JobStatus, Part, SavedMapping, Schedule, ScheduleRun
from client_export.reading import items, read
from client_export.request import Column, RequestLike, body_of, column_mappings
from client_export.steps import Answer, Flow, Pull, RetryPolicy, Send, Sleep, ask
from client_export.verification import Manifest, Progress, no_progress

T = TypeVar("T")
Watch = Callable[[Job], None]
EXPORTS, _MAPPINGS, _SCHEDULES = "/clients/export/csv", "/csv-mappings", "/clients/export/schedules"
_MOST_ITEMS = 100
_LONGEST_KEY = 255
_POLL_SECONDS = 1.0
_SAVED_OF_SCHEDULE = ("name", "cron", "timeZone", "enabled", "request", "overlap", "incremental")
"""What a caller saves of a schedule; the service sets the rest."""
_CHANGED_MEANWHILE = 412
_LINK_REFUSED = (401, 403, 404)
"""What storage says about a link that has expired."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which exports to list.

    Attributes:
        statuses: Only exports with one of these statuses; empty: with any.
    """

    statuses: Sequence[str] = ()
    created_by: str | None = None
    schedule_code: str | None = None
    search: str | None = None

    def parameters(self) -> list[tuple[str, str]]:
        """Return the query as the service reads it."""
        texts = {"createdBy": self.created_by, "scheduleCode": self.schedule_code, "search": self.search}
        given = [(name, text) for name, text in texts.items() if text is not None]
        return given + [("status", str(status)) for status in self.statuses]


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations for one tenant; None: the tenant that the key opens."""

    tenant: str | None
    policy: RetryPolicy

    def start(self, request: RequestLike | None, idempotency_key: str | None, wait_seconds: float | None) -> Flow[Job]:
        """Start an export. The key makes it safe to send the request again."""
        headers = repeatable_by(idempotency_key)
        if wait_seconds is not None:
            headers["Prefer"] = f"wait={int(wait_seconds)}" if wait_seconds > 0 else "respond-async"
        return _job((yield from self._ask("POST", EXPORTS, body_of(request), headers=headers)))

    def status(self, code: str, *, link: bool) -> Flow[Job]:
        query = [] if link else [("link", "false")]
        return _job((yield from self._ask("GET", item(EXPORTS, code), query=query)))

    def cancel(self, code: str) -> Flow[Job]:
        return _job((yield from self._ask("DELETE", item(EXPORTS, code))))

    def resume(self, code: str) -> Flow[Job]:
        """Resume an export. If the answer of a first try was lost, the second is refused although the first worked."""
        try:
            return _job((yield from self._ask("POST", f"{item(EXPORTS, code)}/resume")))
        except ConflictError:
            job = yield from self.status(code, link=False)
            if job.status.has_ended:
                raise
            return job

    def remove_file(self, code: str) -> Flow[Job]:
        return _job((yield from self._ask("DELETE", f"{item(EXPORTS, code)}/file")))

    def estimate(self, request: RequestLike | None) -> Flow[Estimate]:
        answer = yield from self._ask("POST", f"{EXPORTS}/estimate", body_of(request))
        return read(answer, Estimate.from_json)

    def preview(self, request: RequestLike | None) -> Flow[Preview]:
        answer = yield from self._ask("POST", f"{EXPORTS}/preview", body_of(request), query=[("count", "full")])
        return read(answer, Preview.from_json)

    def filters(self) -> Flow[FilterValues]:
        return read((yield from self._ask("GET", "/clients/export/filters")), FilterValues.from_json)

    def me(self) -> Flow[Me]:
        return read((yield from ask(Send("GET", "/me"), self.policy)), Me.from_json)

    def manifest(self, code: str) -> Flow[Manifest]:
        return read((yield from self._ask("GET", f"{item(EXPORTS, code)}/manifest")), Manifest.from_json)

    def link(self, code: str) -> Flow[str]:
        """Ask for a new link to the file."""
        answer = yield from self._ask("GET", f"{item(EXPORTS, code)}/download", asks_for_link=True)
        return answer.headers["location"]

    def wait(self, code: str, timeout_seconds: float | None, watch: Watch | None, *, link: bool) -> Flow[Job]:
        """Poll an export until it has ended, as often as the service suggests."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            job = yield from self.status(code, link=link)
            if watch is not None:
                watch(job)
            if job.status.has_ended:
                return _completed(job)
            asked = _POLL_SECONDS if job.retry_after_seconds is None else job.retry_after_seconds
            pause = min(asked, self.policy.longest_pause_seconds)
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeoutError(job, timeout_seconds or 0)
            yield Sleep(pause)

    def download(self, code: str, path: Path, progress: Progress, link: str | None = None) -> Flow[Download]:
        """Download the file of an export, prove it while it arrives, and give it its name when it is proved.

        Args:
            link: A link to the file, which may have expired; without one, the service is asked for one.
        """
        manifest = yield from self.manifest(code)
        if manifest.code != code:
            raise FileMismatchError("The service has given the manifest of another export.")
        target = Target.of(path, manifest)
        if found := target.existing(manifest, progress):
            return found
        with target.locked():
            if found := target.existing(manifest, progress):  # another program has just downloaded it
                return found
            with PartFile.open(target, manifest, progress) as part:
                yield from self._fill(code, part, manifest.bytes, link)
                return Download(target.path, part.publish())

    def export_to(
        self, path: Path, request: RequestLike | None, timeout_seconds: float | None, watch: Watch | None
    ) -> Flow[Download]:
        """Start an export, wait for its end, and download the file."""
        job = yield from self.start(request, None, None)
        if watch is not None:
            watch(job)
        if not job.status.has_ended:
            job = yield from self.wait(job.code, timeout_seconds, watch, link=False)
        return (yield from self.download(_completed(job).code, path, no_progress, job.download_url))

    def list_part(self, query: ListQuery, token: str | None) -> Flow[Part[Job]]:
        return (yield from self._part(EXPORTS, Job.from_json, token, query.parameters()))

    # --- mappings and schedules

    def mappings_part(self, token: str | None) -> Flow[Part[SavedMapping]]:
        return (yield from self._part(_MAPPINGS, SavedMapping.from_json, token))

    def mapping(self, code: str) -> Flow[SavedMapping]:
        return read((yield from self._ask("GET", item(_MAPPINGS, code))), SavedMapping.from_json)

    def save_mapping(self, name: str, columns: Sequence[Column], code: str | None) -> Flow[SavedMapping]:
        """Create a mapping, or replace the one with this code."""
        body = {"name": name, "columnMappings": column_mappings(columns)}
        if code is None:
            answer = yield from self._ask("POST", _MAPPINGS, {**body, "mappingType": "Client"}, repeatable=False)
        else:
            answer = yield from self._ask("PUT", item(_MAPPINGS, code), body)
        return read(answer, SavedMapping.from_json)

    def delete_mapping(self, code: str) -> Flow[None]:
        yield from self._ask("DELETE", item(_MAPPINGS, code), absence="mapping-not-found")

    def schedules_part(self, token: str | None) -> Flow[Part[Schedule]]:
        return (yield from self._part(_SCHEDULES, Schedule.from_json, token))

    def schedule(self, code: str) -> Flow[Schedule]:
        return read((yield from self._ask("GET", item(_SCHEDULES, code))), Schedule.from_json)

    def save_schedule(self, body: Mapping[str, Any], code: str | None) -> Flow[Schedule]:
        """Create a schedule, or replace the one with this code."""
        if code is None:
            answer = yield from self._ask("POST", _SCHEDULES, dict(body), repeatable=False)
        else:
            answer = yield from self._ask("PUT", item(_SCHEDULES, code), dict(body))
        return read(answer, Schedule.from_json)

    def change_schedule(self, code: str, changes: Mapping[str, Any]) -> Flow[Schedule]:
        """Change what is given of a schedule. If it changes or runs meanwhile, change it as it is then."""
        tries = self.policy.tries
        while True:
            found = yield from self._ask("GET", item(_SCHEDULES, code))
            known = read(found, Schedule.from_json).raw
            body = {name: known[name] for name in _SAVED_OF_SCHEDULE if name in known} | dict(changes)
            headers = {"If-Match": found.headers["etag"]} if "etag" in found.headers else {}
            tries -= 1
            try:
                answer = yield from self._ask("PUT", item(_SCHEDULES, code), body, headers=headers)
            except ConflictError as error:
                if error.status != _CHANGED_MEANWHILE or not tries:
                    raise
            else:
                return read(answer, Schedule.from_json)

    def delete_schedule(self, code: str) -> Flow[None]:
        yield from self._ask("DELETE", item(_SCHEDULES, code), absence="schedule-not-found")

    def runs_part(self, code: str, token: str | None) -> Flow[Part[ScheduleRun]]:
        return (yield from self._part(f"{item(_SCHEDULES, code)}/runs", ScheduleRun.from_json, token))

    # --- building blocks

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        asks_for_link: bool = False,
        absence: str | None = None,
    ) -> Flow[Answer]:
        prefix = "" if self.tenant is None else f"/tenants/{quote(self.tenant, safe='')}"
        call = Send(method, prefix + path, body, tuple(query), headers or {}, repeatable, asks_for_link, absence)
        return (yield from ask(call, self.policy))

    def _part(
        self,
        path: str,
        model: Callable[[Mapping[str, Any]], T],
        token: str | None,
        query: Sequence[tuple[str, str]] = (),
    ) -> Flow[Part[T]]:
        query = [*query, ("limit", str(_MOST_ITEMS)), *([("continuationToken", token)] if token else [])]
        answer = yield from self._ask("GET", path, query=query)
        return read(answer, lambda document: Part(items(document, model), document.get("continuationToken")))

    def _fill(self, code: str, part: PartFile, size_bytes: int, link: str | None) -> Flow[None]:
        """Read the rest of the file. Ask for a new link when storage refuses the old one, and go on where it broke."""
        failed = mismatches = 0
        while part.size_bytes < size_bytes:
            link = link or (yield from self.link(code))
            before = part.size_bytes
            broken: str | None = None
            try:
                broken = yield Pull(link, {"Range": f"bytes={before}-"} if before else {}, part)
            except FileMismatchError:
                mismatches += 1
                part.keep_proved()
                if mismatches > 1:  # the first may be damage on the way
                    raise
            if part.status in _LINK_REFUSED:
                link = None
            failed = 0 if part.size_bytes > before else failed + 1
            if failed >= self.policy.tries:
                reason = broken or f"storage answered with HTTP {part.status}"
                message = f"The file cannot be downloaded: {reason}"
                raise ServiceUnreachableError(message)
            if failed:
                yield Sleep(self.policy.pause_seconds(failed))


def repeatable_by(idempotency_key: str | None) -> dict[str, str]:
    """Return the header that makes it safe to send a request again; without a key, a new one.

    Raises:
        ValueError: No service takes this key.
    """
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    if not (key.strip() and key.isascii() and key.isprintable() and len(key) <= _LONGEST_KEY):
        message = f"An idempotency key has 1 to {_LONGEST_KEY} visible ASCII characters."
        raise ValueError(message)
    return {"Idempotency-Key": key}


def item(collection: str, code: str) -> str:
    """Return the path of one thing of a collection.

    Raises:
        ValueError: Nothing has this code. Without a code the path would be that of the collection.
    """
    if not code:
        raise ValueError("The code is empty.")
    return f"{collection}/{quote(code, safe='')}"


def _job(answer: Answer) -> Job:
    return read(answer, lambda document: Job.from_json(document, answer.retry_after_seconds))


def _completed(job: Job) -> Job:
    """Return a job that has a file.

    Raises:
        ExportEndedError: It ended without one.
    """
    if job.status is JobStatus.FAILED:
        raise ExportFailedError(job)
    if job.status is JobStatus.CANCELLED:
        raise ExportCancelledError(job)
    return job
