"""Every HTTP route is declared once; the declaration registers it, names it in 405 answers and documents it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from exports.problems import describe
from exports.scopes import Scope
from exports.services import ServiceProvider, Services
from exports.steps.start_export import OrchestrationStarter
from exports.triggers.access import Caller, authorize
from shared.http import answering_problems
from shared.models import Model
from shared.problems import ProblemType

TENANT_PREFIX = "tenants/{tenant}/"
OPEN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or the headers.

    Attributes:
        place: `query` or `header`.
        schema: JSON Schema of the value.
    """

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: what it means, its body, its headers by name with their meaning."""

    meaning: str
    body: type[Model] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One route, as it is registered and documented.

    Attributes:
        name: Name of the function, and of the operation.
        path: Template without a leading slash, without the tenant.
        scope: What the caller's key must allow; None: open to everyone, and without a form by tenant.
        body: Model of the JSON body, if it takes one.
        replies: Successful answers by status.
        problems: What else it answers, beside what every route of its kind does.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: Scope | None
    replies: Mapping[int, Reply]
    problems: Sequence[ProblemType] = ()
    body: type[Model] | None = None
    parameters: Sequence[Parameter] = ()

    @property
    def forms(self) -> tuple[tuple[str, str], ...]:
        """Function name and path template of each form: the short one, and the one that names the tenant."""
        if self.scope is None:
            return ((self.name, self.path),)
        return (self.name, self.path), (f"{self.name}_of_tenant", TENANT_PREFIX + self.path)


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

    @answering_problems(describe)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return handler(_authorized(req, provide(), route))

    for name, path in route.forms:
        _register(blueprint, name, path, [route.method], answer)


def add_starting_route(
    blueprint: df.Blueprint, provide: ServiceProvider, route: Route, handler: StartingHandler
) -> None:
    """Register a route that starts or ends orchestrations. The handler runs on the event loop: it must not block."""

    @answering_problems(describe)
    async def answer(req: func.HttpRequest, client: OrchestrationStarter) -> func.HttpResponse:
        call = await asyncio.to_thread(_authorized, req, provide(), route)
        return await handler(call, client)

    for name, path in route.forms:
        _register(blueprint, name, path, [route.method], blueprint.durable_client_input(client_name="client")(answer))


def add_open_route(
    blueprint: df.Blueprint, route: Route, handler: Callable[[func.HttpRequest], func.HttpResponse]
) -> None:
    """Register a route that needs no API key."""

    @answering_problems(describe)
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return handler(req)

    methods = OPEN_METHODS if route.method == "*" else (route.method,)
    _register(blueprint, route.name, route.path, list(methods), answer)


def allowed_methods(routes: Iterable[Route], path: str) -> list[str]:
    """Name the methods that the routes offer at a path (without a leading slash)."""
    found = {route.method for route in routes for _, template in route.forms if _matches(template, path)}
    return sorted(found)


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path, re.IGNORECASE) is not None


def _authorized(req: func.HttpRequest, services: Services, route: Route) -> Call:
    if route.scope is None:
        message = f"{route.name} has no scope to check"
        raise TypeError(message)
    return Call(req, services, authorize(req, services.settings.api_keys, route.scope))


def _register(blueprint: df.Blueprint, name: str, path: str, methods: list[str], handler: Any) -> None:
    blueprint.function_name(name)(blueprint.route(path, methods=methods)(handler))
