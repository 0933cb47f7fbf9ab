"""HTTP triggers: start an export, and look at one."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df
import azure.functions as func

from exports.jobs import CsvExportJobDto, ExportSpec
from exports.problems import JOB_NOT_FOUND
from exports.requests import CsvExportRequestDto
from exports.scopes import Scope
from exports.services import ServiceProvider
from exports.specs import InvalidSpecError, make_spec
from exports.steps.get_export import get_export as get_export_step
from exports.steps.get_export import present
from exports.steps.start_export import OrchestrationStarter, wait_for_end
from exports.steps.start_export import start_export as start_export_step
from exports.triggers.routes import Call, Parameter, Reply, Route, add_route, add_starting_route
from shared.http import invalid_request, json_response, read_body
from shared.problems import ProblemError

COLLECTION = "clients/export/csv"
ITEM = COLLECTION + "/{code}"
MAX_BODY_BYTES = 64 * 1024
_LONGEST_RETRY_SECONDS = 30

_LOCATION = {"Location": "URL of the job"}
_RETRY_AFTER = {"Retry-After": "Seconds to wait before looking again; only while the job has not ended"}

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
            "`respond-async`: do not wait; `wait=N`: wait at most N seconds (RFC 7240)",
            {"type": "string"},
        ),
    ),
    replies={
        201: Reply("The export has ended, within ten seconds", CsvExportJobDto, _LOCATION),
        202: Reply("The export goes on", CsvExportJobDto, _LOCATION | _RETRY_AFTER),
    },
)
GET = Route(
    name="get_export",
    method="GET",
    path=ITEM,
    summary="Status and progress of an export, and the link to its file",
    scope=Scope.EXPORTS_READ,
    replies={200: Reply("The job", CsvExportJobDto, _RETRY_AFTER)},
    problems=(JOB_NOT_FOUND,),
)
ROUTES = (START, GET)


def export_http(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of exports."""
    blueprint = df.Blueprint()
    add_starting_route(blueprint, provide, START, _start)
    add_route(blueprint, provide, GET, _get)
    return blueprint


async def _start(call: Call, starter: OrchestrationStarter) -> func.HttpResponse:
    """Start a job and wait a little, so that a small export is answered with its link."""
    services = call.services
    spec = _spec(read_body(call.req, CsvExportRequestDto, MAX_BODY_BYTES))
    job = await start_export_step(services, starter, call.tenant, spec)
    job = await wait_for_end(services, job, _wait_seconds(call.req, services.settings.wait_seconds))
    shown = await asyncio.to_thread(present, services, job)
    headers = {"Location": f"{call.url}/{shown.code}"}
    if shown.status.is_terminal:
        return json_response(shown, 201, headers)
    return json_response(shown, 202, headers | _retry_after(shown))


def _get(call: Call) -> func.HttpResponse:
    shown = get_export_step(call.services, call.tenant, call.req.route_params["code"])
    if shown is None:
        raise ProblemError(JOB_NOT_FOUND, "No export of this tenant has this code.")
    return json_response(shown, 200, {} if shown.status.is_terminal else _retry_after(shown))


def _spec(request: CsvExportRequestDto) -> ExportSpec:
    try:
        return make_spec(request)
    except InvalidSpecError as error:
        raise invalid_request(error.faults) from None


def _wait_seconds(req: func.HttpRequest, longest: float) -> float:
    """Honour `Prefer: respond-async` and `Prefer: wait=N` (RFC 7240, sections 4.1 and 4.3)."""
    for preference in req.headers.get("prefer", "").lower().split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip() == "respond-async":
            return 0
        if name.strip() == "wait" and value.strip(' "').isdecimal():
            return min(float(value.strip(' "')), longest)
    return longest


def _retry_after(shown: CsvExportJobDto) -> dict[str, str]:
    """Suggest to look again after a tenth of the estimated rest: 1 to 30 seconds."""
    seconds = 1
    if shown.estimated_completion_date and shown.started_date and shown.total_items:
        done = shown.processed_items / shown.total_items
        whole = shown.estimated_completion_date - shown.started_date
        seconds = int(whole.total_seconds() * (1 - done) / 10)
    return {"Retry-After": str(min(max(seconds, 1), _LONGEST_RETRY_SECONDS))}
