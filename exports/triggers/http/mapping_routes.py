"""HTTP triggers: the saved mappings of a tenant."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from exports.mappings.mapping import CreateCsvMappingDto, CsvMappingDto, UpdateCsvMappingDto
from exports.request.scopes import Scope
from exports.services import ServiceProvider
from exports.steps.mappings import save_mappings as steps
from exports.triggers.http.named_resources import (
    ETAG,
    IF_MATCH,
    IF_NONE_MATCH,
    PAGE_OF_LIST,
    code_of,
    created,
    tagged,
    unchanged_for,
    unless_seen,
)
from exports.triggers.http.problems import MAPPING_NOT_FOUND, PRECONDITION_FAILED, PRESET_READ_ONLY, TOO_MANY_MAPPINGS
from exports.triggers.http.query import page_of_query
from exports.triggers.http.register import Call, Reply, Route, add_route
from shared.http import json_response, read_body
from shared.paging import ListDto

COLLECTION = "csv-mappings"
ITEM = COLLECTION + "/{code}"
MAX_BODY_BYTES = 64 * 1024

_LOCATION = {"Location": "URL of the mapping"}

LIST = Route(
    name="list_mappings",
    method="GET",
    path=COLLECTION,
    summary="The mappings a tenant can use: presets first, then by name",
    scope=Scope.EXPORTS_READ,
    parameters=PAGE_OF_LIST,
    replies={200: Reply("One page of the list", ListDto[CsvMappingDto])},
)
CREATE = Route(
    name="create_mapping",
    method="POST",
    path=COLLECTION,
    summary="Save a mapping",
    scope=Scope.MAPPINGS_WRITE,
    body=CreateCsvMappingDto,
    replies={201: Reply("The mapping", CsvMappingDto, _LOCATION | ETAG)},
    problems=(TOO_MANY_MAPPINGS,),
)
GET = Route(
    name="get_mapping",
    method="GET",
    path=ITEM,
    summary="A mapping",
    scope=Scope.EXPORTS_READ,
    parameters=(IF_NONE_MATCH,),
    replies={200: Reply("The mapping", CsvMappingDto, ETAG), 304: Reply("Nothing has changed", headers=ETAG)},
    problems=(MAPPING_NOT_FOUND,),
)
UPDATE = Route(
    name="update_mapping",
    method="PUT",
    path=ITEM,
    summary="Replace what a mapping says; jobs that were started with it keep their columns",
    scope=Scope.MAPPINGS_WRITE,
    body=UpdateCsvMappingDto,
    parameters=(IF_MATCH,),
    replies={200: Reply("The mapping", CsvMappingDto, ETAG)},
    problems=(MAPPING_NOT_FOUND, PRESET_READ_ONLY, PRECONDITION_FAILED),
)
DELETE = Route(
    name="delete_mapping",
    method="DELETE",
    path=ITEM,
    summary="Delete a mapping; jobs that were started with it keep their columns",
    scope=Scope.MAPPINGS_WRITE,
    parameters=(IF_MATCH,),
    replies={204: Reply("It is gone")},
    problems=(MAPPING_NOT_FOUND, PRESET_READ_ONLY, PRECONDITION_FAILED),
)
ROUTES = (LIST, CREATE, GET, UPDATE, DELETE)


def mapping_triggers(provide: ServiceProvider) -> df.Blueprint:
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
    return created(call, shown.code, shown)


def _get(call: Call) -> func.HttpResponse:
    return unless_seen(call, steps.find_mapping(call.services, call.tenant, code_of(call)))


def _update(call: Call) -> func.HttpResponse:
    request = read_body(call.req, UpdateCsvMappingDto, MAX_BODY_BYTES)
    return tagged(steps.update_mapping(call.services, call.tenant, code_of(call), request, unchanged_for(call)))


def _delete(call: Call) -> func.HttpResponse:
    steps.delete_mapping(call.services, call.tenant, code_of(call), unchanged_for(call))
    return func.HttpResponse(status_code=204)
