"""HTTP routes: list jobs, cancel or resume one, and get its file and its manifest."""

from __future__ import annotations

import asyncio

import azure.functions as func

from exports.file.manifest import ManifestDto
from exports.jobs.codes import is_job_code
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.scopes import Scope
from exports.steps.requests.cancel_export import cancel_export as cancel_export_step
from exports.steps.requests.download_file import create_link, load_manifest
from exports.steps.requests.get_export import present, present_one
from exports.steps.requests.list_exports import JobConditions
from exports.steps.requests.list_exports import list_exports as list_exports_step
from exports.steps.requests.remove_file import remove_file as remove_file_step
from exports.steps.requests.resume_export import resume_export as resume_export_step
from exports.triggers.http.export_routes import COLLECTION, ITEM, LOCATION, RETRY_AFTER, job_code_of, retry_after
from exports.triggers.http.problems import (
    ALREADY_ENDED,
    EXPIRED,
    JOB_NOT_FOUND,
    NOT_COMPLETED,
    NOT_RESUMABLE,
    QUOTA_EXCEEDED,
    SENSITIVE_FIELDS,
)
from exports.triggers.http.query import (
    LIST_PARAMETERS,
    TEXT,
    members_of_query,
    members_parameter,
    parse_list_query,
    text_of_query,
)
from exports.triggers.http.routes import Call, Parameter, Reply, StartingRoute, TenantRoute
from shared.http import json_bytes_response, json_response
from shared.lists import ListDto


def list_exports(call: Call) -> func.HttpResponse:
    url = call.req.url
    query = parse_list_query(url, is_job_code)
    statuses = members_of_query(url, "status", JobStatus)
    wanted = JobConditions(statuses, *(text_of_query(url, name) for name in ("createdBy", "scheduleCode", "search")))
    return json_response(list_exports_step(call.services, call.tenant, query.limit, query.after, wanted))


def cancel_export(call: Call) -> func.HttpResponse:
    job = cancel_export_step(call.services, call.tenant, job_code_of(call), call.caller.actor)
    return json_response(present_one(call.services, job))


async def resume_export(call: Call, starter: OrchestrationStarter) -> func.HttpResponse:
    job = await resume_export_step(call.services, starter, call.tenant, job_code_of(call), call.caller.actor)
    shown = await asyncio.to_thread(present, call.services, job)
    headers = {"Location": call.url.removesuffix("/resume")} | retry_after(shown)
    return json_response(shown, 202, headers)


def download_export(call: Call) -> func.HttpResponse:
    link = create_link(call.services, call.tenant, job_code_of(call), call.caller.reader)
    return func.HttpResponse(status_code=302, headers={"Location": link, "Cache-Control": "no-store"})


def remove_file(call: Call) -> func.HttpResponse:
    job = remove_file_step(call.services, call.tenant, job_code_of(call), call.caller.actor)
    return json_response(present(call.services, job))


def get_manifest(call: Call) -> func.HttpResponse:
    return json_bytes_response(load_manifest(call.services, call.tenant, job_code_of(call)))


ROUTES = (
    TenantRoute(
        method="GET",
        path=COLLECTION,
        handler=list_exports,
        summary="List the exports of a tenant, newest first",
        scope=Scope.EXPORTS_READ,
        parameters=(
            *LIST_PARAMETERS,
            members_parameter("status", "Only jobs with this status", JobStatus),
            Parameter("createdBy", "query", "Only jobs whose `createdBy` is this name", TEXT),
            Parameter("scheduleCode", "query", "Only jobs of the schedule with this code", TEXT),
            Parameter(
                "search",
                "query",
                "Only jobs with this text in their code, file name, `createdBy` or `mappingName`. An answer may have "
                "fewer jobs than `limit`, or none, although `hasMore` is true",
                TEXT,
            ),
        ),
        replies={200: Reply("One part of the list", ListDto[CsvExportJobDto])},
    ),
    TenantRoute(
        method="DELETE",
        path=ITEM,
        handler=cancel_export,
        summary="Cancel an export",
        scope=Scope.EXPORTS_WRITE,
        replies={200: Reply("The job, which is `Cancelled` now or was before", CsvExportJobDto)},
        problems=(JOB_NOT_FOUND, ALREADY_ENDED),
    ),
    StartingRoute(
        method="POST",
        path=f"{ITEM}/resume",
        handler=resume_export,
        summary="Resume a failed or cancelled export; only pages that are no longer in storage are read again",
        scope=Scope.EXPORTS_WRITE,
        replies={202: Reply("The job, queued again", CsvExportJobDto, LOCATION | RETRY_AFTER)},
        problems=(JOB_NOT_FOUND, NOT_RESUMABLE, QUOTA_EXCEEDED),
    ),
    TenantRoute(
        method="GET",
        path=f"{ITEM}/download",
        handler=download_export,
        summary="Download the file: a redirect to a fresh link",
        scope=Scope.EXPORTS_READ,
        replies={302: Reply("The link", headers={"Location": "A time-limited URL of the file"})},
        opens_in_browser=True,
        description="A browser, which sends `Accept: text/html`, gets a problem as a page, with the same status.",
        problems=(SENSITIVE_FIELDS, JOB_NOT_FOUND, NOT_COMPLETED, EXPIRED),
    ),
    TenantRoute(
        method="DELETE",
        path=f"{ITEM}/file",
        handler=remove_file,
        summary="Remove the file of a completed export now, for example because a link to it has leaked",
        scope=Scope.EXPORTS_WRITE,
        replies={200: Reply("The job, whose file is removed now or was before", CsvExportJobDto)},
        problems=(JOB_NOT_FOUND, NOT_COMPLETED),
    ),
    TenantRoute(
        method="GET",
        path=f"{ITEM}/manifest",
        handler=get_manifest,
        summary="Get the manifest, the proof of the file: pages, key ranges, rows, bytes, SHA-256, CRC-32",
        scope=Scope.EXPORTS_READ,
        replies={200: Reply("The manifest", ManifestDto, is_stored=True)},
        problems=(JOB_NOT_FOUND, NOT_COMPLETED, EXPIRED),
    ),
)
