"""HTTP trigger: say what an export would come to."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from exports.request.body import CsvExportRequestDto
from exports.request.estimate import ExportEstimateDto
from exports.request.scopes import Scope
from exports.services import ServiceProvider
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.resolve_spec import resolve_spec
from exports.triggers.http.export_routes import COLLECTION, MAX_BODY_BYTES
from exports.triggers.http.problems import SENSITIVE_FIELDS, SOURCE_UNUSABLE
from exports.triggers.http.register import Call, Reply, Route, add_route
from shared.http import json_response, read_body

ESTIMATE = Route(
    name="estimate_export",
    method="POST",
    path=f"{COLLECTION}/estimate",
    summary="What an export would come to: rows, bytes, pages, seconds, and warnings; starts nothing",
    scope=Scope.EXPORTS_READ,
    body=CsvExportRequestDto,
    replies={200: Reply("The estimate", ExportEstimateDto)},
    problems=(SENSITIVE_FIELDS, SOURCE_UNUSABLE),
)
ROUTES = (ESTIMATE,)


def estimate_triggers(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP trigger of estimates."""
    blueprint = df.Blueprint()
    add_route(blueprint, provide, ESTIMATE, _estimate)
    return blueprint


def _estimate(call: Call) -> func.HttpResponse:
    request = read_body(call.req, CsvExportRequestDto, MAX_BODY_BYTES)
    spec = resolve_spec(call.services, call.tenant, request, call.caller.sensitive_fields)
    return json_response(estimate_export(call.services, call.tenant, spec))
