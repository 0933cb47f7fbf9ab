"""HTTP route: list what the audit log says about a tenant's day."""

from __future__ import annotations

import azure.functions as func

from exports.jobs.audit import AuditAction, AuditEntry
from exports.ports.audit import AuditConditions, day_of_position
from exports.request.scopes import Scope
from exports.steps.access.list_audit import list_audit as list_audit_step
from exports.triggers.http.problems import INVALID_QUERY
from exports.triggers.http.query import (
    DAY,
    LIST_PARAMETERS,
    TEXT,
    day_of_query,
    members_of_query,
    members_parameter,
    parse_list_query,
    text_of_query,
)
from exports.triggers.http.routes import Call, Parameter, Reply, TenantRoute
from shared.http import json_response
from shared.lists import ListDto
from shared.problems import ProblemError


def list_audit(call: Call) -> func.HttpResponse:
    """List the entries of a day. A continued list stays on its day, even if it goes on after midnight."""
    url = call.req.url
    query = parse_list_query(url, lambda cursor: day_of_position(cursor) is not None)
    day, begun = day_of_query(url, "day"), day_of_position(query.after or "")
    if day and begun and day != begun:
        raise ProblemError(INVALID_QUERY, "The continuation token is not one of this day; start from the beginning.")
    actions = members_of_query(url, "action", AuditAction)
    wanted = AuditConditions(actions, text_of_query(url, "actor"), text_of_query(url, "code"))
    return json_response(list_audit_step(call.services, call.tenant, day or begun, query.limit, query.after, wanted))


ROUTES = (
    TenantRoute(
        method="GET",
        path="audit",
        handler=list_audit,
        summary="List who started, read, changed or removed what on a day, oldest first",
        description="The entries hold no data of clients. They are never deleted, and nothing can change them.",
        scope=Scope.AUDIT_READ,
        parameters=(
            *LIST_PARAMETERS,
            Parameter("day", "query", "The day (UTC); without it: today", DAY),
            members_parameter("action", "Only entries of this action", AuditAction),
            Parameter("actor", "query", "Only entries whose `actor` is this one", TEXT),
            Parameter("code", "query", "Only entries about the export, schedule or key with this code", TEXT),
        ),
        replies={200: Reply("One part of the list", ListDto[AuditEntry])},
    ),
)
