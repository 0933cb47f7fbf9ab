"""`AsyncExportClient`, the client for asyncio. Its methods are those of `ExportClient`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client_export import http as driver
from client_export.administration import (
    Administration,
    ApiKey,
    AuditEntry,
    AuditQuery,
    Delivery,
    NewApiKey,
)
from client_export.downloads import Download
from client_export.http import Access, each_async
from client_export.lookups import FilterValues, Me, Preview
from client_export.models import Estimate, Job, SavedMapping, Schedule, ScheduleRun
from client_export.operations import ListQuery, Watch
from client_export.request import Column, RequestLike
from client_export.steps import Flow, RetryPolicy
from client_export.verification import Manifest, Progress, Verification, no_progress, verify_file

T = TypeVar("T")


class AsyncExportClient:
    """A client of the export service for asyncio. Close it, or use it in an `async with` block.

    Requests that fail for a passing reason are sent again, after `Retry-After` if the service gives it. Every method
    raises `ApiError` if the service refuses the request, and `ServiceUnreachableError` if it does not answer.

    Args:
        url: Address of the service, such as `https://exports.example.com`.
        key: API key.
        token: Access token, or a function that gives the current one, instead of a key.
        tenant: The tenant. Leave it out if the key opens exactly one.
        retries: When requests are sent again.
        http: A client of httpx with settings of your own, such as a proxy. You close it yourself.
        allow_http: Send the key or token over plain http, to another machine too. Others on the network can read it.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        token: str | Callable[[], str] | None = None,
        tenant: str | None = None,
        retries: RetryPolicy | None = None,
        http: httpx.AsyncClient | None = None,
        allow_http: bool = False,
    ) -> None:
        self._access = Access(url, key, token, allow_http)
        self._operations = Administration(tenant, retries or RetryPolicy())
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient(timeout=driver.TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            await self._http.aclose()

    # --- exports

    async def export_to(
        self,
        path: str | Path,
        request: RequestLike | None = None,
        *,
        timeout_seconds: float | None = None,
        watch: Watch | None = None,
    ) -> Download:
        """Export clients to a file: start, wait, download, prove.

        Args:
            path: The file, which is replaced if it exists, or a folder in which the file gets the name that the service
                gives it.
            watch: Called with the job whenever its status was read.

        Raises:
            ExportFailedError, ExportCancelledError: The export ended without a file.
            WaitTimeoutError: It has not ended in time.
            FileExistsError: The folder has another file of this name.
            FileMismatchError: The downloaded file is not the one that the export wrote.
        """
        return await self._run(self._operations.export_to(Path(path), request, timeout_seconds, watch))

    async def start(
        self,
        request: RequestLike | None = None,
        *,
        idempotency_key: str | None = None,
        wait_seconds: float | None = None,
    ) -> Job:
        """Start an export.

        Args:
            request: What to export; without it, every client with every field.
            idempotency_key: The same key and request lead to the same export, however often they are sent. By default
                each call has a new key, which its own retries share.
            wait_seconds: How long the service may wait for the end before it answers; 0: it answers at once. By
                default the service decides.
        """
        return await self._run(self._operations.start(request, idempotency_key, wait_seconds))

    async def status(self, code: str, *, link: bool = True) -> Job:
        """Return an export as it is now.

        Args:
            link: Whether the service gives a link to the file (`download_url`). The audit log records each link, and
                the file of an incremental schedule then counts as downloaded.
        """
        return await self._run(self._operations.status(code, link=link))

    async def wait(
        self, code: str, *, timeout_seconds: float | None = None, watch: Watch | None = None, link: bool = True
    ) -> Job:
        """Wait until an export is completed, and return it.

        Args:
            link: As in `status`.

        Raises:
            ExportFailedError, ExportCancelledError: It ended without a file.
            WaitTimeoutError: It has not ended in time. It is still running.
        """
        return await self._run(self._operations.wait(code, timeout_seconds, watch, link=link))

    def list(
        self,
        *,
        statuses: Sequence[str] = (),
        created_by: str | None = None,
        schedule_code: str | None = None,
        search: str | None = None,
    ) -> AsyncIterator[Job]:
        """Yield the exports of the tenant, newest first.

        Args:
            statuses: Only exports with one of these statuses; empty: with any.
            created_by: Only exports that the API key or the person of this name has asked for.
            schedule_code: Only exports that this schedule has started.
            search: Only exports with this text in their code, file name, `createdBy` or `mappingName`.
        """
        query = ListQuery(statuses, created_by, schedule_code, search)
        return each_async(lambda token: self._run(self._operations.list_part(query, token)))

    async def cancel(self, code: str) -> Job:
        """Cancel an export."""
        return await self._run(self._operations.cancel(code))

    async def resume(self, code: str) -> Job:
        """Resume an export that failed or was cancelled. Only missing pages are read again."""
        return await self._run(self._operations.resume(code))

    async def remove_file(self, code: str) -> Job:
        """Remove the file of an export now. No link opens it any more."""
        return await self._run(self._operations.remove_file(code))

    async def estimate(self, request: RequestLike | None = None) -> Estimate:
        """Count the clients of an export, and estimate its size and duration, without starting it."""
        return await self._run(self._operations.estimate(request))

    async def preview(self, request: RequestLike | None = None) -> Preview:
        """Count the clients of an export, and return its first ten rows, without starting it."""
        return await self._run(self._operations.preview(request))

    async def filters(self) -> FilterValues:
        """Return the managers, partners, associates, teams and services by which clients can be filtered."""
        return await self._run(self._operations.filters())

    async def me(self) -> Me:
        """Return who you are, your tenants, and what you may do for each."""
        return await self._run(self._operations.me())

    # --- files

    async def download(
        self, code: str, path: str | Path, *, progress: Progress = no_progress, link: str | None = None
    ) -> Download:
        """Download the file of an export, and prove it while it arrives.

        The file gets its name only when it is proved. If the download was interrupted, the next call for the same path
        continues it. A new link is asked for when the old one has expired.

        Args:
            path: The file, which is replaced if it exists, or a folder in which the file gets the name that the service
                gives it.
            progress: Called with the bytes so far, and the bytes in all.
            link: The `download_url` of the export, if you have it; otherwise the service is asked for one.

        Raises:
            FileExistsError: The folder has another file of this name.
            FileMismatchError: The file is not the one that the export wrote.
        """
        return await self._run(self._operations.download(code, Path(path), progress, link))

    async def manifest(self, code: str) -> Manifest:
        """Return the manifest of an export, which proves its file."""
        return await self._run(self._operations.manifest(code))

    async def verify(
        self, path: str | Path, code: str | None = None, *, manifest: Manifest | None = None
    ) -> Verification:
        """Prove a file on disk against the manifest of its export, which you give or name.

        Raises:
            FileMismatchError: The file is not the one that the export wrote.
        """
        if manifest is None:
            if code is None:
                raise ValueError("Give the code of the export, or its manifest.")
            manifest = await self.manifest(code)
        return await asyncio.to_thread(verify_file, Path(path), manifest)

    # --- mappings and schedules

    def mappings(self) -> AsyncIterator[SavedMapping]:
        """Yield the saved mappings: presets first, then by name."""
        return each_async(lambda token: self._run(self._operations.mappings_part(token)))

    async def mapping(self, code: str) -> SavedMapping:
        """Return a mapping."""
        return await self._run(self._operations.mapping(code))

    async def save_mapping(self, name: str, columns: Sequence[Column], *, code: str | None = None) -> SavedMapping:
        """Create a mapping, or replace the one with this code."""
        return await self._run(self._operations.save_mapping(name, columns, code))

    async def delete_mapping(self, code: str) -> None:
        """Delete a mapping."""
        await self._run(self._operations.delete_mapping(code))

    def schedules(self) -> AsyncIterator[Schedule]:
        """Yield the schedules by name."""
        return each_async(lambda token: self._run(self._operations.schedules_part(token)))

    async def schedule(self, code: str) -> Schedule:
        """Return a schedule."""
        return await self._run(self._operations.schedule(code))

    async def save_schedule(self, content: Mapping[str, Any], *, code: str | None = None) -> Schedule:
        """Create a schedule, or replace the one with this code.

        Args:
            content: The body as the API documents it: `name`, `cron`, `timeZone`, `enabled`, `request`, …
        """
        return await self._run(self._operations.save_schedule(content, code))

    async def change_schedule(self, code: str, changes: Mapping[str, Any]) -> Schedule:
        """Change what is given of a schedule, and leave the rest as it is, even if it is changed at the same time.

        Args:
            changes: The properties to change, as in `save_schedule`.
        """
        return await self._run(self._operations.change_schedule(code, changes))

    async def delete_schedule(self, code: str) -> None:
        """Delete a schedule. The exports that it started stay."""
        await self._run(self._operations.delete_schedule(code))

    def schedule_runs(self, code: str) -> AsyncIterator[ScheduleRun]:
        """Yield the runs of a schedule, newest first."""
        return each_async(lambda token: self._run(self._operations.runs_part(code, token)))

    # --- keys, audit log and notifications

    def keys(self) -> AsyncIterator[ApiKey]:
        """Yield the API keys that open the tenant, oldest first."""
        return each_async(lambda token: self._run(self._operations.keys_part(token)))

    async def create_key(
        self,
        name: str,
        *,
        scopes: Sequence[str] = (),
        valid_days: int | None = None,
        idempotency_key: str | None = None,
    ) -> NewApiKey:
        """Make an API key for the tenant, with scopes that you have yourself. Nothing shows it again.

        Use a new key once before you hand it on, for example with `me`: from then on no repeat can revoke it, not even
        one that a proxy delivers late.

        Args:
            idempotency_key: If an answer is lost, the same key and request make another API key, and the lost one is
                revoked. By default each call has a key of its own, which its retries repeat.
        """
        return await self._run(self._operations.create_key(name, scopes, valid_days, idempotency_key))

    async def rotate_key(
        self, code: str, *, overlap_hours: int | None = None, idempotency_key: str | None = None
    ) -> NewApiKey:
        """Make an API key with the rights of another one, which stays valid for some hours (by default a week).

        Use a new key once before you hand it on, for example with `me`: from then on no repeat can revoke it, not even
        one that a proxy delivers late.

        Args:
            idempotency_key: As in `create_key`.
        """
        return await self._run(self._operations.rotate_key(code, overlap_hours, idempotency_key))

    async def revoke_key(self, code: str, *, confirm: bool = False) -> ApiKey:
        """Revoke an API key for ever, within a minute.

        Args:
            confirm: Revoke it even if you use it, or if it is the last one that may administer keys.
        """
        return await self._run(self._operations.revoke_key(code, confirm=confirm))

    def audit(
        self,
        day: date | str | None = None,
        *,
        actions: Sequence[str] = (),
        actor: str | None = None,
        code: str | None = None,
    ) -> AsyncIterator[AuditEntry]:
        """Yield the entries of the audit log of a day (UTC; by default today), oldest first."""
        query = AuditQuery(day, actions, actor, code)
        return each_async(lambda token: self._run(self._operations.audit_part(query, token)))

    def deliveries(self, code: str) -> AsyncIterator[Delivery]:
        """Yield the tries to notify of the end of an export, oldest first."""
        return each_async(lambda token: self._run(self._operations.deliveries_part(code, token)))

    async def notify_again(self, code: str) -> tuple[Delivery, ...]:
        """Notify all receivers of an ended export once more, and return the tries."""
        return await self._run(self._operations.notify_again(code))

    async def test_notification(
        self, *, webhook_url: str | None = None, emails: Sequence[str] = (), schedule_code: str | None = None
    ) -> tuple[Delivery, ...]:
        """Send a test to receivers, and return how each has answered.

        Args:
            schedule_code: The schedule whose shortened URL `webhook_url` is.
        """
        return await self._run(self._operations.test_notification(webhook_url, emails, schedule_code))

    async def _run(self, flow: Flow[T]) -> T:
        return await driver.run_async(flow, self._http, self._access)
