"""HTTP routes: start an export, and get its status."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import azure.functions as func

from exports.errors import JobNotFoundError
from exports.jobs.audit import LinkSource
from exports.jobs.codes import is_job_code
from exports.jobs.view import CsvExportJobDto
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.body import CsvExportRequestDto
from exports.request.scopes import Scope
from exports.steps.requests.get_export import add_link, find_job, present_one, present_started, tag_of
from exports.steps.requests.request_export import ExportCommand, request_export
from exports.steps.requests.wait_for_end import wait_for_end
from exports.triggers.http.conditional import ETAG, IF_NONE_MATCH, NOT_MODIFIED
from exports.triggers.http.idempotency_key import idempotency_key, parse_idempotency_key
from exports.triggers.http.prefer import parse_prefer
from exports.triggers.http.problems import INVALID_HEADER, JOB_NOT_FOUND, KEY_REUSED, QUOTA_EXCEEDED, SENSITIVE_FIELDS
from exports.triggers.http.query import flag_of_query
from exports.triggers.http.routes import Call, Parameter, Reply, StartingRoute, TenantRoute
from shared.etags import is_current
from shared.http import json_response, not_modified

COLLECTION = "clients/export/csv"
ITEM = COLLECTION + "/{code}"
LOCATION = {"Location": "URL of the job"}
RETRY_AFTER = {"Retry-After": "Seconds to wait before the next request; only while the job has not ended"}

_APPLIED = {"Preference-Applied": "The preferences of `Prefer` that were followed exactly"}
_LONGEST_RETRY_SECONDS = 30


async def start_export(call: Call, starter: OrchestrationStarter) -> func.HttpResponse:
    """Start a job and wait a little for it, so that the answer for a small export already has the download link."""
    services, caller = call.services, call.caller
    request = await asyncio.to_thread(call.parse_body, CsvExportRequestDto)
    key = parse_idempotency_key(call)
    name = caller.identity.shown_name
    command = ExportCommand(call.tenant, caller.actor, request, caller.sensitive_fields, key, name)
    job = await request_export(services, starter, command)
    waiting = parse_prefer(call.req.headers.get("prefer", ""), services.settings.wait_seconds)
    with services.waiting.enter(services.settings.max_waiting if waiting.seconds else 0) as may_wait:
        if waiting.seconds and not may_wait:
            waiting = waiting.not_at_all()
        job = await wait_for_end(services, job, waiting.seconds)
    shown = await asyncio.to_thread(present_started, services, job, caller.reader)
    headers = {"Location": f"{call.url}/{shown.code}"} | waiting.headers
    if shown.status.is_terminal:
        return json_response(shown, 201, headers)
    return json_response(shown, 202, headers | retry_after(shown))


def get_export(call: Call) -> func.HttpResponse:
    """Show a job. Its entity tag is that of the job, not of the body, whose link is new in each answer."""
    services = call.services
    reader = replace(call.caller.reader, wants_link=flag_of_query(call.req.url, "link", default=True))
    job = find_job(services, call.tenant, job_code_of(call))
    shown = present_one(services, job)
    headers = {"ETag": tag_of(services, job, shown, reader)}
    if not shown.status.is_terminal:
        headers |= retry_after(shown)
    if is_current(call.req.headers.get("if-none-match"), headers["ETag"]):
        return not_modified(headers)
    return json_response(add_link(services, job, shown, reader, LinkSource.STATUS), 200, headers)


ROUTES = (
    StartingRoute(
        method="POST",
        path=COLLECTION,
        handler=start_export,
        summary="Start an export, and wait a short time for it to finish",
        scope=Scope.EXPORTS_WRITE,
        body=CsvExportRequestDto,
        parameters=(
            Parameter(
                "Prefer",
                "header",
                "`respond-async`: do not wait; `wait=N`: wait at most N seconds; both together: `wait=N` (RFC 7240)",
                {"type": "string"},
            ),
            idempotency_key(
                "Repeating a request with the same key and body returns the same job; the same key with another body "
                "is a 422"
            ),
        ),
        problems=(INVALID_HEADER, SENSITIVE_FIELDS, KEY_REUSED, QUOTA_EXCEEDED),
        replies={
            201: Reply("The export ended while the request waited", CsvExportJobDto, LOCATION | _APPLIED),
            202: Reply("The export has not ended yet", CsvExportJobDto, LOCATION | RETRY_AFTER | _APPLIED),
        },
    ),
    TenantRoute(
        method="GET",
        path=ITEM,
        handler=get_export,
        summary="Get the status and progress of an export, and the link to its file",
        scope=Scope.EXPORTS_READ,
        parameters=(
            Parameter(
                "link",
                "query",
                "`false`: without the link. Then the audit log records nothing, and the file of a schedule does not "
                "count as downloaded",
                {"type": "boolean", "default": True},
            ),
            IF_NONE_MATCH,
        ),
        replies={
            200: Reply("The job", CsvExportJobDto, RETRY_AFTER | ETAG),
            304: replace(NOT_MODIFIED, headers=RETRY_AFTER | ETAG),
        },
        problems=(JOB_NOT_FOUND,),
    ),
)


def job_code_of(call: Call) -> str:
    """Return the job's code from the path. A text that has not the form of a code never reaches a query.

    Raises:
        JobNotFoundError: No job can have this code.
    """
    if not is_job_code(call.code):
        raise JobNotFoundError("There is no export with this code.")
    return call.code


def retry_after(shown: CsvExportJobDto) -> dict[str, str]:
    """Suggest when to request the status again: after a tenth of the estimated remaining time, 1 to 30 seconds."""
    seconds = 1
    if shown.estimated_completion_date and shown.started_date and shown.total_items:
        done = shown.processed_items / shown.total_items
        whole = shown.estimated_completion_date - shown.started_date
        seconds = int(whole.total_seconds() * (1 - done) / 10)
    return {"Retry-After": str(min(max(seconds, 1), _LONGEST_RETRY_SECONDS))}
