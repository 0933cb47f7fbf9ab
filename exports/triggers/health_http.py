"""HTTP triggers that need no API key: health, and the answer for paths and methods that do not exist."""

from __future__ import annotations

import re

import azure.functions as func

from exports.problems import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND, describe
from exports.services import ServiceProvider
from exports.settings import SettingsError
from exports.steps.check_health import Dependency, HealthDto, HealthStatus, check_health, health_of
from shared.http import answering_problems, json_response
from shared.problems import ProblemError

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_TENANT = r"/(tenants/[^/]+/)?"
_ALLOWED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(f"{_TENANT}clients/export/csv"), "POST"),
    (re.compile(f"{_TENANT}clients/export/csv/[^/]+"), "GET"),
    (re.compile("/health"), "GET"),
)


def health_http(provide: ServiceProvider) -> func.Blueprint:
    """Build the HTTP triggers that every service has."""
    blueprint = func.Blueprint()

    @blueprint.route("health", methods=["GET"])
    @answering_problems(describe)
    def health(req: func.HttpRequest) -> func.HttpResponse:
        """Name every dependency and its state: 200 when all are healthy, else 503. Open: probes have no key."""
        report = _report(provide)
        return json_response(report, 200 if report.status is HealthStatus.HEALTHY else 503)

    @blueprint.route("{*path}", methods=_METHODS)
    @answering_problems(describe)
    def unknown_route(req: func.HttpRequest) -> func.HttpResponse:
        """Answer what no other route matches: 405 where the path exists with another method, else 404."""
        path = "/" + req.route_params.get("path", "").strip("/")
        for pattern, methods in _ALLOWED:
            if pattern.fullmatch(path):
                raise ProblemError(METHOD_NOT_ALLOWED, f"Use {methods} here.", headers={"Allow": methods})
        raise ProblemError(ROUTE_NOT_FOUND, "Nothing is served at this path; the documentation lists what is.")

    return blueprint


def _report(provide: ServiceProvider) -> HealthDto:
    try:
        services = provide()
    except SettingsError as error:
        return health_of((Dependency(name="settings", status=HealthStatus.UNHEALTHY, detail=str(error)),))
    return check_health(services)
