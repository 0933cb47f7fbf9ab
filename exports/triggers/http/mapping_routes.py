"""HTTP routes: the saved mappings of a tenant."""

from __future__ import annotations

import azure.functions as func

from exports.mappings.mapping import CreateCsvMappingDto, CsvMappingDto, UpdateCsvMappingDto
from exports.request.scopes import Scope
from exports.steps.mappings import save_mappings as steps
from exports.triggers.http.conditional import if_match_check, response_unless_current, tagged_response
from exports.triggers.http.named_resources import NamedResource, created_response
from exports.triggers.http.problems import MAPPING_NOT_FOUND, PRESET_READ_ONLY, TOO_MANY_MAPPINGS
from exports.triggers.http.query import parse_list_query
from exports.triggers.http.routes import Call
from shared.http import json_response
from shared.lists import ListDto

_MAPPINGS = NamedResource(
    noun="mapping",
    collection="csv-mappings",
    shown=CsvMappingDto,
    listed=ListDto[CsvMappingDto],
    write_scope=Scope.MAPPINGS_WRITE,
    not_found=MAPPING_NOT_FOUND,
    not_writable=(PRESET_READ_ONLY,),
)


def list_mappings(call: Call) -> func.HttpResponse:
    query = parse_list_query(call.req.url)
    return json_response(steps.list_mappings(call.services, call.tenant, query.limit, query.after))


def create_mapping(call: Call) -> func.HttpResponse:
    shown = steps.create_mapping(call.services, call.tenant, call.parse_body(CreateCsvMappingDto))
    return created_response(call, shown.code, shown)


def get_mapping(call: Call) -> func.HttpResponse:
    return response_unless_current(call, steps.find_mapping(call.services, call.tenant, call.code))


def update_mapping(call: Call) -> func.HttpResponse:
    request = call.parse_body(UpdateCsvMappingDto)
    return tagged_response(steps.update_mapping(call.services, call.tenant, call.code, request, if_match_check(call)))


def delete_mapping(call: Call) -> func.HttpResponse:
    steps.delete_mapping(call.services, call.tenant, call.code, if_match_check(call))
    return func.HttpResponse(status_code=204)


ROUTES = (
    _MAPPINGS.list_route(list_mappings, "List the mappings that a tenant can use: presets first, then by name"),
    _MAPPINGS.create_route(create_mapping, CreateCsvMappingDto, (TOO_MANY_MAPPINGS,), "Save a mapping"),
    _MAPPINGS.get_route(get_mapping, "Get a mapping"),
    _MAPPINGS.update_route(
        update_mapping,
        UpdateCsvMappingDto,
        "Replace the content of a mapping; jobs that were started with it keep their columns",
    ),
    _MAPPINGS.delete_route(delete_mapping, "Delete a mapping; jobs that were started with it keep their columns"),
)
