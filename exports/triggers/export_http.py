"""HTTP triggers: start an export, and look at one. Every route exists with the tenant in the path and without."""

from __future__ import annotations

import asyncio
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from exports.jobs import CsvExportJobDto, ExportSpec
from exports.problems import JOB_NOT_FOUND, describe
from exports.requests import CsvExportRequestDto
from exports.services import ServiceProvider, Services
from exports.specs import InvalidSpecError, make_spec
from exports.steps.get_export import get_export as get_export_step
from exports.steps.get_export import present
from exports.steps.start_export import OrchestrationStarter, wait_for_end
from exports.steps.start_export import start_export as start_export_step
from exports.triggers.access import tenant_of
from shared.http import answering_problems, invalid_request, json_response, read_body
from shared.problems import ProblemError

COLLECTION = "clients/export/csv"
MAX_BODY_BYTES = 64 * 1024
_BY_TENANT = "tenants/{tenant}/"
_LONGEST_RETRY_SECONDS = 30


def export_http(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of exports."""
    blueprint = df.Blueprint()

    @answering_problems(describe)
    async def start_export(req: func.HttpRequest, client: OrchestrationStarter) -> func.HttpResponse:
        return await _start(req, provide(), client)

    @answering_problems(describe)
    def get_export(req: func.HttpRequest) -> func.HttpResponse:
        return _get(req, provide())

    for suffix, prefix in (("", ""), ("_of_tenant", _BY_TENANT)):
        starting = blueprint.durable_client_input(client_name="client")(start_export)
        _register(blueprint, f"start_export{suffix}", f"{prefix}{COLLECTION}", "POST", starting)
        _register(blueprint, f"get_export{suffix}", f"{prefix}{COLLECTION}/{{code}}", "GET", get_export)
    return blueprint


def _register(blueprint: df.Blueprint, name: str, route: str, method: str, handler: Any) -> None:
    blueprint.function_name(name)(blueprint.route(route, methods=[method])(handler))


async def _start(req: func.HttpRequest, services: Services, starter: OrchestrationStarter) -> func.HttpResponse:
    """Start a job and wait a little, so that a small export is answered with its link."""
    tenant = await asyncio.to_thread(tenant_of, req, services.settings.api_keys)
    spec = _spec(read_body(req, CsvExportRequestDto, MAX_BODY_BYTES))
    job = await start_export_step(services, starter, tenant, spec)
    job = await wait_for_end(services, job, _wait_seconds(req, services.settings.wait_seconds))
    shown = await asyncio.to_thread(present, services, job)
    headers = {"Location": f"{_url_of(req).rstrip('/')}/{shown.code}"}
    if shown.status.is_terminal:
        return json_response(shown, 201, headers)
    return json_response(shown, 202, headers | _retry_after(shown))


def _get(req: func.HttpRequest, services: Services) -> func.HttpResponse:
    tenant = tenant_of(req, services.settings.api_keys)
    shown = get_export_step(services, tenant, req.route_params["code"])
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


def _url_of(req: func.HttpRequest) -> str:
    url: str = req.url
    return url.partition("?")[0]
