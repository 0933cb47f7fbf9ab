"""HTTP routes: the schedules of a tenant."""

from __future__ import annotations

import azure.functions as func

from exports.jobs.codes import is_job_code
from exports.request.scopes import Scope
from exports.schedules.body import SaveScheduleDto
from exports.schedules.view import ExportScheduleDto, ScheduleRunDto
from exports.steps.schedules import save_schedules as steps
from exports.triggers.http.conditional import if_match_check, response_unless_current, tagged_response
from exports.triggers.http.named_resources import NamedResource, created_response
from exports.triggers.http.problems import SCHEDULE_NOT_FOUND, SENSITIVE_FIELDS, TOO_MANY_SCHEDULES
from exports.triggers.http.query import LIST_PARAMETERS, parse_list_query
from exports.triggers.http.routes import Call, Reply, TenantRoute
from shared.http import json_response
from shared.lists import ListDto

_SCHEDULES = NamedResource(
    noun="schedule",
    collection="clients/export/schedules",
    shown=ExportScheduleDto,
    listed=ListDto[ExportScheduleDto],
    write_scope=Scope.SCHEDULES_WRITE,
    not_found=SCHEDULE_NOT_FOUND,
)


def list_schedules(call: Call) -> func.HttpResponse:
    query = parse_list_query(call.req.url)
    return json_response(steps.list_schedules(call.services, call.tenant, query.limit, query.after))


def create_schedule(call: Call) -> func.HttpResponse:
    request, caller = call.parse_body(SaveScheduleDto), call.caller
    shown = steps.create_schedule(call.services, call.tenant, request, caller.actor, caller.sensitive_fields)
    return created_response(call, shown.code, shown)


def get_schedule(call: Call) -> func.HttpResponse:
    return response_unless_current(call, steps.find_schedule(call.services, call.tenant, call.code))


def update_schedule(call: Call) -> func.HttpResponse:
    request = call.parse_body(SaveScheduleDto)
    actor, sensitive, check = call.caller.actor, call.caller.sensitive_fields, if_match_check(call)
    return tagged_response(
        steps.update_schedule(call.services, call.tenant, call.code, request, actor, sensitive, check)
    )


def delete_schedule(call: Call) -> func.HttpResponse:
    steps.delete_schedule(call.services, call.tenant, call.code, call.caller.actor, if_match_check(call))
    return func.HttpResponse(status_code=204)


def list_schedule_runs(call: Call) -> func.HttpResponse:
    query = parse_list_query(call.req.url, is_job_code)  # the key of a run has the form of a job's code
    return json_response(steps.list_runs(call.services, call.tenant, call.code, query.limit, query.after))


ROUTES = (
    _SCHEDULES.list_route(list_schedules, "List the schedules of a tenant by name"),
    _SCHEDULES.create_route(
        create_schedule,
        SaveScheduleDto,
        (SENSITIVE_FIELDS, TOO_MANY_SCHEDULES),
        "Save a schedule, which starts exports at its times",
        "The exports of the schedule may contain the fields that the caller's key may export, and no others.",
    ),
    _SCHEDULES.get_route(get_schedule, "Get a schedule"),
    _SCHEDULES.update_route(
        update_schedule,
        SaveScheduleDto,
        "Replace the content of a schedule; if its request changes, an incremental schedule starts over",
        "A property that is left out gets its default. From then on, the exports of the schedule may contain the "
        "fields that the key of this caller may export. A change that pauses the schedule and leaves its request as it "
        "is changes no rights, and is accepted even if the request is no longer valid.",
        (SENSITIVE_FIELDS,),
    ),
    _SCHEDULES.delete_route(delete_schedule, "Delete a schedule; the exports that it started stay"),
    TenantRoute(
        method="GET",
        path=f"{_SCHEDULES.item}/runs",
        handler=list_schedule_runs,
        summary="List the runs of a schedule, newest first: the outcome of each of its slots",
        scope=Scope.EXPORTS_READ,
        parameters=LIST_PARAMETERS,
        replies={200: Reply("One part of the list", ListDto[ScheduleRunDto])},
        problems=(SCHEDULE_NOT_FOUND,),
    ),
)
