"""HTTP triggers: start an export, and look at one."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from exports.errors import JobNotFoundError
from exports.jobs.codes import is_job_code
from exports.jobs.view import CsvExportJobDto, job_etag
from exports.request.body import CsvExportRequestDto
from exports.request.idempotency import KEY_PATTERN, is_idempotency_key
from exports.request.scopes import Scope
from exports.services import ServiceProvider
from exports.steps.requests.get_export import get_export as get_export_step
from exports.steps.requests.get_export import present
from exports.steps.requests.request_export import ExportCommand, request_export
from exports.steps.requests.start_export import OrchestrationStarter, wait_for_end
from exports.triggers.http.prefer import parse_prefer
from exports.triggers.http.problems import INVALID_HEADER, JOB_NOT_FOUND, KEY_REUSED, QUOTA_EXCEEDED, SENSITIVE_FIELDS
from exports.triggers.http.register import Call, Parameter, Reply, Route, add_route, add_starting_route
from shared.http import json_response, matches, not_modified, read_body
from shared.problems import ProblemError

COLLECTION = "clients/export/csv"
ITEM = COLLECTION + "/{code}"
MAX_BODY_BYTES = 64 * 1024
_LONGEST_RETRY_SECONDS = 30

LOCATION = {"Location": "URL of the job"}
_APPLIED = {"Preference-Applied": "What of `Prefer` was followed to the letter"}
_ETAG = {"ETag": "Changes when the job does"}
RETRY_AFTER = {"Retry-After": "Seconds to wait before looking again; only while the job has not ended"}

START = Route(
    name="start_export",
    method="POST",
    path=COLLECTION,
    summary="Start an export, and wait a little for it to finish",
    scope=Scope.EXPORTS_WRITE,
    body=CsvExportRequestDto,
    parameters=(
        Parameter(
            "Prefer",
            "header",
            "`respond-async`: do not wait; `wait=N`: wait at most N seconds; both: as `wait=N` (RFC 7240)",
            {"type": "string"},
        ),
        Parameter(
            "Idempotency-Key",
            "header",
            "The same key and body lead to the same job, however often they are sent; with another body: 422",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
        ),
    ),
    problems=(INVALID_HEADER, SENSITIVE_FIELDS, KEY_REUSED, QUOTA_EXCEEDED),
    replies={
        201: Reply("The export has ended, within ten seconds", CsvExportJobDto, LOCATION | _APPLIED),
        202: Reply("The export goes on", CsvExportJobDto, LOCATION | RETRY_AFTER | _APPLIED),
    },
)
GET = Route(
    name="get_export",
    method="GET",
    path=ITEM,
    summary="Status and progress of an export, and the link to its file",
    scope=Scope.EXPORTS_READ,
    parameters=(
        Parameter("If-None-Match", "header", "ETag of the answer you have: 304 if it still holds", {"type": "string"}),
    ),
    replies={
        200: Reply("The job", CsvExportJobDto, RETRY_AFTER | _ETAG),
        304: Reply("Nothing has changed", headers=_ETAG),
    },
    problems=(JOB_NOT_FOUND,),
)
ROUTES = (START, GET)


def export_triggers(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of exports."""
    blueprint = df.Blueprint()
    add_starting_route(blueprint, provide, START, _start)
    add_route(blueprint, provide, GET, _get)
    return blueprint


async def _start(call: Call, starter: OrchestrationStarter) -> func.HttpResponse:
    """Start a job and wait a little, so that a small export is answered with its link."""
    services = call.services
    request = read_body(call.req, CsvExportRequestDto, MAX_BODY_BYTES)
    caller, key = call.caller, _idempotency_key(call)
    command = ExportCommand(call.tenant, caller.actor, request, caller.sensitive_fields, key)
    job = await request_export(services, starter, command)
    waiting = parse_prefer(call.req.headers.get("prefer", ""), services.settings.wait_seconds)
    job = await wait_for_end(services, job, waiting.seconds)
    shown = await asyncio.to_thread(present, services, job, caller.sensitive_fields)
    headers = {"Location": f"{call.url}/{shown.code}"} | waiting.headers
    if shown.status.is_terminal:
        return json_response(shown, 201, headers)
    return json_response(shown, 202, headers | retry_after(shown))


def _idempotency_key(call: Call) -> str | None:
    key: str | None = call.req.headers.get("idempotency-key")
    if key is not None and not is_idempotency_key(key):
        raise ProblemError(INVALID_HEADER, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return key


def _get(call: Call) -> func.HttpResponse:
    shown = get_export_step(call.services, call.tenant, code_of(call), call.caller.sensitive_fields)
    headers = {"ETag": job_etag(shown)} | ({} if shown.status.is_terminal else retry_after(shown))
    if matches(call.req.headers.get("if-none-match"), headers["ETag"]):
        return not_modified(headers)
    return json_response(shown, 200, headers)


def code_of(call: Call) -> str:
    """Read the job's code from the path; what has not the shape of a code reaches no query.

    Raises:
        JobNotFoundError: No job can have it.
    """
    code = str(call.req.route_params["code"])
    if not is_job_code(code):
        raise JobNotFoundError("There is no such job.")
    return code


def retry_after(shown: CsvExportJobDto) -> dict[str, str]:
    """Suggest to look again after a tenth of the estimated rest: 1 to 30 seconds."""
    seconds = 1
    if shown.estimated_completion_date and shown.started_date and shown.total_items:
        done = shown.processed_items / shown.total_items
        whole = shown.estimated_completion_date - shown.started_date
        seconds = int(whole.total_seconds() * (1 - done) / 10)
    return {"Retry-After": str(min(max(seconds, 1), _LONGEST_RETRY_SECONDS))}
