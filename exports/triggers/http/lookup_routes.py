"""HTTP routes: show what an export would hold, and which values its filters can have."""

from __future__ import annotations

import azure.functions as func

from exports.request.body import CsvExportRequestDto
from exports.request.filter_values import FilterValuesDto
from exports.request.preview import ExportPreviewDto
from exports.request.scopes import Scope
from exports.steps.requests.list_filter_values import list_filter_values as list_filter_values_step
from exports.steps.requests.preview_export import FULL, QUICK
from exports.steps.requests.preview_export import preview_export as preview_export_step
from exports.steps.requests.resolve_spec import resolve_spec
from exports.triggers.http.export_routes import COLLECTION
from exports.triggers.http.problems import SENSITIVE_FIELDS, SOURCE_UNUSABLE
from exports.triggers.http.query import require_one_of, text_of_query
from exports.triggers.http.routes import Call, Parameter, Reply, TenantRoute
from shared.http import json_response

_QUICK, _FULL = "quick", "full"
_TIMEOUTS = {_QUICK: QUICK, _FULL: FULL}


def preview_export(call: Call) -> func.HttpResponse:
    request = call.parse_body(CsvExportRequestDto)
    spec = resolve_spec(call.services, call.tenant, request, call.caller.sensitive_fields)
    count = require_one_of("count", text_of_query(call.req.url, "count") or _QUICK, _TIMEOUTS)
    return json_response(preview_export_step(call.services, call.tenant, spec, _TIMEOUTS[count]))


def list_filter_values(call: Call) -> func.HttpResponse:
    return json_response(list_filter_values_step(call.services, call.tenant))


ROUTES = (
    TenantRoute(
        method="POST",
        path=f"{COLLECTION}/preview",
        handler=preview_export,
        summary="Preview an export without starting it: the number of clients, and the first ten rows of the file",
        scope=Scope.EXPORTS_READ,
        body=CsvExportRequestDto,
        parameters=(
            Parameter(
                "count",
                "query",
                "How long the preview may take. `quick`, the default, finds rows and counts clients for a tenth of a "
                "second each; `full` finds rows for ten seconds and counts for two. If that is not enough, "
                "`rowsComplete` is false or `totalItems` is null.",
                {"type": "string", "enum": [_QUICK, _FULL], "default": _QUICK},
            ),
        ),
        replies={200: Reply("The preview", ExportPreviewDto)},
        problems=(SENSITIVE_FIELDS, SOURCE_UNUSABLE),
    ),
    TenantRoute(
        method="GET",
        path="clients/export/filters",
        handler=list_filter_values,
        summary="List the managers, partners, associates, teams and services by which clients can be filtered",
        scope=Scope.EXPORTS_READ,
        replies={200: Reply("The values", FilterValuesDto)},
        problems=(SOURCE_UNUSABLE,),
    ),
)
