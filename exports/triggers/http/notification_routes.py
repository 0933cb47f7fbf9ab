"""HTTP routes: send a test to receivers, list the tries to notify about an export, and notify again."""

from __future__ import annotations

import azure.functions as func

from exports.notifications.delivery_cursor import is_delivery_cursor
from exports.notifications.view import DeliveryDto, NotificationTestDto, ReceiverAnswerDto
from exports.request.scopes import Scope
from exports.steps.notifications import send_by_hand as steps
from exports.triggers.http.export_routes import ITEM, job_code_of
from exports.triggers.http.problems import JOB_NOT_FOUND, NOT_NOTIFIED, TOO_MANY_SENDS
from exports.triggers.http.query import LIST_PARAMETERS, parse_list_query
from exports.triggers.http.routes import Call, Reply, TenantRoute
from shared.http import json_response
from shared.lists import ListDto


def test_notification(call: Call) -> func.HttpResponse:
    request = call.parse_body(NotificationTestDto)
    return json_response(steps.send_test(call.services, call.tenant, call.caller.actor, request))


def list_deliveries(call: Call) -> func.HttpResponse:
    query = parse_list_query(call.req.url, is_delivery_cursor)
    return json_response(steps.list_deliveries(call.services, call.tenant, job_code_of(call), query.limit, query.after))


def send_notification_again(call: Call) -> func.HttpResponse:
    return json_response(steps.send_again(call.services, call.tenant, job_code_of(call), call.caller.actor))


ROUTES = (
    TenantRoute(
        method="POST",
        path="clients/export/notification-test",
        handler=test_notification,
        summary="Send a test to the receivers of a notification, and say how each has answered",
        description="The webhook is signed like a real one, and goes only to addresses that a real one may go to.",
        scope=Scope.EXPORTS_WRITE,
        body=NotificationTestDto,
        replies={200: Reply("The answer of each receiver", ListDto[ReceiverAnswerDto])},
        problems=(TOO_MANY_SENDS,),
    ),
    TenantRoute(
        method="GET",
        path=f"{ITEM}/deliveries",
        handler=list_deliveries,
        summary="List the tries to notify the receivers about the end of an export, oldest first",
        scope=Scope.EXPORTS_READ,
        parameters=LIST_PARAMETERS,
        replies={200: Reply("One part of the list", ListDto[DeliveryDto])},
        problems=(JOB_NOT_FOUND,),
    ),
    TenantRoute(
        method="POST",
        path=f"{ITEM}/deliveries",
        handler=send_notification_again,
        summary="Notify the receivers about the end of an export once more, now, under the same ids",
        scope=Scope.EXPORTS_WRITE,
        replies={200: Reply("The try for each receiver", ListDto[DeliveryDto])},
        problems=(JOB_NOT_FOUND, NOT_NOTIFIED, TOO_MANY_SENDS),
    ),
)
