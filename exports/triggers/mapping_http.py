"""HTTP triggers: the saved mappings of a tenant."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from exports.api.problems import (
    INVALID_QUERY,
    MAPPING_NOT_FOUND,
    PRECONDITION_FAILED,
    PRESET_READ_ONLY,
    TOO_MANY_MAPPINGS,
)
from exports.mappings import CreateCsvMappingDto, CsvMappingDto, UpdateCsvMappingDto
from exports.scopes import Scope
from exports.services import ServiceProvider
from exports.steps import mappings as steps
from exports.triggers.query import page_of_query
from exports.triggers.routes import Call, Parameter, Reply, Route, add_route
from shared.etags import etag_of, may_change
from shared.http import json_response, matches, read_body
from shared.paging import ListDto
from shared.problems import ProblemError

COLLECTION = "csv-mappings"
ITEM = COLLECTION + "/{code}"
MAX_BODY_BYTES = 64 * 1024

_ETAG = {"ETag": "Changes when the mapping does"}
_LOCATION = {"Location": "URL of the mapping"}
_IF_MATCH = Parameter(
    "If-Match", "header", "ETag of the mapping you have seen: 412 if it has changed since", {"type": "string"}
)
_IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "ETag of the answer you have: 304 if it still holds", {"type": "string"}
)

LIST = Route(
    name="list_mappings",
    method="GET",
    path=COLLECTION,
    summary="The mappings a tenant can use: presets first, then by name",
    scope=Scope.EXPORTS_READ,
    parameters=(
        Parameter("limit", "query", "The most mappings to give", {"type": "integer", "minimum": 1, "maximum": 100}),
        Parameter("continuationToken", "query", "Where to go on, from the list before", {"type": "string"}),
    ),
    replies={200: Reply("One page of the list", ListDto[CsvMappingDto])},
    problems=(INVALID_QUERY,),
)
CREATE = Route(
    name="create_mapping",
    method="POST",
    path=COLLECTION,
    summary="Save a mapping",
    scope=Scope.MAPPINGS_WRITE,
    body=CreateCsvMappingDto,
    replies={201: Reply("The mapping", CsvMappingDto, _LOCATION | _ETAG)},
    problems=(TOO_MANY_MAPPINGS,),
)
GET = Route(
    name="get_mapping",
    method="GET",
    path=ITEM,
    summary="A mapping",
    scope=Scope.EXPORTS_READ,
    parameters=(_IF_NONE_MATCH,),
    replies={200: Reply("The mapping", CsvMappingDto, _ETAG), 304: Reply("Nothing has changed", headers=_ETAG)},
    problems=(MAPPING_NOT_FOUND,),
)
UPDATE = Route(
    name="update_mapping",
    method="PUT",
    path=ITEM,
    summary="Replace what a mapping says; jobs that were started with it keep their columns",
    scope=Scope.MAPPINGS_WRITE,
    body=UpdateCsvMappingDto,
    parameters=(_IF_MATCH,),
    replies={200: Reply("The mapping", CsvMappingDto, _ETAG)},
    problems=(MAPPING_NOT_FOUND, PRESET_READ_ONLY, PRECONDITION_FAILED),
)
DELETE = Route(
    name="delete_mapping",
    method="DELETE",
    path=ITEM,
    summary="Delete a mapping; jobs that were started with it keep their columns",
    scope=Scope.MAPPINGS_WRITE,
    parameters=(_IF_MATCH,),
    replies={204: Reply("It is gone")},
    problems=(MAPPING_NOT_FOUND, PRESET_READ_ONLY, PRECONDITION_FAILED),
)
ROUTES = (LIST, CREATE, GET, UPDATE, DELETE)


def mapping_http(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of saved mappings."""
    blueprint = df.Blueprint()
    for route, handler in ((LIST, _list), (CREATE, _create), (GET, _get), (UPDATE, _update), (DELETE, _delete)):
        add_route(blueprint, provide, route, handler)
    return blueprint


def _list(call: Call) -> func.HttpResponse:
    page = page_of_query(call.req.url, lambda _: True)  # any text is a position in a list by name
    return json_response(steps.list_mappings(call.services, call.tenant, page.limit, page.after))


def _create(call: Call) -> func.HttpResponse:
    request = read_body(call.req, CreateCsvMappingDto, MAX_BODY_BYTES)
    shown = steps.create_mapping(call.services, call.tenant, request)
    return json_response(shown, 201, {"Location": f"{call.url}/{shown.code}", "ETag": etag_of(shown)})


def _get(call: Call) -> func.HttpResponse:
    shown = steps.find_mapping(call.services, call.tenant, call.req.route_params["code"])
    headers = {"ETag": etag_of(shown)}
    if matches(call.req.headers.get("if-none-match"), headers["ETag"]):
        return func.HttpResponse(status_code=304, headers=headers)
    return json_response(shown, 200, headers)


def _update(call: Call) -> func.HttpResponse:
    request = read_body(call.req, UpdateCsvMappingDto, MAX_BODY_BYTES)
    code = call.req.route_params["code"]
    shown = steps.update_mapping(call.services, call.tenant, code, request, _unchanged_for(call))
    return json_response(shown, 200, {"ETag": etag_of(shown)})


def _delete(call: Call) -> func.HttpResponse:
    steps.delete_mapping(call.services, call.tenant, call.req.route_params["code"], _unchanged_for(call))
    return func.HttpResponse(status_code=204)


def _unchanged_for(call: Call) -> steps.Check:
    """Check that a mapping is still the one that the caller's `If-Match` names."""

    def check(shown: CsvMappingDto) -> None:
        if not may_change(call.req.headers.get("if-match"), etag_of(shown)):
            detail = "The mapping has changed since you read it; read it again and decide anew."
            raise ProblemError(PRECONDITION_FAILED, detail)

    return check
