"""HTTP triggers: list jobs, cancel one, fetch its file and its proof."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from exports.file.manifest import ManifestDto
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.request.scopes import Scope
from exports.services import ServiceProvider
from exports.steps.requests.cancel_export import cancel_export as cancel_export_step
from exports.steps.requests.download_file import fetch_link, fetch_manifest
from exports.steps.requests.get_export import present
from exports.steps.requests.list_exports import list_exports as list_exports_step
from exports.steps.requests.resume_export import resume_export as resume_export_step
from exports.steps.requests.start_export import OrchestrationStarter
from exports.triggers.http.export_routes import COLLECTION, ITEM, LOCATION, RETRY_AFTER, code_of, retry_after
from exports.triggers.http.problems import (
    ALREADY_ENDED,
    EXPIRED,
    JOB_NOT_FOUND,
    NOT_COMPLETED,
    NOT_RESUMABLE,
    QUOTA_EXCEEDED,
    SENSITIVE_FIELDS,
)
from exports.triggers.http.query import one_of_query, page_of_query, values_of_query
from exports.triggers.http.register import Call, Parameter, Reply, Route, add_route, add_starting_route
from shared.http import json_bytes_response, json_response
from shared.paging import ListDto

_STATUSES = [status.value for status in JobStatus]

LIST = Route(
    name="list_exports",
    method="GET",
    path=COLLECTION,
    summary="The tenant's exports, newest first",
    scope=Scope.EXPORTS_READ,
    parameters=(
        Parameter("limit", "query", "The most jobs to give", {"type": "integer", "minimum": 1, "maximum": 100}),
        Parameter("continuationToken", "query", "Where to go on, from the list before", {"type": "string"}),
        Parameter(
            "status",
            "query",
            "Only jobs of this status; may be repeated",
            {"type": "array", "items": {"type": "string", "enum": _STATUSES}},
        ),
    ),
    replies={200: Reply("One page of the list", ListDto[CsvExportJobDto])},
)
CANCEL = Route(
    name="cancel_export",
    method="DELETE",
    path=ITEM,
    summary="Cancel an export",
    scope=Scope.EXPORTS_WRITE,
    replies={200: Reply("The job, now or already `Cancelled`", CsvExportJobDto)},
    problems=(JOB_NOT_FOUND, ALREADY_ENDED),
)
DOWNLOAD = Route(
    name="download_export",
    method="GET",
    path=f"{ITEM}/download",
    summary="Go to the file, by a fresh link",
    scope=Scope.EXPORTS_READ,
    replies={302: Reply("The link", headers={"Location": "A time-limited URL of the file"})},
    problems=(SENSITIVE_FIELDS, JOB_NOT_FOUND, NOT_COMPLETED, EXPIRED),
)
MANIFEST = Route(
    name="get_manifest",
    method="GET",
    path=f"{ITEM}/manifest",
    summary="The proof of the file: pages, key ranges, rows, bytes, SHA-256",
    scope=Scope.EXPORTS_READ,
    replies={200: Reply("The manifest", ManifestDto)},
    problems=(JOB_NOT_FOUND, NOT_COMPLETED, EXPIRED),
)
RESUME = Route(
    name="resume_export",
    method="POST",
    path=f"{ITEM}/resume",
    summary="Go on with a failed or cancelled export, reading only the pages that are gone",
    scope=Scope.EXPORTS_WRITE,
    replies={202: Reply("The job, queued again", CsvExportJobDto, LOCATION | RETRY_AFTER)},
    problems=(JOB_NOT_FOUND, NOT_RESUMABLE, QUOTA_EXCEEDED),
)
ROUTES = (LIST, CANCEL, RESUME, DOWNLOAD, MANIFEST)


def job_triggers(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of jobs that exist."""
    blueprint = df.Blueprint()
    for route, handler in ((LIST, _list), (CANCEL, _cancel), (DOWNLOAD, _download), (MANIFEST, _manifest)):
        add_route(blueprint, provide, route, handler)
    add_starting_route(blueprint, provide, RESUME, _resume)
    return blueprint


def _list(call: Call) -> func.HttpResponse:
    query = call.req.url
    page = page_of_query(query)
    statuses = [JobStatus(one_of_query("status", value, _STATUSES)) for value in values_of_query(query, "status")]
    sensitive = call.caller.sensitive_fields
    return json_response(list_exports_step(call.services, call.tenant, page.limit, page.after, statuses, sensitive))


def _cancel(call: Call) -> func.HttpResponse:
    job = cancel_export_step(call.services, call.tenant, code_of(call), call.caller.actor)
    return json_response(present(call.services, job))


async def _resume(call: Call, starter: OrchestrationStarter) -> func.HttpResponse:
    job = await resume_export_step(call.services, starter, call.tenant, code_of(call), call.caller.actor)
    shown = await asyncio.to_thread(present, call.services, job)
    headers = {"Location": call.url.removesuffix("/resume")} | retry_after(shown)
    return json_response(shown, 202, headers)


def _download(call: Call) -> func.HttpResponse:
    caller = call.caller
    link = fetch_link(call.services, call.tenant, code_of(call), caller.actor, caller.sensitive_fields)
    return func.HttpResponse(status_code=302, headers={"Location": link, "Cache-Control": "no-store"})


def _manifest(call: Call) -> func.HttpResponse:
    return json_bytes_response(fetch_manifest(call.services, call.tenant, code_of(call)))
