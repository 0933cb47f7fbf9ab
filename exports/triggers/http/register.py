"""Registers the declared routes as HTTP triggers, and answers for the paths and methods that no route has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from exports.ports.orchestrations import OrchestrationStarter
from exports.services import ServiceProvider, Services
from exports.triggers.http.access import authorize, identify
from exports.triggers.http.problems import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND, describe
from exports.triggers.http.query import refuse_unknown
from exports.triggers.http.routes import (
    Api,
    Call,
    CallerCall,
    CallerRoute,
    OpenRoute,
    PageOfProblem,
    Route,
    StartingRoute,
    TenantRoute,
    allowed_methods,
    shadowing_paths,
)
from shared.http import exceptions_to_problems
from shared.invocations import host_trace_parent, with_invocation
from shared.problems import ProblemError
from shared.request_ids import current_request
from shared.telemetry import span

_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def http_triggers(
    provide: ServiceProvider, routes: Sequence[Route], page_of_problem: PageOfProblem = lambda _, answer: answer
) -> df.Blueprint:
    """Build the HTTP triggers of all routes of the app, each in all its forms.

    Args:
        page_of_problem: Turns the answer of a route that people open in a browser into a page, if it is a problem.
    """
    blueprint = df.Blueprint()
    api = Api(provide, routes, page_of_problem)
    for route in routes:
        for name, path in route.forms:
            _register(blueprint, name, path, [route.method], _trigger_of(blueprint, api, route))
    _register_unknown(blueprint, api)
    return blueprint


def _trigger_of(blueprint: df.Blueprint, api: Api, route: Route) -> Any:
    match route:
        case OpenRoute():
            return with_invocation(_open_trigger(api, route))
        case CallerRoute():
            return with_invocation(_caller_trigger(api, route))
        case StartingRoute():
            return blueprint.durable_client_input(client_name="client")(with_invocation(_starting_trigger(api, route)))
        case TenantRoute():
            return with_invocation(_tenant_trigger(api, route))
    message = f"{route.name} is of no kind that can be registered"
    raise TypeError(message)


def _tenant_trigger(api: Api, route: TenantRoute) -> Callable[..., Any]:
    @exceptions_to_problems(describe, api.public_url)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        services = api.provide()
        with _span_of(req, route):
            return route.handler(_authorized(req, services, route))

    def answer_browser(req: func.HttpRequest) -> func.HttpResponse:
        return api.page_of_problem(req, answer(req))

    return answer_browser if route.opens_in_browser else answer


def _caller_trigger(api: Api, route: CallerRoute) -> Callable[..., Any]:
    @exceptions_to_problems(describe, api.public_url)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        services = api.provide()
        with _span_of(req, route):
            identity = identify(req, services.keys, services.tokens, services.guesses)
            _refuse_unknown_parameters(req, route)
            return route.handler(CallerCall(req, services, identity))

    return answer


def _starting_trigger(api: Api, route: StartingRoute) -> Callable[..., Any]:
    @exceptions_to_problems(describe, api.public_url)
    async def answer(req: func.HttpRequest, client: OrchestrationStarter) -> func.HttpResponse:
        services = await asyncio.to_thread(api.provide)
        with _span_of(req, route):
            call = await asyncio.to_thread(_authorized, req, services, route)
            return await route.handler(call, client)

    return answer


def _span_of(req: func.HttpRequest, route: Route) -> AbstractContextManager[object]:
    """Record a span of the request. It belongs to the host's span, or else to the trace that the caller names."""
    parent = host_trace_parent() or req.headers.get("traceparent")
    return span(f"{route.method} {route.name}", parent, request=current_request())


def _open_trigger(api: Api, route: OpenRoute) -> Callable[..., Any]:
    @exceptions_to_problems(describe, api.public_url)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return route.handler(req, api)

    return answer


def _authorized(req: func.HttpRequest, services: Services, route: TenantRoute | StartingRoute) -> Call:
    caller = authorize(req, services.keys, route.scope, services.tokens, services.guesses)
    _refuse_unknown_parameters(req, route)
    return Call(req, services, caller)


def _refuse_unknown_parameters(req: func.HttpRequest, route: Route) -> None:
    refuse_unknown(req.url, {parameter.name for parameter in route.parameters if parameter.location == "query"})


def _register_unknown(blueprint: df.Blueprint, api: Api) -> None:
    """Register the answer for paths and methods that no route has: 404, or 405 with the methods that are allowed."""

    @exceptions_to_problems(describe, api.public_url)
    def unknown_route(req: func.HttpRequest) -> func.HttpResponse:
        methods = ", ".join(allowed_methods(api.routes, urlsplit(req.url).path.strip("/")))
        if methods:
            raise ProblemError(METHOD_NOT_ALLOWED, f"Use {methods} here.", headers={"Allow": methods})
        raise ProblemError(ROUTE_NOT_FOUND, "Nothing is served at this path. GET /docs lists the paths.")

    _register(blueprint, "unknown_route", "{*path:minlength(1)}", list(_ALL_METHODS), with_invocation(unknown_route))
    for name, path, taken in shadowing_paths(api.routes):
        methods = [method for method in _ALL_METHODS if method not in taken]
        _register(blueprint, f"unknown_method_of_{name}", path, methods, with_invocation(unknown_route))


def _register(blueprint: df.Blueprint, name: str, path: str, methods: list[str], trigger: Any) -> None:
    route = path or "/"  # a host treats an empty route as missing, and serves the function under its name
    blueprint.function_name(name)(blueprint.route(route, methods=methods)(trigger))
