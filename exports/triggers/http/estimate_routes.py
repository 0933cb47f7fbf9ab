"""HTTP route: estimate the size and duration of an export."""

from __future__ import annotations

import azure.functions as func

from exports.request.body import CsvExportRequestDto
from exports.request.estimate import ExportEstimateDto
from exports.request.scopes import Scope
from exports.steps.requests.estimate_export import estimate_export as estimate_export_step
from exports.steps.requests.resolve_spec import resolve_spec
from exports.triggers.http.export_routes import COLLECTION
from exports.triggers.http.problems import ESTIMATE_TOO_SLOW, SENSITIVE_FIELDS, SOURCE_UNUSABLE
from exports.triggers.http.routes import Call, Reply, TenantRoute
from shared.http import json_response


def estimate_export(call: Call) -> func.HttpResponse:
    request = call.parse_body(CsvExportRequestDto)
    spec = resolve_spec(call.services, call.tenant, request, call.caller.sensitive_fields)
    return json_response(estimate_export_step(call.services, call.tenant, spec))


ROUTES = (
    TenantRoute(
        method="POST",
        path=f"{COLLECTION}/estimate",
        handler=estimate_export,
        summary="Estimate an export without starting it: rows, bytes, pages, seconds, and warnings",
        scope=Scope.EXPORTS_READ,
        body=CsvExportRequestDto,
        replies={200: Reply("The estimate", ExportEstimateDto)},
        problems=(SENSITIVE_FIELDS, SOURCE_UNUSABLE, ESTIMATE_TOO_SLOW),
    ),
)
