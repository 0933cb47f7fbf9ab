"""HTTP routes: the health of the service, and whether the process answers at all. They need no API key."""

from __future__ import annotations

import azure.functions as func

from exports.settings import SettingsError
from exports.steps.upkeep.check_health import Dependency, HealthDto, HealthStatus, LivenessDto, health_of
from exports.steps.upkeep.health_cache import CACHE_SECONDS, FRESH_SECONDS
from exports.triggers.http.access import is_known
from exports.triggers.http.routes import Api, OpenRoute, Parameter, Reply
from shared.http import json_response


def health(req: func.HttpRequest, api: Api) -> func.HttpResponse:
    """Report names and states to everybody, and the details to callers with a valid key or token."""
    report = _report(req, api)
    return json_response(report, 200 if report.status is HealthStatus.HEALTHY else 503)


def health_live(_: func.HttpRequest, __: Api) -> func.HttpResponse:
    """Answer without touching storage, database or settings."""
    return json_response(LivenessDto())


def _report(req: func.HttpRequest, api: Api) -> HealthDto:
    try:
        services = api.provide()
    except SettingsError as error:
        # Without settings nobody can show a key. The text names settings, which are documented, and no values.
        wrong = Dependency(name="settings", status=HealthStatus.UNHEALTHY, detail=str(error))
        return health_of((wrong,)).model_copy(update={"version": None})
    if is_known(req, services.keys, services.tokens, services.guesses):
        return api.health.report(services, FRESH_SECONDS)
    return api.health.report(services, CACHE_SECONDS).without_details()


ROUTES = (
    OpenRoute(
        method="GET",
        path="health",
        handler=health,
        summary="Get the health of every dependency, by name",
        description=f"A report is at most {CACHE_SECONDS:.0f} seconds old; with a valid API key or token, at most "
        f"{FRESH_SECONDS:.0f} second. Details and the version need a key or token.",
        parameters=(Parameter("x-api-key", "header", "Optional: any valid API key", {"type": "string"}),),
        replies={200: Reply("All are healthy", HealthDto), 503: Reply("At least one is not healthy", HealthDto)},
    ),
    OpenRoute(
        method="GET",
        path="health/live",
        handler=health_live,
        summary="Find out whether the service answers at all; for probes",
        description="Touches neither storage nor database.",
        replies={200: Reply("It answers", LivenessDto)},
    ),
)
