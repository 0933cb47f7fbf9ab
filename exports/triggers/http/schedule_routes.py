"""HTTP triggers: the schedules of a tenant."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from exports.request.scopes import Scope
from exports.schedules.body import SaveScheduleDto
from exports.schedules.view import ExportScheduleDto, ScheduleRunDto
from exports.services import ServiceProvider
from exports.steps.schedules import save_schedules as steps
from exports.triggers.http.export_routes import MAX_BODY_BYTES
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
from exports.triggers.http.problems import PRECONDITION_FAILED, SCHEDULE_NOT_FOUND, SENSITIVE_FIELDS, TOO_MANY_SCHEDULES
from exports.triggers.http.query import page_of_query
from exports.triggers.http.register import Call, Reply, Route, add_route
from shared.http import json_response, read_body
from shared.paging import ListDto

COLLECTION = "clients/export/schedules"
ITEM = COLLECTION + "/{code}"

_LOCATION = {"Location": "URL of the schedule"}

LIST = Route(
    name="list_schedules",
    method="GET",
    path=COLLECTION,
    summary="The schedules of a tenant, by name",
    scope=Scope.EXPORTS_READ,
    parameters=PAGE_OF_LIST,
    replies={200: Reply("One page of the list", ListDto[ExportScheduleDto])},
)
CREATE = Route(
    name="create_schedule",
    method="POST",
    path=COLLECTION,
    summary="Save a schedule, which starts exports by itself",
    description="Its exports have what the caller may export, and no more.",
    scope=Scope.SCHEDULES_WRITE,
    body=SaveScheduleDto,
    replies={201: Reply("The schedule", ExportScheduleDto, _LOCATION | ETAG)},
    problems=(SENSITIVE_FIELDS, TOO_MANY_SCHEDULES),
)
GET = Route(
    name="get_schedule",
    method="GET",
    path=ITEM,
    summary="A schedule",
    scope=Scope.EXPORTS_READ,
    parameters=(IF_NONE_MATCH,),
    replies={200: Reply("The schedule", ExportScheduleDto, ETAG), 304: Reply("Nothing has changed", headers=ETAG)},
    problems=(SCHEDULE_NOT_FOUND,),
)
UPDATE = Route(
    name="update_schedule",
    method="PUT",
    path=ITEM,
    summary="Replace what a schedule says; with another request an incremental one begins anew",
    description="What is left out gets its default. From then on its exports have what this caller may export.",
    scope=Scope.SCHEDULES_WRITE,
    body=SaveScheduleDto,
    parameters=(IF_MATCH,),
    replies={200: Reply("The schedule", ExportScheduleDto, ETAG)},
    problems=(SENSITIVE_FIELDS, SCHEDULE_NOT_FOUND, PRECONDITION_FAILED),
)
DELETE = Route(
    name="delete_schedule",
    method="DELETE",
    path=ITEM,
    summary="Delete a schedule; the exports that it started stay",
    scope=Scope.SCHEDULES_WRITE,
    parameters=(IF_MATCH,),
    replies={204: Reply("It is gone")},
    problems=(SCHEDULE_NOT_FOUND, PRECONDITION_FAILED),
)
RUNS = Route(
    name="list_schedule_runs",
    method="GET",
    path=ITEM + "/runs",
    summary="What became of the slots of a schedule, the newest first",
    scope=Scope.EXPORTS_READ,
    parameters=PAGE_OF_LIST,
    replies={200: Reply("One page of the list", ListDto[ScheduleRunDto])},
    problems=(SCHEDULE_NOT_FOUND,),
)
ROUTES = (LIST, CREATE, GET, UPDATE, DELETE, RUNS)


def schedule_triggers(provide: ServiceProvider) -> df.Blueprint:
    """Build the HTTP triggers of schedules."""
    blueprint = df.Blueprint()
    handlers = (_list, _create, _get, _update, _delete, _runs)
    for route, handler in zip(ROUTES, handlers, strict=True):
        add_route(blueprint, provide, route, handler)
    return blueprint


def _list(call: Call) -> func.HttpResponse:
    page = page_of_query(call.req.url, lambda _: True)  # any text is a position in a list by name
    return json_response(steps.list_schedules(call.services, call.tenant, page.limit, page.after))


def _create(call: Call) -> func.HttpResponse:
    request = read_body(call.req, SaveScheduleDto, MAX_BODY_BYTES)
    caller = call.caller
    shown = steps.create_schedule(call.services, call.tenant, request, caller.actor, caller.sensitive_fields)
    return created(call, shown.code, shown)


def _get(call: Call) -> func.HttpResponse:
    return unless_seen(call, steps.find_schedule(call.services, call.tenant, code_of(call)))


def _update(call: Call) -> func.HttpResponse:
    request = read_body(call.req, SaveScheduleDto, MAX_BODY_BYTES)
    actor, sensitive, check = call.caller.actor, call.caller.sensitive_fields, unchanged_for(call)
    return tagged(steps.update_schedule(call.services, call.tenant, code_of(call), request, actor, sensitive, check))


def _delete(call: Call) -> func.HttpResponse:
    steps.delete_schedule(call.services, call.tenant, code_of(call), call.caller.actor, unchanged_for(call))
    return func.HttpResponse(status_code=204)


def _runs(call: Call) -> func.HttpResponse:
    page = page_of_query(call.req.url)  # a run's key has the shape of a job's code
    return json_response(steps.list_runs(call.services, call.tenant, code_of(call), page.limit, page.after))
