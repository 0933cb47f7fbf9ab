"""Registers declared routes: each in all its forms, behind the checks of its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from exports.ports.orchestrations import OrchestrationStarter
from exports.services import ServiceProvider, Services
from exports.triggers.http.access import Caller, authorize
from exports.triggers.http.problems import describe
from exports.triggers.http.query import refuse_unknown
from exports.triggers.http.routes import TENANT_PREFIX, Parameter, Reply, Route, allowed_methods
from shared.http import exceptions_to_problems

__all__ = [
    "OPEN_METHODS",
    "TENANT_PREFIX",
    "Call",
    "Handler",
    "Parameter",
    "Reply",
    "Route",
    "StartingHandler",
    "add_catch_all",
    "add_open_route",
    "add_route",
    "add_starting_route",
    "allowed_methods",
]

OPEN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Call:
    """An authorised request."""

    req: func.HttpRequest
    services: Services
    caller: Caller

    @property
    def tenant(self) -> str:
        """Whom the request is for."""
        return self.caller.tenant

    @property
    def url(self) -> str:
        """The URL of the request without its query."""
        url: str = self.req.url
        return url.partition("?")[0].rstrip("/")


Handler = Callable[[Call], func.HttpResponse]
StartingHandler = Callable[[Call, OrchestrationStarter], Coroutine[Any, Any, func.HttpResponse]]


def add_route(blueprint: df.Blueprint, provide: ServiceProvider, route: Route, handler: Handler) -> None:
    """Register a route in all its forms. The handler runs in a worker's thread, after the caller is authorised."""

    @exceptions_to_problems(describe)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return handler(_authorized(req, provide(), route))

    for name, path in route.forms:
        _register(blueprint, name, path, [route.method], answer)


def add_starting_route(
    blueprint: df.Blueprint, provide: ServiceProvider, route: Route, handler: StartingHandler
) -> None:
    """Register a route that starts or ends orchestrations. The handler runs on the event loop: it must not block."""

    @exceptions_to_problems(describe)
    async def answer(req: func.HttpRequest, client: OrchestrationStarter) -> func.HttpResponse:
        call = await asyncio.to_thread(_authorized, req, provide(), route)
        return await handler(call, client)

    for name, path in route.forms:
        _register(blueprint, name, path, [route.method], blueprint.durable_client_input(client_name="client")(answer))


def add_open_route(
    blueprint: df.Blueprint, route: Route, handler: Callable[[func.HttpRequest], func.HttpResponse]
) -> None:
    """Register a route that needs no API key."""

    @exceptions_to_problems(describe)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return handler(req)

    _register(blueprint, route.name, route.path, [route.method], answer)


def add_catch_all(
    blueprint: df.Blueprint,
    name: str,
    path: str,
    handler: Callable[[func.HttpRequest], func.HttpResponse],
    taken: Sequence[str] = (),
) -> None:
    """Register what answers a path with every method but those that routes have `taken`."""
    methods = [method for method in OPEN_METHODS if method not in taken]
    _register(blueprint, name, path, methods, exceptions_to_problems(describe)(handler))


def _authorized(req: func.HttpRequest, services: Services, route: Route) -> Call:
    if route.scope is None:
        message = f"{route.name} has no scope to check"
        raise TypeError(message)
    caller = authorize(req, services.keys, route.scope)
    refuse_unknown(req.url, {parameter.name for parameter in route.parameters if parameter.place == "query"})
    return Call(req, services, caller)


def _register(blueprint: df.Blueprint, name: str, path: str, methods: list[str], handler: Any) -> None:
    route = path or "/"  # a host takes an empty route for none given, and serves the function under its name
    blueprint.function_name(name)(blueprint.route(route, methods=methods)(handler))
