"""HTTP route: the health of the service. It needs no API key."""

from __future__ import annotations

import azure.functions as func

from exports.services import ServiceProvider
from exports.settings import SettingsError
from exports.steps.upkeep.check_health import Dependency, HealthDto, HealthStatus, check_health, health_of
from exports.triggers.http.routes import Api, OpenRoute, Reply
from shared.http import json_response


def health(_: func.HttpRequest, api: Api) -> func.HttpResponse:
    report = _report(api.provide)
    return json_response(report, 200 if report.status is HealthStatus.HEALTHY else 503)


def _report(provide: ServiceProvider) -> HealthDto:
    try:
        services = provide()
    except SettingsError as error:
        return health_of((Dependency(name="settings", status=HealthStatus.UNHEALTHY, detail=str(error)),))
    return check_health(services)


ROUTES = (
    OpenRoute(
        method="GET",
        path="health",
        handler=health,
        summary="Get the health of every dependency, by name",
        replies={200: Reply("All are healthy", HealthDto), 503: Reply("At least one is not healthy", HealthDto)},
    ),
)
