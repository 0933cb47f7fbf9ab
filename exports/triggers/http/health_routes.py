"""HTTP triggers that need no API key: health, and the answer for paths and methods that do not exist."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from exports.services import ServiceProvider
from exports.settings import SettingsError
from exports.steps.upkeep.check_health import Dependency, HealthDto, HealthStatus, check_health, health_of
from exports.triggers.http.problems import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND
from exports.triggers.http.register import add_catch_all, add_open_route
from exports.triggers.http.routes import Reply, Route, allowed_methods, hiding_paths
from shared.http import json_response
from shared.problems import ProblemError

HEALTH = Route(
    name="health",
    method="GET",
    path="health",
    summary="Every dependency by name, and its state",
    scope=None,
    replies={200: Reply("All are healthy", HealthDto), 503: Reply("At least one is not", HealthDto)},
)
ROUTES = (HEALTH,)


def health_triggers(provide: ServiceProvider, routes: Sequence[Route]) -> df.Blueprint:
    """Build the HTTP triggers that every service has.

    Args:
        routes: All routes of the app; they tell an unknown path from a wrong method.
    """
    blueprint = df.Blueprint()

    def health(_: func.HttpRequest) -> func.HttpResponse:
        report = _report(provide)
        return json_response(report, 200 if report.status is HealthStatus.HEALTHY else 503)

    def unknown_route(req: func.HttpRequest) -> func.HttpResponse:
        methods = ", ".join(allowed_methods(routes, urlsplit(req.url).path.strip("/")))
        if methods:
            raise ProblemError(METHOD_NOT_ALLOWED, f"Use {methods} here.", headers={"Allow": methods})
        raise ProblemError(ROUTE_NOT_FOUND, "Nothing is served at this path; the documentation lists what is.")

    add_open_route(blueprint, HEALTH, health)
    add_catch_all(blueprint, "unknown_route", "{*path:minlength(1)}", unknown_route)
    for name, path, taken in hiding_paths(routes):
        add_catch_all(blueprint, f"unknown_method_of_{name}", path, unknown_route, taken)
    return blueprint


def _report(provide: ServiceProvider) -> HealthDto:
    try:
        services = provide()
    except SettingsError as error:
        return health_of((Dependency(name="settings", status=HealthStatus.UNHEALTHY, detail=str(error)),))
    return check_health(services)
