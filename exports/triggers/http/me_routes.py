"""HTTP route: tell a caller who it is, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator

import azure.functions as func

from exports.notifications.target import Channel
from exports.request.consistency import Consistency
from exports.request.me import LimitsDto, MeDto, describe_caller
from exports.services import Services
from exports.triggers.http.routes import CallerCall, CallerRoute, Reply
from shared.http import json_response


def get_me(call: CallerCall) -> func.HttpResponse:
    settings = call.services.settings
    limits = LimitsDto(
        active_jobs=settings.max_active_jobs,
        jobs_per_day=settings.max_jobs_per_day,
        keep_hours=settings.keep_hours,
        link_minutes=settings.link_minutes,
        wait_seconds=settings.wait_seconds,
        notify_by=tuple(_ways_to_notify(call.services)),
        consistency=tuple(_consistencies(call.services)),
    )
    return json_response(describe_caller(call.identity, settings.tenant_names, limits))


def _ways_to_notify(services: Services) -> Iterator[Channel]:
    if services.settings.webhook_secrets:
        yield Channel.WEBHOOK
    if services.mail is not None:
        yield Channel.EMAIL


def _consistencies(services: Services) -> Iterator[Consistency]:
    yield Consistency.PAGES
    if services.clients.snapshot_refusal() is None:
        yield Consistency.SNAPSHOT


ROUTES = (
    CallerRoute(
        method="GET",
        path="me",
        handler=get_me,
        summary="Get your name, your tenants with what you may do for each, and the limits of a tenant",
        replies={200: Reply("The caller", MeDto)},
    ),
)
